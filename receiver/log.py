"""Logging: JSON lines, one for each thing that happened. Bodies, header values and secrets never.

``mailroom.event``, ``mailroom.task`` and ``mailroom.alert`` are the loggers; every line carries the ids by which one
follows a document: event, job, task, document.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, what, and the facts given as ``extra={"facts": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Sends Mailroom's log to ``stream`` (standard error by default), from this level on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("mailroom")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def line(logger: logging.Logger, level: int, what: str, **facts: object) -> None:
    """Writes one line; facts that are None or empty are left out."""
    if logger.isEnabledFor(level):
        logger.log(
            level, what, extra={"facts": {key: value for key, value in facts.items() if value not in (None, "")}}
        )
