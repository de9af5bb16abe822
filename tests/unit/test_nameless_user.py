"""Commands work for a user without a name, as containers that run under any id have."""

import getpass
from pathlib import Path
from typing import NoReturn

import pytest

from receiver.cli.vendor_files import vendor_files
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


@pytest.fixture(autouse=True)
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    def getuser() -> NoReturn:
        raise KeyError("getpwuid(): uid not found: 1000670000")

    monkeypatch.setattr(getpass, "getuser", getuser)


@pytest.mark.parametrize("command", ["mailroom alerts ack KEY", "mailroom dismiss doc-x --note spam"])
def test_a_command_that_records_who_decides(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(InMemoryApp(tmp_path), TABLE, monkeypatch):
        done = run(command)
    assert "there is no" in str(done.exception)


def test_documents_that_are_submitted_by_id() -> None:
    (named,) = vendor_files(["dfl-1"], [], [], packet=False)
    assert named.sender.startswith("uid ")
