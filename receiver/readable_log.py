"""The log for a person at a terminal: a line with time, level, log event, and its facts as ``name=value``."""

import logging
import os
import re
import time
from typing import TextIO

from receiver.core.errors import error_text

_COLOURS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
"""Level -> ANSI style: dim, yellow, red."""
_PLAIN = re.compile(r"[^\s\"'=]+")


class ReadableLines(logging.Formatter):
    """One line for each log event, in local time; a traceback follows, indented.

    Text from outside cannot control the terminal or begin a line: unprintable characters are written as escapes.
    """

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = self._styled(f"{record.levelname.lower():7}", _COLOURS.get(record.levelno, ""))
        facts = [f"{name}={_value(value)}" for name, value in getattr(record, "facts", {}).items()]
        what = self._styled(_escaped(record.getMessage()), "1")
        line = f"{moment}.{int(record.created % 1 * 1000):03d} {level} {'  '.join([what, *facts])}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            trace = self.formatException(record.exc_info).splitlines()
            line += f"  error={_value(f'{type(error).__name__}: {error_text(error)}')}"
            line = "\n    ".join([line, *map(_escaped, trace)])
        return line

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._coloured and style else text


def takes_colour(stream: TextIO) -> bool:
    """Whether it is a terminal, and its user did not turn off colour (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _value(value: object) -> str:
    """The value; in quotes if its end would not be clear."""
    text = _escaped(str(value))
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
