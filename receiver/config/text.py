"""Parsers of texts inside values: durations, ``1 per 10 minutes``, ``env:NAME``, URLs, alert kinds, rule types."""

import difflib
import itertools
import mimetypes
import re
from collections.abc import Callable, Collection, Mapping
from datetime import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from receiver.core.alert import KINDS
from receiver.core.channel import MOST_NOTICES, Ceiling
from receiver.core.env_references import resolve as resolve
from receiver.core.forms import Wrong as Wrong
from receiver.core.incident import RATE_MINUTES
from receiver.core.pattern import GLOB, matches
from receiver.core.possible_facts import SOURCES
from receiver.core.quiet import QuietHours

if TYPE_CHECKING:
    from pydantic import ValidationInfo

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST_SPAN = 366 * 86400
"""Seconds."""
LONGEST_PAUSE = 600.0


def nearest(word: str, words: Collection[str]) -> str:
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
    """A rule's type: LlamaCloud accepts letters, digits, space, ``-`` and ``_`` (reference 1.2)."""
    if not re.fullmatch(r"[A-Za-z0-9 _-]+", value) or value != value.strip():
        raise Wrong(f"may have only letters, digits, space, - and _ (got {value!r})", "for example invoice or tax-form")
    return value


def readable(value: str) -> str:
    """Text that is not blank, and has no control characters or line breaks."""
    if not value.strip():
        raise Wrong("has no text", "write it out, or leave the key out")
    if any(not (character.isprintable() or character in "\n\t") for character in value):
        raise Wrong(f"has an unprintable character (got {value!r})", "take it out")
    return value


def page_list(value: str) -> str:
    """``1,3,5-7``: pages from 1, in LlamaCloud's own notation (reference 1.2)."""
    if any(first < 1 or first > last for first, last in _spans(value)):
        raise Wrong(f"must count up from 1 (got {value!r})", 'write it like "1,3,5-7"')
    return value


def each_page_once(value: str) -> str:
    """A page list without repetitions, because a page belongs to one piece."""
    spans = sorted(_spans(value))
    for (_, last), (following, _) in itertools.pairwise(spans):
        if following <= last:
            raise Wrong(f"names page {following} twice (got {value!r})", "name each page once")
    return value


def _spans(value: str) -> list[tuple[int, int]]:
    """The first and the last page of each part."""
    parts = [[int(page) for page in part.strip().split("-")] for part in value.split(",")]
    return [(part[0], part[-1]) for part in parts]


_BYTES = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}


def size(value: object) -> object:
    """Bytes as a number, or in words: ``200 kB``, ``5 MB``."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?) ?([kmg]?b)", value.strip().lower(), re.ASCII)
    if not found:
        raise Wrong(f"is not a size (got {value!r})", 'write it like 20000, "200 kB" or "5 MB"')
    return int(float(found[1]) * _BYTES[found[2]])


def sources(values: tuple[str, ...]) -> tuple[str, ...]:
    """Sources, or patterns that match at least one of them."""
    for value in values:
        if not any(matches([value], source) for source in SOURCES):
            raise Wrong(
                f"{value!r} is not a source", nearest(value, SOURCES) or f"the sources are {', '.join(SOURCES)}"
            )
    return values


def patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns that are not empty."""
    for value in values:
        if value.startswith(GLOB) and not value.removeprefix(GLOB).strip():
            raise Wrong(f"{value!r} is an empty pattern", f"write it out, like {GLOB}scan[0-9].pdf, or leave it out")
    return values


