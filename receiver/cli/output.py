"""The output of all commands: tables for people, JSON for programs, one line for a failure.

rich is imported only when a table is printed. Colour and width depend on the terminal. A pipe gets plain text, in lines
of any length, so that it can be searched.
"""

import errno
import io
import json
import os
import select
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 1000
"""Columns for output that is not a terminal: no cell is cut or wrapped."""
INDENT = "    "
STYLES = {"✔": "green", "✘": "red", "!": "yellow"}
Cell = object | Sequence[object]
"""The text of a cell, or its lines."""


class ReaderGone(Exception):
    """The reader of the output closed the pipe."""


class OutputLost(Exception):
    """The output could not be written: its disk is full, or gone."""


class _Patient(io.RawIOBase):
    """A file that writes everything, even to a non-blocking pipe: it waits for the reader."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def write(self, data: Any) -> int:
        try:
            while (written := self._file.write(data)) is None:
                select.select([], [self._file], [])
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise OutputLost(f"cannot write the output: {reason}") from error
        return written


def open_streams() -> None:
    """Opens standard input, output and error if they were closed at the start (``<&-``, some cron and init programs).

    Standard output then refuses to be written: a command that prints its result fails, and one that prints nothing
    works. Otherwise the next opened files would get their descriptors: output would go into a store, a document or a
    connection, and libuv aborts the process when it closes one of these descriptors.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free descriptor, which is this one.
            os.open(os.devnull, os.O_RDONLY if name == "stdout" else os.O_RDWR)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, mode, closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # as Python does; keeps the stream open as long as the process lives


def write_whole() -> None:
    """Makes writes to standard output and error complete.

    With PYTHONUNBUFFERED, which containers set, Python passes a text to the system in one call, and ignores the part
    that was not written; and it does not wait for a non-blocking pipe.
    """
    sys.stdout, sys.stderr = _whole(sys.stdout), _whole(sys.stderr)


def _whole(stream: TextIO) -> TextIO:
    """The stream, with a buffer that writes until everything is written. A stream without a file stays as it is."""
    binary = getattr(stream, "buffer", None)
    raw = getattr(binary, "raw", binary)
    if not isinstance(raw, io.FileIO):
        return stream
    stream.flush()
    buffered = io.BufferedWriter(_Patient(raw))
    # What the encoding lacks is written as \u2714. A strict stream would end the command at the first such letter.
    errors = stream.errors if stream.encoding.lower().startswith("utf") else "backslashreplace"
    return io.TextIOWrapper(buffered, encoding=stream.encoding, errors=errors, line_buffering=True)


def write_no_more() -> None:
    """Discards buffered output, so that the interpreter does not complain at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], title: str = "") -> None:
    """Prints a table. A cell that starts with ``✔``, ``✘`` or ``!`` gets its colour on a terminal.

    On a narrow terminal a row takes as many lines as it needs, and no cell is broken, so that an id or a place can
    still be selected and copied.
    """
    from rich.console import Console

    rows = list(rows)
    if not rows:
        say("none")
        return
    cells = [[_lines(cell) for cell in row] for row in rows]
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    printed = _table(columns, cells, title)
    if console.measure(printed, options=console.options.update(width=PIPE_WIDTH)).maximum > console.width:
        for row in cells:
            console.print(_flowing(row, console.width), soft_wrap=True)
        return
    with console.capture() as captured:
        console.print(printed)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines() if line.strip()))


def _table(columns: Sequence[str], rows: Iterable[Sequence[Sequence[str]]], title: str) -> "Table":
    from rich import box
    from rich.table import Table

    printed = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        printed.add_row(*(_coloured("\n".join(lines)) for lines in row))
    return printed


def _lines(cell: Cell) -> list[str]:
    lines = [cell] if isinstance(cell, str) or not isinstance(cell, Sequence) else cell
    return [" ".join(plain(str(line)).splitlines()) for line in lines] or [""]


def _flowing(row: Sequence[Sequence[str]], width: int) -> "Text":
    """The cells of a row one after the other, on as many lines as they need."""
    from rich.text import Text

    flowing, used = Text(), 0
    for line in (line for cell in row for line in cell if line):
        cell = _coloured(line)
        room = used and used + 2 + cell.cell_len <= width
        flowing.append("  " if room else f"\n{INDENT}" if used else "").append_text(cell)
        used = (used + 2 if room else len(INDENT) if used else 0) + cell.cell_len
    return flowing


def _coloured(cell: str) -> "Text":
    from rich.text import Text

    return Text(cell, style=STYLES.get(cell[:1], ""))


def plain(text: str) -> str:
    """The text without terminal control characters, because names come from outside."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(text: str) -> str:
    """Text from outside on one line, because line breaks in it could imitate our own lines."""
    return " ".join(text.split())


def print_json_line(data: Any) -> None:
    """Prints the data as JSON on one line, for output that goes on."""
    click.echo(json.dumps(data, ensure_ascii=False))


def print_json(data: Any) -> None:
    """Prints the data as indented JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def say(message: str, *, err: bool = False) -> None:
    """Prints a line of text; with ``err`` on standard error."""
    click.echo(plain(message), err=err)
