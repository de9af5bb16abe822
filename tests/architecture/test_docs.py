"""The documentation keeps up with the code: made pages are current, everything is named, links lead somewhere."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from handlers.alerts import CHANNELS
from handlers.destinations import destinations
from receiver import __version__
from receiver.cli import COMMANDS
from receiver.core.alert import KINDS
from receiver.metrics import METRICS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


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
    packages = {re.split(r"[\[<>=~!; ]", item)[0] for item in named} - {"mailroom"}
    text = (DOCS / "dependencies.md").read_text()
    assert sorted(package for package in packages if package.lower() not in text.lower()) == []


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


@pytest.mark.parametrize(
    "page",
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "samples" / "README.md",
        *sorted(DOCS.glob("*.md")),
        *sorted((ROOT / "sandbox").rglob("*.md")),
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
