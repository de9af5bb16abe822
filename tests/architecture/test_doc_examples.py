"""Examples in the docs work: tables pass the check, commands and their options exist, variables are settings."""

import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from receiver.cli import cli
from receiver.settings import VARIABLES
from scripts.deploying.deployment_file import parse_deployment
from tests.architecture.test_docs import PAGES, ROOT

TABLE = """
classify:
  rules:
    - {type: invoice, description: "contains an invoice number and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations"}
routes:
  - {type: [invoice, contract], to: "s3://acme-mail/filed/"}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""
"""What a part of a table is completed with."""

OTHERS = {"MAILROOM_APP", "MAILROOM_AWS_LIVE", "MAILROOM_ALLOW_HTTP"}
"""Variables that are no settings: the composition root's name, and what a test asks for."""


def blocks(*languages: str) -> Iterator[tuple[Path, str]]:
    """Every block of the pages in these languages, with its page."""
    for page in PAGES:
        for language, text in re.findall(r"```(\w*)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            if language in languages:
                yield page, text


def table(text: str) -> str:
    """The example as a whole mailroom.yaml: what it lacks comes from TABLE."""
    if text.startswith("to:"):
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        text = f"routes:\n  - type: [invoice, contract]\n{indented}"
    lacking = [part for name, part in SECTIONS.items() if not re.search(rf"^{name}:", text, re.MULTILINE)]
    return text + "".join(lacking)


SECTIONS = {part.partition(":")[0]: part for part in re.findall(r"^\w+:.*\n(?: .*\n)*", TABLE, re.MULTILINE)}

VALUES = {
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/key",
    "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
}
"""Variables whose value has a form."""

DEPLOYMENTS = [text for _, text in blocks("yaml") if "mailroom.deploy.schema.json" in text]
"""Examples of mailroom.deploy.yaml name its schema."""
TABLES = [
    *((page, text) for page, text in blocks("yaml") if text not in DEPLOYMENTS),
    *((page, text) for page, block in blocks("sh") for text in re.findall(r"<<'YAML'\n(.*?)YAML\n", block, re.DOTALL)),
]


@pytest.mark.parametrize("text", DEPLOYMENTS, ids=[""] * len(DEPLOYMENTS))
def test_every_example_of_a_deployment_can_be_read(text: str) -> None:
    assert parse_deployment(textwrap.dedent(text), "dev").values.region


@pytest.mark.parametrize(("page", "text"), TABLES, ids=lambda value: value.stem if isinstance(value, Path) else "")
def test_every_table_passes_the_check(page: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("MAILROOM_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILROOM_SMTP_URL", "smtp://mail.example.com")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    for name in re.findall(r"env:(\w+)", text):
        monkeypatch.setenv(name, VALUES.get(name, f"value-of-{name.lower()}"))
    (tmp_path / "mailroom.yaml").write_text(table(text), encoding="utf-8")
    done = CliRunner().invoke(cli, ["routes", "check", "--offline", "--config", "mailroom.yaml"])
    assert done.exit_code == 0, f"{page.name}: {done.output} {done.exception}"


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every ``mailroom …`` of the pages, in blocks and between backticks, as words after ``mailroom``."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [
            line
            for _, block in re.findall(r"```(sh|console)\n(.*?)```", text, re.DOTALL)
            for line in block.splitlines()
        ]
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for line in [*lines, *re.findall(r"`(mailroom [^`]+)`", " ".join(prose.split()))]:
            for command in re.findall(r"(?:^|[;&(]\s*|\$\s)mailroom ([^#;&)]*)", line):
                yield page.name, words(command.replace("\\|", " ").partition("|")[0])


def words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # the first half of a quoted substitution
        return command.split()


def test_every_command_and_option_exists() -> None:
    found = list(command_lines())
    assert len(found) > 60
    assert [f"{page}: mailroom {' '.join(line)}: {wrong}" for page, line in found if (wrong := unknown(line))] == []


def unknown(line: list[str]) -> str:
    """The first word that is no command or option of ``mailroom``."""
    command: click.Command = cli
    options = {"--help", "-h", *(name for each in cli.params for name in each.opts)}
    for word in line:
        if command.context_settings.get("ignore_unknown_options"):
            return ""
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0].rstrip(",…")
            if name not in options:
                return name
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z-]+", word):
            below = command.get_command(click.Context(command), word)
            if below is None:
                return word
            command = below
            options |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return ""


def test_every_variable_is_a_setting() -> None:
    known = {*VARIABLES.values(), *OTHERS}
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"\bMAILROOM_[A-Z_]*[A-Z]\b", page.read_text("utf-8"))
    }
    assert len(named) > 60
    assert sorted(each for each in named if each[1] not in known and each[1].removesuffix("_FILE") not in known) == []


def test_every_module_that_is_run_exists() -> None:
    ours = ("benchmarks", "receiver", "handlers", "scripts", "tests", "llamacloud_sandbox")
    named = {name for page in PAGES for name in re.findall(r"python -m ([\w.]+)", page.read_text(encoding="utf-8"))}
    modules = [name for name in named if name.split(".")[0] in ours]
    assert len(modules) > 8
    assert [name for name in modules if not any(path.exists() for path in files(name))] == []


def files(module: str) -> list[Path]:
    """Where a module that can be run may be."""
    path = module.replace(".", "/")
    return [folder / f"{path}{end}" for folder in (ROOT, ROOT / "sandbox") for end in (".py", "/__main__.py")]


def test_every_shell_example_is_shell() -> None:
    for page, text in blocks("sh"):
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, f"{page.name}: {text}{done.stderr}"