def one_line(values: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns for values that never have a line break."""
    for value in values:
        if "\n" in value:
            raise Wrong(f"{value!r} has a line break, which this never has", "write each pattern as one of a list")
    return values


def named_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """Names without repetitions."""
    for at, value in enumerate(values):
        if value in values[:at]:
            raise Wrong(f"{value!r} is given twice", "keep one")
    return values


def media_types(values: tuple[str, ...]) -> tuple[str, ...]:
    """Media types, or patterns for them."""
    for value in values:
        if "/" not in value and "*" not in value:
            known = mimetypes.guess_type(f"x.{value.lstrip('.')}")[0]
            raise Wrong(f"{value!r} is not a media type", f"write {known or 'application/pdf, or image/*'}")
        if ";" in value:
            raise Wrong(f"{value!r} has parameters, which are not compared", f"write {value.partition(';')[0].strip()}")
        if value.startswith("/") or value.endswith("/"):
            raise Wrong(f"{value!r} is half a media type", f"write {value.strip('/')}/*")
    return values


def seconds(value: str) -> float:
    """``90 seconds``, ``10 minutes``, ``2 hours``, ``1 day`` in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(second|minute|hour|day)s?", value.strip())
    span = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < span <= LONGEST_SPAN:
        over = " of a year at most" if span else ""
        raise Wrong(f"is not a duration{over} (got {value!r})", 'write it like "90 seconds" or "10 minutes"')
    return span


def duration(value: str) -> str:
    seconds(value)
    return value


def window_seconds(value: str) -> float:
    """``1 per 10 minutes`` in seconds: one notice per cause and window.

    The number must be 1: the notice at the end of a window says how many were held back, so a second would add nothing.
    """
    found = re.fullmatch(r"(\d+) per (?:(\d+(?:\.\d+)?) ?)?(second|minute|hour|day)s?", value.strip())
    if not found or int(found[1]) == 0 or float(found[2] or 1) == 0:
        raise Wrong(f"is not a limit (got {value!r})", 'write it like "1 per 10 minutes"')
    span = float(found[2] or 1) * _UNITS[found[3]]
    if span > LONGEST_SPAN:
        raise Wrong(f"is longer than a year (got {value!r})", 'write it like "1 per 10 minutes"')
    if int(found[1]) > 1:
        raise Wrong(f"must be 1 per duration (got {value!r})", f'write "1 per {span / int(found[1]):g} seconds"')
    return span


def window(value: str) -> str:
    window_seconds(value)
    return value


def ceiling_of(value: str) -> Ceiling:
    """``20 per hour`` as a ``Ceiling``."""
    found = re.fullmatch(r"(\d+) per (?:(\d+(?:\.\d+)?) ?)?(second|minute|hour|day)s?", value.strip())
    if not found or not 1 <= int(found[1]) <= MOST_NOTICES or float(found[2] or 1) == 0:
        raise Wrong(f"is not a ceiling of 1 to {MOST_NOTICES} notices (got {value!r})", 'write it like "20 per hour"')
    return Ceiling(notices=int(found[1]), seconds=float(found[2] or 1) * _UNITS[found[3]])


def ceiling_text(value: str) -> str:
    ceiling_of(value)
    return value


def repeat_seconds(value: str) -> float | None:
    """``4 hours`` in seconds; None for ``never``."""
    if value.strip() == "never":
        return None
    every = seconds(value)
    if every < 60:
        raise Wrong(f"is too often (got {value!r})", 'write a minute at least, or "never"')
    return every


def repeat_text(value: str) -> str:
    repeat_seconds(value)
    return value


def pause_seconds(value: str) -> float:
    """A duration, which may be ``0 seconds``."""
    return 0.0 if re.fullmatch(r"0 ?seconds?", value.strip()) else seconds(value)


def pause_text(value: str) -> str:
    if pause_seconds(value) > LONGEST_PAUSE:
        raise Wrong(f"is too long (got {value!r})", f'at most "{LONGEST_PAUSE / 60:.0f} minutes"')
    return value


def quiet_hours(value: str) -> QuietHours:
    """``20:00-07:00 Europe/Berlin``: from, to and a time zone, UTC without one."""
    found = re.fullmatch(r"(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d)(?: +([\w+-]+(?:/[\w+-]+)*))?", value.strip(), re.ASCII)
    example = 'write it like "20:00-07:00 Europe/Berlin"'
    if not found:
        raise Wrong(f"are not hours (got {value!r})", example)
    try:
        begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError:
        raise Wrong(f"are not valid hours (got {value!r})", example) from None
    if begin == end:
        raise Wrong("begin and end at the same time", example)
    zone = found[5] or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(f"are in an unknown time zone (got {zone!r})", example) from None
    return QuietHours(begin=begin, end=end, zone=zone)


def quiet_hours_text(value: str) -> str:
    quiet_hours(value)
    return value


class Rate(NamedTuple):
    """``more than 5 in 10 minutes or 20 %``"""

    more_than: int | None
    percent: float | None
    seconds: float


def rate_of(value: str) -> Rate:
    """The rate in the text. Its span is ten minutes by default."""
    span = r"(?: in (\d+(?:\.\d+)? ?(?:second|minute|hour)s?))?"
    number = rf"more than (\d+){span}"
    share = rf"(?:more than )?(\d+(?:\.\d+)?) ?%{span}"
    found = re.fullmatch(rf"(?:{number})?(?: or )?(?:{share})?", value.strip())
    fix = 'write it like "more than 5 in 10 minutes", "20 % in 10 minutes", or both with "or" between them'
    if not found or not (found[1] or found[3]) or (" or " in value) != bool(found[1] and found[3]):
        raise Wrong(f"is not a rate (got {value!r})", fix)
    spans = {seconds(item) for item in (found[2], found[4]) if item}
    if len(spans) > 1:
        raise Wrong(f"has two durations (got {value!r})", "use one for both")
    within = spans.pop() if spans else 600.0
    if not 60 <= within <= 60 * RATE_MINUTES:
        raise Wrong(f"must be over 1 to {RATE_MINUTES} minutes (got {value!r})", fix)
    percent = float(found[3]) if found[3] else None
    if percent is not None and percent > 100:
        raise Wrong(f"is more than 100 % (got {value!r})", fix)
    return Rate(int(found[1]) if found[1] else None, percent, within)


def rate_text(value: str) -> str:
    rate_of(value)
    return value


def kinds(values: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of alerts, or patterns that match at least one kind."""
    for value in values:
        if not any(fnmatchcase(kind, value) for kind in KINDS):
            raise Wrong(f"{value!r} is not an alert kind", nearest(value, KINDS) or f"the kinds are {', '.join(KINDS)}")
    return values


def option(value: object, info: "ValidationInfo") -> object:
    """A destination's option: text, a number or a boolean. Its variables must be set."""
    if value is None:
        raise Wrong("is empty", "leave it out")
    if not isinstance(value, str | int | float):
        raise Wrong(
            "must be text, a number, true or false", 'write several values in one text: "name=value, name=value"'
        )
    resolve(str(value), _environ(info))
    return value


def resolved_destination(value: str, info: "ValidationInfo") -> str:
    """A destination's URL, unchanged. Its variables must be set."""
    url = resolve(value, _environ(info))
    if not re.match(r"[a-z][a-z0-9+.-]*://.", url):
        raise Wrong(
            "is not a destination", f"write it like s3://bucket/prefix/ or sqs://queue{_folder_hint(value, url)}"
        )
    if not url.isprintable():
        raise Wrong(f"has an unprintable character (got {url!r})", "take it out")
    return value


def _folder_hint(value: str, url: str) -> str:
    if url != value or ":" in value:
        return ""
    return f", or folder://{value if value.startswith('/') else './' + value} if a folder is meant"


def resolved_channel(value: str, info: "ValidationInfo") -> str:
    """An alert channel, unchanged. Its variables must be set."""
    resolved = resolve(value, _environ(info))
    kind, _, rest = resolved.partition(":")
    if not re.fullmatch(r"[a-z]+", kind) or (not rest and kind != "log"):
        raise Wrong(
            "is not an alert channel",
            "write log, pagerduty:KEY, slack:URL, teams:URL, mailto:ADDRESS, sns:ARN, events:BUS or https://…",
        )
    return value


def _environ(info: "ValidationInfo") -> Mapping[str, str]:
    context = info.context or {}
    environ: Mapping[str, str] = context.get("environ", {})
    return environ
