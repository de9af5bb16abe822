"""Logging: JSON lines, one for each thing that happened; on a terminal readable lines. Bodies, header values and
secrets never.

``mailroom.event``, ``mailroom.task`` and ``mailroom.alert`` are the loggers; every line carries the ids by which one
follows a document: event, job, task, document.
"""

import functools
import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from receiver.core.errors import error_text

OTHERS = {"asyncio": "WARNING", "uvicorn": "ERROR"}
"""Loggers of libraries from which on what level is heard: uvicorn warns of what outsiders send, and that we tell."""
TOGETHER_SECONDS = 0.05
"""How long a line that tells of nothing wrong may wait for others."""


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, what, and the facts given as ``extra={"facts": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": _moment(record.created),
            "level": _LEVELS.get(record.levelno) or record.levelname.lower(),
            "what": record.getMessage() if record.args else record.msg,
            **getattr(record, "facts", _NO_FACTS),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = f"{type(record.exc_info[1]).__name__}: {error_text(record.exc_info[1])}"
            line["trace"] = self.formatException(record.exc_info)
        try:
            return _encode(line).decode()
        except UnicodeEncodeError:  # text that is not Unicode is shown with its escapes
            return json.dumps(line, default=str)


_encode = msgspec.json.Encoder(enc_hook=str).encode
_LEVELS = {level: logging.getLevelName(level).lower() for level in (logging.DEBUG, logging.INFO, logging.WARNING)}
_NO_FACTS: dict[str, object] = {}


def _moment(created: float) -> str:
    """ISO 8601 with milliseconds, UTC."""
    second = int(created)
    return f"{_second(second)}.{int((created - second) * 1000):03d}+00:00"


@functools.lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class LogLine(logging.LogRecord):
    """A record of ours: the logger and the word say where it comes from, so no calling file and line is looked up."""

    def __init__(self, name: str, level: int, what: str, facts: dict[str, object]) -> None:
        self.__dict__ = {
            **_USUAL,
            "name": name,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": what,
            "created": time.time(),
            "facts": facts,
        }


_USUAL = logging.LogRecord("", logging.INFO, "", 0, "", None, None).__dict__


class GroupedHandler(logging.StreamHandler[TextIO]):
    """Writes lines together: at once when one tells of something wrong, else a moment later.

    A line for each event, formatted and written by itself, would cost as much as all the checking of it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._records: deque[logging.LogRecord] = deque()
        self._due = False

    def handle(self, record: logging.LogRecord) -> bool:
        """Takes it without the lock, which is for writing: ``append`` is whole by itself."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)
        if record.levelno >= logging.WARNING:
            self.flush()
        elif not self._due:
            self._flush_soon()

    def _flush_soon(self) -> None:
        self._due = True
        timer = threading.Timer(TOGETHER_SECONDS, self.flush)
        timer.daemon = True  # what is left at the end is flushed by logging itself
        try:
            timer.start()
        except RuntimeError:  # there is no thread to be had: nobody would write it later
            self.flush()

    def flush(self) -> None:
        self._due = False
        with self.lock or threading.RLock():
            records = [self._records.popleft() for _ in range(len(self._records))]
        try:
            if records:
                self.stream.write("".join(self.format(record) + self.terminator for record in records))
            super().flush()
        except Exception:  # noqa: BLE001 - what cannot be written must not stop what it tells of
            self.handleError(records[0] if records else LogLine("mailroom", logging.ERROR, "log.lost", {}))


def set_up(level: str, stream: TextIO | None = None, *, together: bool = False, layout: str = "auto") -> None:
    """Sends Mailroom's log to ``stream`` (standard error by default), from this level on.

    ``together`` is for a process that lives long and writes much. ``layout`` is ``json``, ``text``, or ``auto``: text
    on a terminal.
    """
    stream = stream or sys.stderr
    handler = GroupedHandler(stream) if together else logging.StreamHandler(stream)
    handler.setFormatter(_formatter(stream, layout))
    for name, lowest in (("mailroom", level.upper()), *OTHERS.items()):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(lowest)
        logger.propagate = False


def _formatter(stream: TextIO, layout: str) -> logging.Formatter:
    if layout == "json" or (layout == "auto" and not stream.isatty()):
        return JsonLines()
    from receiver.readable_log import ReadableLines, takes_colour

    return ReadableLines(coloured=takes_colour(stream))


def log_line(logger: logging.Logger, level: int, what: str, **facts: object) -> None:
    """Writes one line; facts that are None or empty are left out."""
    if logger.isEnabledFor(level):
        shown = {key: value for key, value in facts.items() if value is not None and value != ""}
        logger.handle(LogLine(logger.name, level, what, shown))


class RateLimitedLog:
    """A line that outsiders can cause: so many in each span of time, and with the next one how many were left out."""

    def __init__(
        self,
        logger: logging.Logger,
        level: int,
        what: str,
        *,
        lines: int = 1,
        seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        **facts: object,
    ) -> None:
        self._write = functools.partial(log_line, logger, level, what, **facts)
        self._lines = lines
        self._seconds = seconds
        self._clock = clock
        self._until = float("-inf")
        self._left = 0
        self._times = 0

    def log(self, **facts: object) -> None:
        """Writes it with these facts beside its own, or counts it; ``times`` is how often it was due, when not once."""
        self._times += 1
        now = self._clock()
        if now >= self._until:
            self._until, self._left = now + self._seconds, self._lines
        if self._left > 0:
            self._left -= 1
            times, self._times = self._times, 0
            self._write(times=times if times > 1 else None, **facts)
