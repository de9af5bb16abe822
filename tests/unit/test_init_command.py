"""``mailroom init``: two files that work, or none."""

import base64
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from receiver.cli import cli, init
from receiver.config import load, parse
from receiver.config.first_files import Answers, env_text, table_text
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong
from receiver.load_app import load_app
from receiver.read_settings import from_environ
from tests.processes import environment

PUBLIC = ["--public-url", "http://127.0.0.1:8080"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict("os.environ", environment(LLAMA_CLOUD_API_KEY="llx-a-key"), clear=True):
        yield tmp_path


def run(*options: str, lines: str = "") -> Result:
    return CliRunner().invoke(cli, ["init", *options], input=lines, catch_exceptions=False)


def loaded(folder: Path) -> dict[str, str]:
    """The variables of .env as a shell reads them."""
    told = subprocess.run(
        ["sh", "-c", "set -a; . ./.env; env -0"], cwd=folder, env={}, capture_output=True, text=True, check=True
    )
    names = dict(line.partition("=")[::2] for line in told.stdout.split("\0") if line)
    return {name: value for name, value in names.items() if name.startswith(("MAILROOM_", "LLAMA_"))}


def test_it_writes_a_table_and_settings_that_serve_starts_with(folder: Path) -> None:
    result = run(*PUBLIC, "--base-url", "http://127.0.0.1:8090", "--rule", "tax form=a form of the tax office: yearly")
    assert result.exit_code == 0
    assert init.LOAD in result.stdout
    assert {path.name for path in folder.iterdir()} == {".env", "mailroom.yaml"}
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "mailroom.yaml").stat().st_mode) == 0o644
    variables = loaded(folder)
    settings = from_environ(variables)
    assert settings.llama_cloud_base_url == "http://127.0.0.1:8090"
    made = [variables[f"MAILROOM_{name}"] for name in ("TOKEN_SECRETS", "SIGNING_SECRETS", "ADMIN_TOKEN")]
    assert len(set(made)) == 3
    assert {len(base64.urlsafe_b64decode(f"{secret}=")) for secret in made} == {32}
    assert not any(secret in result.output for secret in [*made, "llx-a-key"])
    app = load_app(settings)
    assert app.context.config.types == ("tax form",)
    assert [target.url for target in app.context.config.table.routes[0].to] == ["folder://./filed/tax form/"]


def test_two_runs_make_different_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert run(*PUBLIC).exit_code == 0
        seen.append(loaded(tmp_path / name)["MAILROOM_TOKEN_SECRETS"])
    assert seen[0] != seen[1]


def test_at_a_terminal_it_asks_for_what_is_not_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.cli.mending.at_a_terminal", lambda: True)
    monkeypatch.delenv("LLAMA_CLOUD_API_KEY")
    answers = [
        "llx-typed",
        "",
        "https://mail.example.com",
        "s3://acme-mail/in",
        "receipt",
        "what a till prints out",
        "",
    ]
    result = run(lines="\n".join([*answers, ""]))
    assert result.exit_code == 0
    assert "llx-typed" not in result.output
    variables = loaded(folder)
    assert variables["LLAMA_CLOUD_API_KEY"] == "llx-typed"
    assert "LLAMA_CLOUD_BASE_URL" not in variables
    config = load(folder / "mailroom.yaml", variables)
    assert [target.url for target in config.targets] == [
        "s3://acme-mail/in/receipt/", "s3://acme-mail/in/unsorted/", "s3://acme-mail/in/failed/",
    ]  # fmt: skip


def test_at_a_terminal_a_wrong_answer_is_asked_for_again_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.cli.mending.at_a_terminal", lambda: True)
    answers = [
        *("invoice", "https://llama.example.com"), *("mail.example.com", "https://mail.example.com"),
        *("sqs://queue", "folder://./in/"), *("a:b", "memo"), *("short", "a note between colleagues"), "",
    ]  # fmt: skip
    result = run(lines="\n".join([*answers, ""]))
    assert result.exit_code == 0, result.output
    variables = loaded(folder)
    assert variables["LLAMA_CLOUD_BASE_URL"] == "https://llama.example.com"
    config = load(folder / "mailroom.yaml", variables)
    assert [(rule.type, rule.description) for rule in config.classify.rules] == [("memo", "a note between colleagues")]
    for told in ("has no scheme", "is not a folder or bucket", "may have only letters", "at least 10 characters"):
        assert told in result.output


