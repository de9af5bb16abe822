"""Shared by the commands that list: parsing of times, and a document as a row of a table."""

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from receiver.cli.output import say
from receiver.core.document import DocumentState

R = TypeVar("R")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TimeSpan(click.ParamType[float]):
    """A span of time: ``30m``, ``2h``, ``7d``."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if found := re.fullmatch(r"(\d+)([smhd])", str(value)):
            return float(found[1]) * UNITS[found[2]]
        return self.fail(f"{str(value)!r} is not a duration (30m, 2h, 7d)", param, ctx)


class Moment(click.ParamType[float]):
    """A moment: ``2026-11-22``, ``2026-11-22T08:30`` (UTC), or an age such as ``30m``, ``2h``, ``7d``."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        if age := re.fullmatch(r"(\d+)([smhd])", text):
            return time.time() - int(age[1]) * UNITS[age[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither a date (2026-11-22) nor an age (30m, 2h, 7d)", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


MOMENT = Moment()
SPAN = TimeSpan()

DOCUMENT_COLUMNS = ("document", "name", "type", "confidence", "state", "where or why")


def proofs_text(proofs: Iterable[str]) -> str:
    """The valid proofs of an event, ``signature:0`` and the like, in words; which secret it was, if not the first."""
    named = [proof.partition(":") for proof in proofs]
    return ", ".join(f"{kind} (secret {int(place) + 1})" if place.strip("0") else kind for kind, _, place in named)


def document_row(item: Mapping[str, Any]) -> tuple[str | list[str], ...]:
    """A document of the API as a row of DOCUMENT_COLUMNS, with its places, or why it waits or failed."""
    unclassified = "mail" if item.get("mail") else ""
    found_type = item["type"] or (unclassified if item["confidence"] is None else "no match")
    confidence = "" if item["confidence"] is None else f"{item['confidence']:.2f}"
    places = [each["location"] for each in item["deliveries"] if each["location"] and not each["superseded"]]
    why = [] if item["state"] == DocumentState.ROUTED else [item["reason"]]
    return item["document_id"], item["name"], found_type, confidence, item["state"], why + places


def shown_of(records: list[R], limit: int) -> list[R]:
    """The first ``limit`` of these; if there are more, standard error says so and how to get them."""
    if len(records) > limit:
        say(f"shown: {limit:,}; there are more: --limit", err=True)
    return records[:limit]


def moment_text(text: str | None) -> str:
    """A moment of the API for people: UTC, to the second; "" for none. ``--json`` has exact times."""
    return f"{text[:19].replace('T', ' ')}Z" if text else ""


def when(at: float | None) -> str:
    """A time for people: UTC, to the second."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"
