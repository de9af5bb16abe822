"""``mailroom`` called within this process as a shell would call it, and all its commands."""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import click

from receiver.cli import cli, main
from tests.processes import Ran

NEEDED = {
    "DOCUMENT": "doc-1", "KEY": "key-1", "EVENT": "classify.success", "WHAT": "submission", "FOLDER": "no-folder",
    "--note": "why", "TO": "backup-of-today", "SOURCE": "no-backup",
}  # fmt: skip
"""Argument or option that a command needs -> a value that is right, or right enough to be looked at."""


def commands() -> list[tuple[list[str], click.Command]]:
    """Every command that can be run, from the parser's own list, with the words that name it."""
    return list(_commands(cli, [], click.Context(cli)))


def _commands(
    command: click.Command, words: list[str], ctx: click.Context
) -> Iterator[tuple[list[str], click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            assert found is not None, name
            yield from _commands(found, [*words, name], ctx)
    else:
        yield words, command


def given(command: click.Command, file: Path, *, besides: click.Parameter | None = None) -> list[str]:
    """The arguments and options that the command cannot do without, ``besides`` one of them."""
    words: list[str] = []
    for item in command.params:
        if not item.required or item is besides:
            continue
        name = item.opts[0] if isinstance(item, click.Option) else str(item.name).upper()
        choices = getattr(item.type, "choices", ())
        value = str(choices[0]) if choices else NEEDED.get(name, str(file))
        words += [name, value] if isinstance(item, click.Option) else [value]
    return words


def mailroom(folder: Path, *arguments: str, env: Mapping[str, str]) -> Ran:
    """What ``mailroom ARGUMENTS`` does in this folder. An error that nobody foresaw comes out as it is."""
    out, err = io.StringIO(), io.StringIO()
    mask = os.umask(0o022)
    try:
        with (
            chdir(folder),
            mock.patch.dict("os.environ", env, clear=True),
            mock.patch("sys.stdin", io.StringIO()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            return Ran(_code(arguments), out.getvalue(), err.getvalue())
    finally:
        os.umask(mask)


def _code(arguments: Sequence[str]) -> int:
    try:
        main(arguments)
    except SystemExit as ended:
        assert isinstance(ended.code, int | None)
        return ended.code or 0
    return 0