def test_without_a_terminal_it_says_what_is_missing_and_asks_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLAMA_CLOUD_API_KEY")
    result = run()
    assert result.exit_code == 2
    assert "LLAMA_CLOUD_API_KEY and --public-url" in result.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--public-url", "mail.example.com"], "MAILROOM_PUBLIC_URL"),
        (["--public-url", "http://mail.example.com"], "unencrypted"),
        ([*PUBLIC, "--base-url", "ftp://x"], "LLAMA_CLOUD_BASE_URL"),
        ([*PUBLIC, "--to", "sqs://queue"], "--to"),
        ([*PUBLIC, "--to", "./filed"], "--to"),
        ([*PUBLIC, "--to", "s3://"], "s3://bucket/prefix/"),
        ([*PUBLIC, "--to", "s3:///"], "s3://bucket/prefix/"),
        ([*PUBLIC, "--to", "folder://"], "folder://./filed/"),
        ([*PUBLIC, "--to", "folder:///"], "folder://./filed/"),
        ([*PUBLIC, "--to", "s3://bucket/{"], "without its }"),
        ([*PUBLIC, "--to", "s3://B/"], "bucket name"),
        ([*PUBLIC, "--rule", "invoice"], "TYPE=TEXT"),
        ([*PUBLIC, "--rule", "a:b=what it is like"], "letters, digits"),
        ([*PUBLIC, "--rule", "a=short"], "at least 10 characters"),
        ([*PUBLIC, "--rule", "a=what it is like", "--rule", "a=what it is not"], "twice"),
    ],
)
def test_a_wrong_answer_is_refused_and_leaves_no_trace(folder: Path, options: list[str], told: str) -> None:
    try:
        result = run(*options)
    except Misconfigured as error:  # main() turns it into exit code 2
        message = f"{error} {error.fix}"
        assert "nothing was written" in message
    else:
        assert result.exit_code == 2
        message = result.stderr
    assert told in message
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("http://127.0.0.1:18080", "mailroom serve --port 18080"),
        ("https://mail.example.com:8443", "mailroom serve"),
        ("none", "mailroom listen"),
    ],
)
def test_it_names_the_command_that_comes_next(folder: Path, url: str, command: str) -> None:
    assert f"  {command}\n" in run("--public-url", url).stdout


@pytest.mark.parametrize("name", [".env", "mailroom.yaml"])
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_what_is_there_stays_as_it_is(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("gone")
    with pytest.raises(Misconfigured, match="not overwritten"):
        run(*PUBLIC)
    assert [item.name for item in folder.iterdir()] == [name]
    assert kind != "file" or path.read_text() == "mine"


def test_half_a_write_is_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def full(path: str | Path, *arguments: int) -> int:
        if Path(path) == init.ENV:
            raise OSError(28, "No space left on device", ".env")
        return opened(path, *arguments)

    monkeypatch.setattr("receiver.cli.init.os.open", full)
    with pytest.raises(Misconfigured, match=r"cannot write \.env: No space left"):
        run(*PUBLIC)
    assert list(folder.iterdir()) == []


TYPES = st.from_regex(r"[A-Za-z0-9_-]([A-Za-z0-9 _-]{0,10}[A-Za-z0-9_-])?", fullmatch=True)
DESCRIPTIONS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=10, max_size=80)


@hypothesis_settings(deadline=None, max_examples=10)
@given(rules=st.dictionaries(TYPES, DESCRIPTIONS, min_size=1, max_size=4))
def test_the_table_says_what_was_answered_whatever_that_looks_like_in_yaml(rules: dict[str, str]) -> None:
    answers = Answers(api_key="k", base_url="", public_url="", destination="folder:///filed", rules=rules)
    config = parse(table_text(answers), {})
    assert {rule.type: rule.description for rule in config.classify.rules} == rules
    assert [route.types for route in config.table.routes] == [(name,) for name in rules]


@hypothesis_settings(deadline=None, max_examples=10)
@given(values=st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12), max_size=30))
def test_a_shell_reads_every_value_that_is_written_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    folder, written = tmp_path_factory.mktemp("env"), {}
    for number, value in enumerate(values):
        try:
            env_text({"MAILROOM_X": value})
        except Wrong:
            continue
        written[f"MAILROOM_X{number}"] = value
    (folder / ".env").write_text(env_text(written))
    assert loaded(folder) == written
