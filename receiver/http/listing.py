"""Listings over HTTP: from a request's parameters to a page of records. Errors name the parameter."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from receiver.core.change import INDEXES, Page, Query, Record
from receiver.core.errors import Malformed
from receiver.ports import Store

LIMIT = 500
SCAN = 5000
"""Maximum records that a search without an index reads for one page; its cursor continues from there."""
USUAL = frozenset({"since", "limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter that selects records: by the index of its name if it is the first with one, else record by record."""

    fits: Callable[[Any, str], bool]
    index: str = ""
    choices: tuple[str, ...] = ()


async def listing(
    request: Request, store: Store, kind: type[Record], filters: Mapping[str, Filter], *, usually: str = "all"
) -> Page:
    """The page that the request asks for, newest first, by the index ``usually`` unless a parameter has one of its own.

    Raises Malformed, naming the parameter.
    """
    given = known_parameters(request, USUAL.union(filters))
    chosen = {name: given[name] for name in filters if given.get(name)}
    for name, value in chosen.items():
        if (choices := filters[name].choices) and value not in choices:
            raise Malformed(f"{name} is one of {', '.join(choices)}, not {value!r}")
    indexed = next((name for name in chosen if _has_index(kind, filters[name], chosen[name])), None)
    query = Query(
        by=filters[indexed].index if indexed else usually,
        key=chosen.pop(indexed) if indexed else None,
        since=moment_of(given.get("since")),
        newest_first=True,
        limit=page_limit(given.get("limit")),
        cursor=given.get("cursor") or None,
    )
    tests = [(filters[name].fits, value) for name, value in chosen.items()]
    return await _scan(store, kind, query, lambda record: all(fits(record, value) for fits, value in tests))


def _has_index(kind: type[Record], given: Filter, value: str) -> bool:
    return bool(given.index) and INDEXES[kind][given.index].unlisted != value


async def _scan(store: Store, kind: type[Record], query: Query, fits: Callable[[Record], bool]) -> Page:
    found: list[Record] = []
    seen, cursor = 0, query.cursor
    while len(found) < query.limit and seen < SCAN:
        page = await store.find(kind, replace(query, limit=query.limit - len(found), cursor=cursor))
        seen += len(page.records)
        found += [record for record in page.records if fits(record)]
        cursor = page.cursor
        if cursor is None:
            break
    return Page(found, cursor)


def known_parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """The request's parameters. Raises Malformed for one that is not known."""
    given = dict(request.query_params)
    if unknown := sorted(set(given) - set(known)):
        raise Malformed(f"{unknown[0]!r} is not a parameter; known parameters: {', '.join(sorted(known)) or 'none'}")
    return given


def page_limit(text: str | None) -> int:
    """Records of a page. Raises Malformed."""
    if not text:
        return 50
    if not (text.isascii() and text.isdigit()) or len(text) > 4 or not 1 <= int(text) <= LIMIT:
        raise Malformed(f"limit is a number from 1 to {LIMIT}")
    return int(text)


def moment_of(text: str | None) -> float | None:
    """Unix seconds, or ISO 8601 (UTC unless it says otherwise)."""
    if not text:
        return None
    try:
        moment = float(text) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("since is a moment: 2026-11-22T08:30:00Z, or Unix seconds") from None
    if isinstance(moment, float):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
