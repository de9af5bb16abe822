"""A search with the search index: SQL narrows, batch after batch, and ``Search.fits`` decides.

Results come in the order of ``document_search.place``: by tenths of a second. What was received in the same one is read
together and sorted, so that pages are in the order of the port.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from receiver.core.document import Document
from receiver.core.errors import Malformed
from receiver.core.search import Criterion, Search, SearchPage
from receiver.core.search_entry import SearchEntry, SearchPlace, searchable
from receiver.store import codec, listing
from receiver.store.sqlite.search_index import GROUP, group_of
from receiver.store.walked_search import BY, place_after

LOOKED_AT = 10_000
"""Documents of which SQL cannot tell whether they fit that one search compares, at most."""
COUNTED = 1000
"""Documents that fit that are counted, where each must be compared."""
BATCH = COUNTED + 1
"""Rows that are read at once: enough to know that there are more than are counted."""
COUNTED_BY_SQL = 100_000
SECONDS = 3.0
"""How long SQLite may take for one step of a search."""
STEPS_BETWEEN = 10_000
"""Virtual-machine steps of SQLite between two checks of the clock."""
FEW = 2000
"""Documents of a type or state that are compared one by one, rather than those with the right words."""
WORD_PIECES = 8
"""Trigrams of a word that are looked up."""
TOP = (1 << 63) - 1
_JOINED = "document_words.rowid = s.place"
Read = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]


class _Narrowed(NamedTuple):
    """What SQL does for a search."""

    conditions: tuple[tuple[str, tuple[Any, ...]], ...]
    """Conditions with their values."""
    match: str
    """For FTS5: what the text must have; "" for nothing."""
    lowest: int
    highest: int
    """The places to look at: from ``lowest``, and below ``highest``."""
    decides: bool
    """Whether all that the SQL finds fits."""
    selective: bool
    """Whether the conditions may leave few documents."""

    def where(self, lowest: int, below: int) -> tuple[str, list[Any]]:
        """The conditions and the places, as SQL."""
        held = (("s.place >= ?", (lowest,)), ("s.place < ?", (below,)), *self.conditions)
        return " and ".join(sql for sql, _ in held), [value for _, values in held for value in values]


class _Found(NamedTuple):
    """The documents that fit, the newest first, among those that were looked at."""

    places: list[SearchPlace]
    looked: int
    last: SearchPlace | None
    """The last one that was looked at; None when there is none after it."""


async def indexed_search(read: Read, search: Search, *, limit: int, cursor: str | None) -> SearchPage:
    """The page. ``read`` runs a function with the connection. Raises Malformed."""
    after = place_after(cursor)
    narrowed = _narrowed(search, after)
    wanted = limit if cursor or narrowed.decides else max(limit, COUNTED)
    found = await _find(read, search, narrowed, after=after, size=limit + 1, wanted=wanted)
    is_full = len(found.places) > limit
    goes_on_after = found.places[limit - 1] if is_full else found.last
    total = min(len(found.places), wanted) if found.last else len(found.places)
    is_exact = found.last is None
    if narrowed.decides and not is_exact and not cursor:
        total = await read(partial(_count, narrowed, COUNTED_BY_SQL))
        is_exact = total < COUNTED_BY_SQL
    return SearchPage(
        records=await _documents_at(read, search, found.places[:limit]),
        cursor=goes_on_after and listing.cursor_at(BY, *goes_on_after),
        total=None if cursor else total,
        total_is_exact=is_exact,
        looked_at=found.looked,
        back_to=goes_on_after.taken_in_at if goes_on_after and not is_full else None,
    )


async def _find(
    read: Read, search: Search, narrowed: _Narrowed, *, after: tuple[float, str] | None, size: int, wanted: int
) -> _Found:
    """Up to ``wanted`` documents that fit, and some more; it looks at LOOKED_AT documents, about."""
    by_words = bool(narrowed.match)
    if by_words and narrowed.selective:
        by_words = await read(partial(_count, narrowed, FEW + 1)) > FEW
    places: list[SearchPlace] = []
    looked, below, last = 0, narrowed.highest, None
    while below > narrowed.lowest and looked < LOOKED_AT and len(places) <= wanted:
        rows = await read(partial(_rows, narrowed, below, size if narrowed.decides else BATCH, by_words))
        entries = sorted(map(_entry, rows), key=lambda entry: entry.place, reverse=True)
        places += [item.place for item in entries if (not after or item.place < after) and search.fits(item)]
        looked += len(rows)
        below = rows[-1][0] // GROUP * GROUP if rows else narrowed.lowest
        last = entries[-1].place if entries else last
    return _Found(places, looked, last if below > narrowed.lowest else None)


async def _documents_at(read: Read, search: Search, places: list[SearchPlace]) -> list[Document]:
    """The documents, as they are now, that still fit."""
    ids = [place.document_id for place in places]
    documents = await read(partial(_documents, ids)) if ids else {}
    there = [documents[item] for item in ids if item in documents]
    return [item for item in there if search.fits(SearchEntry.of(item))]


def _narrowed(search: Search, after: tuple[float, str] | None) -> _Narrowed:
    positive = [item for item in search.criteria if not item.negated]
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    for item in positive:
        if item.field == "type" and not item.value:
            conditions.append(("s.type is null", ()))
        elif item.field in ("state", "type"):
            conditions.append((f"s.{item.field} = ?", (item.value,)))
        elif item.comparisons:
            column = "confidence" if item.field == "confidence" else "taken_in_at"
            conditions += [(f"s.{column} {sign} ?", (number,)) for sign, number in item.comparisons]
    ends = [group_of(moment) + GROUP for moment in (search.until, after[0] if after else None) if moment is not None]
    return _Narrowed(
        conditions=tuple(conditions),
        match=" AND ".join(filter(None, map(_match, positive))),
        lowest=-TOP if search.since is None else group_of(search.since),
        highest=min(ends, default=TOP),
        decides=len(positive) == len(search.criteria) and all(map(_is_condition, positive)),
        selective=search.since is not None or any(item.field in ("state", "type") for item in positive),
    )


def _is_condition(item: Criterion) -> bool:
    return bool(item.comparisons) or item.field in ("state", "type")


def _match(item: Criterion) -> str:
    """What the text of a document that fits must have, in FTS5's language; "" if that is too short, or unknown."""
    words = [item.needle, *map(searchable, item.ids)]
    if not item.needle or min(map(len, words)) < 3:
        return ""
    return "({})".format(" OR ".join(f"({' AND '.join(_trigrams(word))})" for word in words))


