"""The small languages inside values: durations, ``1 per 10 minutes``, ``env:NAME``, URLs, alert kinds, rule types."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from receiver.core.alert import KINDS
from receiver.core.forms import Wrong as Wrong

if TYPE_CHECKING:
    from pydantic import ValidationInfo

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST_SPAN = 366 * 86400
"""Seconds."""
_ENV = re.compile(r"(^|(?<=:)|(?<=/))env:([A-Za-z_][A-Za-z0-9_]*)(?=$|/)")


def near(word: str, words: Collection[str]) -> str:
    """``did you mean …?``, or "" when no word is near."""
    close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def between(low: float, high: float) -> Callable[[float], float]:
    """A check for numbers from ``low`` to ``high``."""

    def check(value: float) -> float:
        if not low <= value <= high:
            percent = f"for {value:g} percent write {value / 100:g}" if 1 < value <= 100 else ""
            raise Wrong(f"must be between {low:g} and {high:g} (got {value:g})", percent)
        return value

    return check


def rule_type(value: str) -> str:
    """A rule's type: LlamaCloud takes letters, digits, space, ``-`` and ``_`` (reference 1.2)."""
    if not re.fullmatch(r"[A-Za-z0-9 _-]+", value) or value != value.strip():
        raise Wrong(f"may hold letters, digits, space, - and _ (got {value!r})", "for example invoice or tax-form")
    return value


def readable(value: str) -> str:
    """Text that says something, in whole characters and without those that would steer a terminal or end a line."""
    if not value.strip():
        raise Wrong("says nothing", "write it out, or leave the key out")
    if any(not (character.isprintable() or character in "\n\t") for character in value):
        raise Wrong(f"holds a character that cannot be shown (got {value!r})", "take it out")
    return value


def page_list(value: str) -> str:
    """``1,3,5-7``: pages from 1, in LlamaCloud's own notation (reference 1.2)."""
    spans = [[int(page) for page in part.strip().split("-")] for part in value.split(",")]
    if any(span[0] < 1 or span[0] > span[-1] for span in spans):
        raise Wrong(f"must count from 1, and upwards (got {value!r})", 'write it like "1,3,5-7"')
    return value


def seconds(value: str) -> float:
    """``90 seconds``, ``10 minutes``, ``2 hours``, ``1 day`` in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(second|minute|hour|day)s?", value.strip())
    span = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < span <= LONGEST_SPAN:
        over = " of a year at most" if span else ""
        raise Wrong(f"is not a span of time{over} (got {value!r})", 'write it like "90 seconds" or "10 minutes"')
    return span


def duration(value: str) -> str:
    seconds(value)
    return value


def window_seconds(value: str) -> float:
    """``1 per 10 minutes`` in seconds: one notice per cause and window.

    Only one, because the notice that ends a window tells how many were held back: a second would say nothing new.
    """
    found = re.fullmatch(r"(\d+) per (?:(\d+(?:\.\d+)?) ?)?(second|minute|hour|day)s?", value.strip())
    if not found or int(found[1]) == 0 or float(found[2] or 1) == 0:
        raise Wrong(f"is not a limit (got {value!r})", 'write it like "1 per 10 minutes"')
    span = float(found[2] or 1) * _UNITS[found[3]]
    if span > LONGEST_SPAN:
        raise Wrong(f"is longer than a year (got {value!r})", 'write it like "1 per 10 minutes"')
    if int(found[1]) > 1:
        raise Wrong(f"must be 1 per span of time (got {value!r})", f'write "1 per {span / int(found[1]):g} seconds"')
    return span


def window(value: str) -> str:
    window_seconds(value)
    return value


def kinds(values: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of alerts, or patterns that at least one kind fits."""
    for value in values:
        if not any(fnmatchcase(kind, value) for kind in KINDS):
            raise Wrong(f"there is no alert {value!r}", near(value, KINDS) or f"there are {', '.join(KINDS)}")
    return values


def resolve(value: str, environ: Mapping[str, str]) -> str:
    """The text with each ``env:NAME`` (all of it, after a colon, or a part of a path) replaced by that variable."""

    def found(match: re.Match[str]) -> str:
        if not environ.get(match[2]):
            raise Wrong(f"the variable {match[2]} is not set", f"export {match[2]}=… or write the value here")
        return environ[match[2]]

    return _ENV.sub(found, value)


def option(value: object, info: "ValidationInfo") -> object:
    """A destination's option: text, a number or a truth value; its variables must be set."""
    if not isinstance(value, str | int | float):
        raise Wrong("must be text, a number, true or false")
    resolve(str(value), _environ(info))
    return value


def destination(value: str, info: "ValidationInfo") -> str:
    """A destination's URL, as it is written; its variables must be set."""
    url = resolve(value, _environ(info))
    if not re.match(r"[a-z][a-z0-9+.-]*://.", url):
        folder = f"folder://{value if value.startswith('/') else './' + value}"
        hint = f", or {folder} if a folder is meant" if url == value else ""
        raise Wrong("is not a destination", f"write it like s3://bucket/prefix/ or sqs://queue{hint}")
    return value


def channel(value: str, info: "ValidationInfo") -> str:
    """An alert channel, as it is written; its variables must be set."""
    resolved = resolve(value, _environ(info))
    kind, _, rest = resolved.partition(":")
    if not re.fullmatch(r"[a-z]+", kind) or (not rest and kind != "log"):
        raise Wrong("is not an alert channel", "write log, sns:ARN, slack:URL, mailto:ADDRESS or https://…")
    return value


def _environ(info: "ValidationInfo") -> Mapping[str, str]:
    context = info.context or {}
    environ: Mapping[str, str] = context.get("environ", {})
    return environ
