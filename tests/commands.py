"""Runs commands as a person pastes them, on an InMemoryApp: same store, same cloud, same channels."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from receiver.bootstrap import App
from receiver.cli import cli, mending, running
from receiver.settings import Settings
from tests.in_memory_app import InMemoryApp

_desks: list[InMemoryApp] = []


def build(settings: Settings) -> App:
    """The composition root of commands in these tests."""
    return App(settings=settings, context=_desks[-1].context, receiver=None)


@contextmanager
def terminal(app: InMemoryApp, table: str, patched: pytest.MonkeyPatch) -> Iterator[None]:
    """During the block, ``run`` acts on this application, and a person at the terminal answers yes."""
    config = app.folder / "mailroom.yaml"
    config.write_text(table)
    for name, value in {
        "MAILROOM_APP": "tests.commands:build",
        "MAILROOM_CONFIG": str(config),
        "MAILROOM_STORE": "memory://",
    }.items():
        patched.setenv(name, value)
    patched.setattr(running, "existing_store", lambda _: app.store)
    patched.setattr(mending, "at_a_terminal", lambda: True)
    _desks.append(app)
    try:
        yield
    finally:
        _desks.pop()


def run(command: str, *, answer: str = "y\n", **words: Path | str) -> Result:
    """What the command prints and its exit code; ``words`` are what a person puts for FILE, ROUTE and the like, and
    ``answer`` is what they type when they are asked."""
    program, *arguments = [str(words.get(part, part)) for part in shlex.split(command)]
    assert program == "mailroom"
    return CliRunner().invoke(cli, arguments, input=answer)
