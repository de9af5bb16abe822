"""Logging: a JSON line for each log event, or a readable line on a terminal. It never contains bodies, header values
or secrets.

The loggers are ``mailroom.event``, ``mailroom.task`` and ``mailroom.alert``. Each line has the ids by which a document
can be followed: event, job, task, document.
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
"""Library logger -> its minimum level. uvicorn warns about what outsiders send, which Mailroom logs itself."""
TOGETHER_SECONDS = 0.05
"""Maximum seconds that a line below warning waits for others."""


class JsonLines(logging.Formatter):
    """One JSON object per line: at, level, what, and the facts given as ``extra={"facts": {...}}``."""

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
        except UnicodeEncodeError:  # lone surrogates are written as escapes
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
    """A log record without the caller's file and line, which are slow to find: logger and log event say enough."""

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
    """Writes lines in groups: at once after a warning or an error, else a moment later.

    To format and write a line for each webhook alone would cost as much as to verify it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._records: deque[logging.LogRecord] = deque()
        self._due = False

    def handle(self, record: logging.LogRecord) -> bool:
        """Adds the record. It needs no lock, which is for writing: ``append`` is atomic."""
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
        timer.daemon = True  # logging flushes the rest at the end
        try:
            timer.start()
        except RuntimeError:  # no thread can be started to write it later
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

    ``together`` writes lines in groups, for a long-running process. ``layout`` is ``json``, ``text``, or ``auto``:
    text on a terminal.
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
    """Limits how often outsiders can cause a log line. The next line says how many were left out."""

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
        """Writes the line with these additional facts, or counts it. ``times`` is how often it was due."""
        self._times += 1
        now = self._clock()
        if now >= self._until:
            self._until, self._left = now + self._seconds, self._lines
        if self._left > 0:
            self._left -= 1
            times, self._times = self._times, 0
            self._write(times=times if times > 1 else None, **facts)
