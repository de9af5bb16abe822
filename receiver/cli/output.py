"""What the commands print: tables for people, JSON for programs, one line for a failure.

rich is imported when a table is printed, not before. Colour and width are those of the terminal; into a pipe goes plain
text in lines as long as they need to be, so that it can be searched.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import click

PIPE_WIDTH = 1000
"""Columns for output that is not a terminal: no cell is cut or wrapped."""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Prints a table. A cell that starts with ``✔``, ``✘`` or ``!`` gets its colour on a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    printed = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        printed.add_column(column, overflow="fold")
    for row in rows:
        printed.add_row(*(Text(plain(str(cell)), style=_style(str(cell))) for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else PIPE_WIDTH).print(printed)


def _style(cell: str) -> str:
    return {"✔": "green", "✘": "red", "!": "yellow"}.get(cell[:1], "")


def plain(text: str) -> str:
    """The text without characters that would steer a terminal; names come from outside."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_json(data: Any) -> None:
    """Prints the data as JSON that people can read too."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def say(message: str) -> None:
    """Prints a line of text."""
    click.echo(plain(message))


def fail(message: str) -> NoReturn:
    """Prints the message on stderr and ends the command with exit code 1."""
    click.echo(plain(message), err=True)
    raise click.exceptions.Exit(1)