def _trigrams(word: str) -> list[str]:
    """Some of the trigrams of a word, quoted: its ends, those across its parts, which hold them together, and others.

    ``acme@freight.example`` is in few texts; ``acme`` and ``freight`` are in many.
    """
    starts = range(len(word) - 2)
    across = [start for start in starts if not word[start : start + 3].isalnum()]
    ordered = (starts[0], starts[-1], *_spread(across, WORD_PIECES - 2), *_spread(starts, WORD_PIECES))
    chosen = list(dict.fromkeys(word[start : start + 3] for start in ordered))[:WORD_PIECES]
    return ['"{}"'.format(item.replace('"', '""')) for item in chosen]


def _spread(items: Sequence[int], most: int) -> Sequence[int]:
    """Up to ``most`` of these, evenly spread."""
    return items[:: max(1, -(-len(items) // most))]


def _count(narrowed: _Narrowed, most: int, db: sqlite3.Connection) -> int:
    """How many documents fit the conditions, ``most`` at most."""
    where, values = narrowed.where(narrowed.lowest, narrowed.highest)
    counted = f"select count(*) from (select 1 from document_search s where {where} limit ?)"  # noqa: S608 - constants
    with _bounded(db):
        return int(db.execute(counted, (*values, most)).fetchone()[0])


def _rows(narrowed: _Narrowed, below: int, size: int, by_words: bool, db: sqlite3.Connection) -> list[Any]:
    """The next rows, ``size`` of them and those that were received in the same tenth of a second as the last."""
    rows = _between(narrowed, narrowed.lowest, below, size, by_words, db)
    if len(rows) == size:
        last = rows[-1][0]
        rows += _between(narrowed, last // GROUP * GROUP, last, -1, by_words, db)
    return rows


def _between(
    narrowed: _Narrowed, lowest: int, below: int, size: int, by_words: bool, db: sqlite3.Connection
) -> list[Any]:
    where, values = narrowed.where(lowest, below)
    place, text = "s.place", "''" if narrowed.decides else "document_words.text"
    source = "document_search s" + ("" if narrowed.decides else f" cross join document_words on {_JOINED}")
    if by_words:
        place, source = "document_words.rowid", f"document_words cross join document_search s on {_JOINED}"
        where = f"document_words match ? and document_words.rowid >= ? and document_words.rowid < ? and {where}"
        values = [narrowed.match, lowest, below, *values]
    sql = (
        f"select s.place, s.id, s.taken_in_at, s.state, s.type, s.confidence, {text} from {source} "  # noqa: S608 - constants
        f"where {where} order by {place} desc limit ?"
    )
    with _bounded(db):
        return db.execute(sql, (*values, size)).fetchall()


@contextlib.contextmanager
def _bounded(db: sqlite3.Connection) -> Iterator[None]:
    """Raises Malformed if the block takes SQLite longer than SECONDS: others wait for the same connection."""
    until = time.monotonic() + SECONDS
    db.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise Malformed("this search looks at too many documents: add a date (since:), a state or a type") from error
    finally:
        db.set_progress_handler(None, 0)


def _entry(row: Any) -> SearchEntry:
    _, document_id, taken_in_at, state, found_type, confidence, text = row
    return SearchEntry(SearchPlace(taken_in_at, document_id), state, found_type, confidence, text)


def _documents(ids: list[str], db: sqlite3.Connection) -> dict[str, Document]:
    found = db.execute("select body from document where id in (select value from json_each(?))", (json.dumps(ids),))
    documents = [codec.decode(Document, body) for (body,) in found.fetchall()]
    return {item.id: item for item in documents}
