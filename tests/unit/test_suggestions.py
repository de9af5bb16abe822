"""A word that the command line does not know is refused with the nearest that it knows, and exit code 2."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cli import COMMANDS
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    """A store with one invoice, and a table that names more types than that."""
    app = InMemoryApp(tmp_path)
    asyncio.run(app.routed("invoice", name="invoice.pdf"))
    with terminal(app, TABLE, monkeypatch):
        yield app


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("mailroom documnts", "documents"),
        ("mailroom alerts lst", "list"),
        ("mailroom documents --stat open", "--state"),
        ("mailroom documents --state routd", "routed"),
        ("mailroom tasks --state parkd", "parked"),
        ("mailroom webhooks rotate signng", "signing"),
        ("mailroom documents --type invoce", "invoice"),
        ("mailroom replay --type invoce", "invoice"),
        ("mailroom routes backtest --type invoce", "invoice"),
        ("mailroom pause submision", "submission"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_one_that_was_meant(command: str, meant: str) -> None:
    result = run(command)
    assert (result.exit_code, result.stdout) == (2, "")
    said = result.stderr.lower()
    assert meant in said[said.index("did you mean") :]


@given(command=st.sampled_from(sorted(COMMANDS)), data=st.data())
def test_any_command_with_one_letter_missing_is_recognised(command: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(command) - 1))
    wrong = command[:at] + command[at + 1 :]
    if wrong in COMMANDS or len(wrong) < 4:
        return
    result = run(f"mailroom {wrong}")
    assert result.exit_code == 2
    assert f"'{command}'" in result.stderr


def test_a_type_that_is_like_no_other_is_refused_with_all_that_there_are() -> None:
    result = run("mailroom documents --type zzz")
    assert result.exit_code == 2
    assert "type:zzz: no document has this type" in result.stderr
    assert "contract, invoice" in result.stderr


def test_a_type_that_the_table_names_and_no_document_has_is_an_empty_list() -> None:
    result = run("mailroom documents --type contract --json")
    assert (result.exit_code, json.loads(result.stdout)["documents"]) == (0, [])


def test_a_type_that_only_a_document_still_has_is_found(app: InMemoryApp, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE.replace("invoice", "receipt"))
    result = run("mailroom documents --type invoice")
    assert result.exit_code == 0
    assert "invoice.pdf" in result.stdout


def test_without_a_readable_table_a_type_that_no_document_has_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").unlink()
    assert run("mailroom documents --type invoce").exit_code == 2
