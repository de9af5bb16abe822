"""The recording in README.md: `mailroom demo --once` in a pseudo-terminal, as an SVG that plays once.

Usage: python -m scripts.demo_recording
"""

import fcntl
import itertools
import os
import pty
import re
import shutil
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
RECORDING, MOST_BYTES = ROOT / "docs" / "demo.svg", 60_000
LETTERS = (
    "contract-mutual-nda.pdf", "facture-atelier-lumiere.pdf", "ambiguous-staircase-quote.pdf", "locked-payslip.pdf",
    "recipe-walnut-bread.pdf",
)  # fmt: skip
"""Routed twice, held for two reasons, and failed."""
COLUMNS, ROWS = 104, 40
LONGEST_PAUSE = 0.7
"""Seconds; longer ones are shortened."""
REDRAWS = 6
"""How many states of one progress bar are shown."""
FONT, WIDTH, HEIGHT, MARGIN = 13, 7.82, 18, 14
"""In pixels: the font, a character, a line, the border."""


@dataclass(frozen=True, slots=True)
class Line:
    """What stands in a row of the terminal, with its colours as escape sequences."""

    row: int
    text: str
    since: float
    until: float | None = None
    """When something else was written over it."""


def main() -> None:
    """Writes the picture."""
    command = ["mailroom", "demo", "--once", "letters"]
    with tempfile.TemporaryDirectory() as folder:
        letters = Path(folder) / "letters"
        letters.mkdir()
        for name in LETTERS:
            shutil.copy(ROOT / "samples" / name, letters)
        status, chunks = record([Path(sys.executable).parent / "mailroom", *command[1:]], folder=Path(folder))
    if status:
        sys.exit(f"{' '.join(command)} ended with exit code {status}")
    shown = [Line(0, f"$ {' '.join(command)}", 0.0), *(replace(line, row=line.row + 1) for line in lines_of(chunks))]
    picture = svg(shown)
    if (size := len(picture.encode())) > MOST_BYTES:
        sys.exit(f"{RECORDING.name} would have {size} bytes, more than {MOST_BYTES}")
    RECORDING.write_text(picture, encoding="utf-8")


def record(
    command: Sequence[str | Path], *, folder: Path, environ: Mapping[str, str] = os.environ
) -> tuple[int, list[tuple[float, bytes]]]:
    """The exit code, and what the command wrote to its terminal, each with the seconds since the start."""
    ours = ("MAILROOM_", "LLAMA_", "AWS_", "OTEL_", "NO_COLOR")
    env = {name: value for name, value in environ.items() if not name.startswith(ours)}
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.execvpe(command[0], [str(part) for part in command], env | {"TERM": "xterm-256color"})  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    chunks, begun = list[tuple[float, bytes]](), time.monotonic()
    while chunk := _read(terminal):
        chunks.append((time.monotonic() - begun, chunk))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), chunks


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # so says Linux that the last program has closed it
        return b""


def lines_of(chunks: Iterable[tuple[float, bytes]]) -> list[Line]:
    """The rows as they were written, with long pauses shortened.

    It knows what Mailroom writes: colours, new lines, and progress bars that begin their line anew.
    """
    found, row, text, at, before = list[Line](), 0, "", 0.0, 0.0
    for seconds, chunk in chunks:
        at, before = at + min(seconds - before, LONGEST_PAUSE), seconds
        for part in re.split(r"(\r?\n|\r\x1b\[2K)", re.sub(r"\x1b\[\?25[lh]", "", chunk.decode())):
            if part.endswith("\n"):
                row, text = row + 1, ""
            elif part.startswith("\r"):
                text = ""
            elif part:
                text += part
                found.append(Line(row, text, at))
    rows = (list(states) for _, states in itertools.groupby(found, key=lambda line: line.row))
    return [line for states in rows for line in _states(states)]


def _states(states: list[Line]) -> list[Line]:
    """Some of the states of a row, and its last."""
    some = [*states[:-1][:: max(1, len(states) // REDRAWS)], states[-1]]
    return [*(replace(line, until=after.since) for line, after in itertools.pairwise(some)), some[-1]]


def svg(lines: Sequence[Line]) -> str:
    """The picture. What does not play it shows what stands there at the end."""
    rows = max(line.row for line in lines) + 1
    width, height = round(COLUMNS * WIDTH + 2 * MARGIN), rows * HEIGHT + 2 * MARGIN
    background, foreground = (MONOKAI.background_color.hex, MONOKAI.foreground_color.hex)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f"<title>mailroom demo in a terminal</title>\n<style>\n"
        f"text{{font:{FONT}px ui-monospace,Menlo,Consolas,monospace;fill:{foreground};white-space:pre}}\n"
        "@keyframes shown{from{opacity:0}to{opacity:0}}\n@keyframes passing{from{opacity:1}to{opacity:1}}\n"
        "@media (prefers-reduced-motion:no-preference){.l{animation:shown 0s backwards}"
        ".p{animation:passing 0s}}\n.p{opacity:0}\n</style>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="{background}"/>\n'
    )
    return head + "".join(map(_text, lines)) + "</svg>\n"


def _text(line: Line) -> str:
    """A row: hidden until its time, or, where it is written over, shown only meanwhile."""
    y = MARGIN + line.row * HEIGHT + FONT
    # Of what stays, the animation hides it for the time before: its length. Of what passes, its length is its time.
    if line.until is None:
        style = f'class="l" style="animation-duration:{line.since:.2f}s"'
    else:
        style = f'class="p" style="animation-delay:{line.since:.2f}s;animation-duration:{line.until - line.since:.2f}s"'
    spans = "".join(map(_span, Text.from_ansi(line.text).render(Console(width=COLUMNS))))
    return f'<text x="{MARGIN}" y="{y}" {style}>{spans}</text>\n'


def _span(segment: Segment) -> str:
    text, style = escape(segment.text), segment.style or Style()
    said = ""
    if style.color is not None:
        said += f' fill="{style.color.get_truecolor(MONOKAI).hex}"'
    if style.bold:
        said += ' font-weight="bold"'
    if style.dim:
        said += ' opacity=".6"'
    return f"<tspan{said}>{text}</tspan>" if said else text


if __name__ == "__main__":
    main()
