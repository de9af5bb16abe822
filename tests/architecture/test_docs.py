"""The documentation keeps up with the code: made pages are current, everything is named, links lead somewhere."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from handlers.alerts.registry import CHANNELS
from handlers.destinations.registry import destinations
from receiver import __version__
from receiver.cli import COMMANDS
from receiver.core.alert import KINDS
from receiver.metrics import METRICS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "samples" / "README.md",
    ROOT / "receiver" / "store" / "README.md",
    *sorted(DOCS.glob("*.md")),
    *sorted((ROOT / "sandbox").glob("*.md")),
    *sorted((ROOT / "sandbox" / "docs").glob("*.md")),
]
"""Everything that a person reads, but the changelog."""
OURS = ("receiver/", "handlers/", "tests/", "scripts/", "infra/", "docs/", "benchmarks/", "sandbox/", "samples/")
ROOTS = (ROOT, DOCS, ROOT / "tests", ROOT / "sandbox")
"""Where a path may begin."""


def test_pages_made_from_the_code_are_current(tmp_path: Path) -> None:
    # in a process of its own: a command keeps the help option of whoever asked it first
    subprocess.run([sys.executable, "-m", "scripts.reference", tmp_path], cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*")}
    assert len(made) > 3
    kept = {name: (DOCS / name).read_text(encoding="utf-8") for name in made}
    assert kept == made, "run scripts/make-docs"
    assert {path.name for path in (DOCS / "schemas").iterdir()} == {path.name for path in made if path.parent.name}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cli.md", [f"mailroom {name}" for name in COMMANDS]),
        ("destinations.md", [f"{scheme}://" for scheme in destinations() if scheme != "http"]),
        ("alerts.md", list(CHANNELS)),
        ("reference-config.md", list(KINDS)),
        ("metrics.md", list(METRICS)),
    ],
)
def test_everything_is_documented(page: str, names: list[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []


def security_rows() -> list[str]:
    """The rows of docs/security.md under headings that promise a test for each."""
    rows, held = [], False
    for line in (DOCS / "security.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            held = False
        elif line.endswith("| held by |"):
            held = True
        elif held and not line.startswith("| ---"):
            rows.append(line)
    return rows


def test_every_row_of_the_threat_model_names_a_test_that_is_there() -> None:
    assert len(security_rows()) > 30
    for row in security_rows():
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row)
        assert named, f"no test holds this: {row}"
        for file, name in named:
            tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
            there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in there, f"{file} has no {name}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    packages = {re.split(r"[\[<>=~!; ]", item)[0] for item in named} - {"llamacloud-mailroom"}
    text = (DOCS / "dependencies.md").read_text()
    assert sorted(package for package in packages if package.lower() not in text.lower()) == []


def test_no_entry_stands_twice() -> None:
    changes = [
        line[:60] for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n") if line[:2] == "- "
    ]
    rows = re.findall(r"^\| ([\w, -]+?) (?:\(.*?\) )?\|", (DOCS / "dependencies.md").read_text(), re.MULTILINE)
    packages = [name for row in rows for name in row.split(", ") if name != "package" and name.strip("-")]
    assert len(changes) > 100
    assert len(packages) > 30
    assert [each for each, times in Counter([*changes, *packages]).items() if times > 1] == []


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_ours_is_there(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`([\w./-]+)(?:::\w+)?`", prose)
    paths = [name for name in named if name.startswith(OURS) or name.endswith(".py")]
    roots = (*ROOTS, page.parent)
    assert [name for name in paths if "NAME" not in name and not any((root / name).exists() for root in roots)] == []


NOT_OURS = ("data.", "detail.", "metadata.", "router.", "sts.amazonaws.com", "token.actions.githubusercontent.com")
"""Dotted names that are none of a log event, alert or event type: JSON paths of messages and events, Python, hosts."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_dotted_name_is_one_that_the_code_has(page: Path) -> None:
    """Log events, alerts and event types: a reader who searches the log for a name on the page must find it."""
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page.read_text(encoding="utf-8")))
    schemas = [path.read_text(encoding="utf-8") for path in DOCS.glob("*.schema.json")]
    keys = [set(re.findall(r'"(\w+)":', schema)) for schema in schemas]  # of mailroom.yaml: `retention.content_days`
    unknown = {name for name in named if not name.startswith(NOT_OURS) and not is_in_code(name)}
    assert [name for name in unknown if not any(known.issuperset(name.split(".")) for known in keys)] == []


def is_in_code(name: str) -> bool:
    """Whether the code says it, in one piece or as `f"partner.{what}"` or `f"{self.logged}.refused"`."""
    head, _, tail = name.rpartition(".")
    quoted = (f'"{name}', f"'{name}", f"{name}`", f" {name}", f'f"{head}.{{')
    logged = f'logged="{head}"' in code() and f'f"{{self.logged}}.{tail}"' in code()
    return logged or any(text in code() for text in quoted)


@functools.cache
def code() -> str:
    """All that is not prose: ours, the sandbox's, and what deploys it."""
    folders = ("receiver", "handlers", "sandbox/llamacloud_sandbox", "scripts", "infra", "benchmarks", "tests/chaos")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [ROOT / "serverless.yml", ROOT / "pyproject.toml", ROOT / "samples" / "mailroom.yaml"]
    read = {".py", ".js", ".yml", ".yaml", ".toml", ".service"}
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.suffix in read)


def test_the_map_leads_to_every_page() -> None:
    linked = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"({page.name}" not in linked] == ["README.md"]


PRIVATE = (
    *("door", "doorbell", "bell", "ring", "rings", "happening", "happenings", "conclude", "dossier", "deed", "parcel"),
    *("vault", "the books", "taken in", "takes in", "take in", "taking in", "named way", "named ways", "no_match way"),
    *("goes the way of", "go the way of", "crew", "clerk", "weather", "papers", "glossary", "belongs into", "anew"),
    *("for ever", "stands twice", "so many times more", "put back to process", "for the while", "no affair"),
)
"""Words of a private language that Mailroom had. The field has its own (docs/flow.md, "Words")."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_words_are_those_of_the_field(page: Path) -> None:
    """Pages that are made from the code too: they show what commands, settings and errors say."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    prose = " ".join(text.lower().split())
    found = [prose[each.start() - 40 : each.end() + 40] for each in re.finditer(rf"\b({'|'.join(PRIVATE)})\b", prose)]
    assert found == []


def test_the_readme_tells_either_installer_of_pipx_where_the_wheels_are() -> None:
    """pipx installs with uv where uv is there, and uv does not read pip's variables."""
    (line,) = (line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "pipx run" in line)
    assert "PIP_FIND_LINKS=dist " in line
    assert "UV_FIND_LINKS=dist " in line
