"""The search index: ``document_search`` has a row for each document, ``document_words`` (FTS5) its text, by trigrams.

Triggers note which documents changed, in the transaction of each change. The index follows before a search, or when
the writer is idle: a document changes five times on its way, and is indexed once or twice. A store from before this
index is indexed in the same small steps, newest first.
"""

import json
import math
import sqlite3

from receiver.core.document import Document
from receiver.core.search_entry import SearchEntry
from receiver.store import codec
from receiver.store.sqlite.transaction import transaction

SOME = 20
"""Documents that are indexed at once while other processes wait for the write lock: some milliseconds."""
COUNTED = 1_000_000
"""Documents that are counted, of those that are not in the index yet."""
GROUP = 1 << 16
"""Places for each tenth of a second."""
_WORDS = """create virtual table if not exists document_words
    using fts5(text, tokenize = 'trigram case_sensitive 1', detail = none)"""
"""Trigrams find any part of a word. The texts are folded already."""
_OLDER = """select id, taken_in_at, body from document where (taken_in_at, id) <= (?, ?)
    order by taken_in_at desc, id desc limit ?"""
_LEFT = """select (select count(*) from (select 1 from search_pending limit :most))
    + (select count(*) from (select 1 from document, search_backfill as last
        where (document.taken_in_at, document.id) <= (last.taken_in_at, last.id) limit :most))"""


def prepare_search(db: sqlite3.Connection) -> bool:
    """Creates the table of texts where there is none; False if this SQLite has no FTS5 with trigrams."""
    try:
        if not db.execute("select 1 from sqlite_master where name = 'document_words'").fetchone():
            with transaction(db):
                db.execute(_WORDS)
        db.execute("select rowid from document_words where rowid = 0").fetchone()
    except sqlite3.OperationalError as error:
        if not str(error).startswith(("no such module", "no such tokenizer", "error in tokenizer constructor")):
            raise
        return False
    return True


def index_some(db: sqlite3.Connection) -> bool:
    """Indexes up to SOME documents, in a transaction; whether all are in the index."""
    ids = [row[0] for row in db.execute("select id from search_pending limit ?", (SOME,))]
    if not ids:
        return _index_older(db)
    listed = json.dumps(ids)
    found = db.execute("select id, body from document where id in (select value from json_each(?))", (listed,))
    there = dict(found.fetchall())
    for document_id in ids:
        if document_id in there:
            _put(db, there[document_id])
        else:
            _remove(db, document_id)
    db.execute("delete from search_pending where id in (select value from json_each(?))", (listed,))
    return len(ids) < SOME and not db.execute("select 1 from search_backfill").fetchone()


def left_to_index(db: sqlite3.Connection) -> int:
    """How many documents are not in the index as they are now, COUNTED of each kind at most."""
    left: int = db.execute(_LEFT, {"most": COUNTED}).fetchone()[0]
    return left


def group_of(taken_in_at: float) -> int:
    """The first of the places for documents that were received in the same tenth of a second."""
    return math.floor(taken_in_at * 10) * GROUP


def _index_older(db: sqlite3.Connection) -> bool:
    last = db.execute("select taken_in_at, id from search_backfill").fetchone()
    if last is None:
        return True
    rows = db.execute(_OLDER, (*last, SOME + 1)).fetchall()
    for _, _, body in rows[:SOME]:
        _put(db, body)
    db.execute("delete from search_backfill")
    for document_id, taken_in_at, _ in rows[SOME:]:
        db.execute("insert into search_backfill values (?, ?)", (taken_in_at, document_id))
    return len(rows) <= SOME


def _put(db: sqlite3.Connection, body: str) -> None:
    entry = SearchEntry.of(codec.decode(Document, body))
    taken_in_at, document_id = entry.place
    known = db.execute("select place from document_search where id = ?", (document_id,)).fetchone()
    if known and known[0] // GROUP != group_of(taken_in_at) // GROUP:
        _remove(db, document_id)
        known = None
    facts = (taken_in_at, entry.state, entry.type, entry.confidence)
    if known:
        changed = "update document_search set taken_in_at = ?, state = ?, type = ?, confidence = ? where place = ?"
        db.execute(changed, (*facts, known[0]))
        db.execute(
            "update document_words set text = ? where rowid = ? and text <> ?", (entry.text, known[0], entry.text)
        )
        return
    place = _free_place(db, group_of(taken_in_at))
    added = "insert into document_search (place, id, taken_in_at, state, type, confidence) values (?, ?, ?, ?, ?, ?)"
    db.execute(added, (place, document_id, *facts))
    db.execute("insert into document_words (rowid, text) values (?, ?)", (place, entry.text))


def _free_place(db: sqlite3.Connection, first: int) -> int:
    """A place in this group, or in the next one that has room."""
    in_group = "select max(place) from document_search where place >= ? and place < ?"
    last: int | None = db.execute(in_group, (first, first + GROUP)).fetchone()[0]
    if last is None:
        return first
    return last + 1 if last + 1 < first + GROUP else _free_place(db, first + GROUP)


def _remove(db: sqlite3.Connection, document_id: str) -> None:
    for (place,) in db.execute("select place from document_search where id = ?", (document_id,)).fetchall():
        db.execute("delete from document_search where place = ?", (place,))
        db.execute("delete from document_words where rowid = ?", (place,))
