"""Which rows of the event log contain an id, in little memory."""

import sqlite3
from collections.abc import Iterable

import msgspec

FEW = 10_000
"""Ids that are deleted when all are forgotten. Of more the database is thrown away, which frees its memory."""

_json = msgspec.json.Encoder().encode
_NOTE = "insert or ignore into place select value, :row from json_each(:hashes)"
_ROWS = "select distinct row from place where hash in (select value from json_each(:hashes)) and row < :before"
_BEYOND = 2**63 - 1


class UnfiledIds:
    """Hashes of ids and their rows, in a SQLite in memory: 35 bytes for an event with its task, a sixth of a dict.

    An id with the hash of another, or one whose row is gone, only causes a look into the file.
    """

    def __init__(self) -> None:
        self._db = _empty()
        self._first = 0
        self.count = 0
        """Ids that are noted, some of which may be filed already."""

    def note(self, row: int, ids: Iterable[str]) -> None:
        """Notes that the row contains these ids."""
        self.count += self._db.execute(_NOTE, {"row": row, "hashes": _hashes(ids)}).rowcount

    def rows_of(self, ids: Iterable[str], *, before: int = _BEYOND) -> list[int]:
        """The rows before ``before`` that may contain one of these ids."""
        if not self.count:
            return []
        return [row for (row,) in self._db.execute(_ROWS, {"hashes": _hashes(ids), "before": before}).fetchall()]

    def forget(self, first: int | None, last: int | None) -> None:
        """Forgets the ids of rows before ``first``, the oldest that is left, once these are a quarter of all.

        Looking for them reads all ids, which is little work if it is done seldom.
        """
        if first is None or last is None:
            self._forget_all()
        elif (first - self._first) * 4 > last - self._first:
            self.count -= self._db.execute("delete from place where row < ?", (first,)).rowcount
            self._first = first

    def close(self) -> None:
        """Frees the memory."""
        self._db.close()

    def _forget_all(self) -> None:
        if self.count > FEW:
            self._db.close()
            self._db = _empty()
        elif self.count:
            self._db.execute("delete from place")
        self.count = 0


def _empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("pragma journal_mode = off")  # nothing here is undone
    db.execute("create table place (hash integer, row integer, primary key (hash, row)) without rowid")
    return db


def _hashes(ids: Iterable[str]) -> str:
    return _json([hash(item) for item in ids]).decode()
