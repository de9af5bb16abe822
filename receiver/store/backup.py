"""Backups of one machine: the SQLite store and the spool together, taken while Mailroom runs, and put back.

    FOLDER/mailroom.db    a copy of the store as it was at one moment (``vacuum into``: nobody waits for it)
    FOLDER/spool/…        the bytes of every document that the copy knows, copied after it
    FOLDER/backup.json    what it is; written last, so that a folder without it is no backup

Bytes in the spool are never changed, and those of a document that is open or in review are never removed. So what is
copied after the store is all that this copy of the store needs.
"""

import hashlib
import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.flag import RESTORED, Flag
from receiver.store import codec, durable_files
from receiver.store.durable_files import Folders
from receiver.store.spool import FolderSpool
from receiver.store.sqlite.integrity import is_lost, reason_of, refuse_strange
from receiver.store.sqlite.migrations import steps

STORE, SPOOL, SIGN = "mailroom.db", "spool", "backup.json"
CHUNK = 1024 * 1024
BUSY_SECONDS = 30.0
_COUNTED = "select documents from tally where what = 'taken_in'"
_HELD = """select id, json_extract(body, '$.content'), json_extract(body, '$.sha256') from document
    where json_extract(body, '$.content') like 'spool:%' and json_extract(body, '$.forgotten_at') is null"""
_FORGOTTEN = "select 1 from document where id = ? and json_extract(body, '$.forgotten_at') is not null"


class BackedUpContent(NamedTuple):
    """A document's bytes in the spool."""

    document: str
    location: str
    sha256: str


@dataclass(slots=True, kw_only=True)
class Backup:
    """What a backup holds."""

    made_at: str
    """When the copy of the store was begun: ISO 8601, UTC."""
    mailroom: str = ""
    """The version that made it."""
    schema: int = 0
    documents: int = 0
    """Documents ever received by then."""
    files: int = 0
    bytes: int = 0
    """Of the files in the spool."""
    spool: bool = True
    """False when the spool is somewhere else, and not included."""
    forgotten: list[str] = field(default_factory=list)
    """Documents whose bytes were removed while the backup was made."""
    missing: dict[str, str] = field(default_factory=dict)
    """Documents whose bytes were missing or incomplete in the spool: no backup can restore them."""


def back_up(store: Path, spool: FolderSpool | None, to: Path, *, now: float, version: str = "") -> Backup:
    """Makes a backup in ``to``, which must be empty or not there, and verifies it by reading it back.

    Raises Misconfigured, MailroomError when it cannot be made; then nothing of it is left.
    """
    _refuse_place(store, spool, to)
    there = to.exists()
    made_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    try:
        _make(store, spool, to, Backup(made_at=made_at, mailroom=version))
        return verify_backup(to)
    except BaseException as error:
        _clear(to, keep=there)
        if isinstance(error, OSError | sqlite3.Error):
            raise MailroomError(f"{to} could not be written: {reason_of(error)}", fix="check its disk space") from error
        raise


def verify_backup(folder: Path) -> Backup:
    """The content of the backup in this folder, after all of it was read. Raises Misconfigured when incomplete."""
    made = _sign_of(folder)
    try:
        with closing(_read_only(folder / STORE)) as db:
            found = [row[0] for row in db.execute("pragma integrity_check(3)").fetchall()]
            wrong = _wrong(db, FolderSpool(folder / SPOOL), made) if found == ["ok"] else found
    except sqlite3.Error:
        wrong = [f"{STORE} is damaged"]
    if wrong:
        raise Misconfigured(f"the backup {folder} is incomplete: {'; '.join(wrong[:3])}", fix="take another backup")
    return made


def restore(source: Path, store: Path, spool: FolderSpool | None) -> Backup:
    """Restores a backup, into places that are empty; the store last, so that nothing starts with half of it.

    Raises Misconfigured, MailroomError.
    """
    made = verify_backup(source)
    _refuse_to_overwrite(store, spool, made)
    aside, root = store.with_name(f"{store.name}.restoring"), spool.root if spool else None
    there = root is not None and root.exists()
    try:
        _put(source, aside, root)
        _mark_restored(aside, at=datetime.fromisoformat(made.made_at).timestamp())
        aside.rename(store)
        durable_files.sync_folder(store.parent)
    except (OSError, sqlite3.Error) as error:
        aside.unlink(missing_ok=True)
        if root is not None:
            _clear(root, keep=there)
        raise MailroomError(
            f"{source} could not be restored: {reason_of(error)}",
            fix="check the disk space, and that you may write there",
        ) from error
    return made


def _put(source: Path, store: Path, spool: Path | None) -> None:
    folders = Folders()
    if spool is not None:
        for path in sorted((source / SPOOL).rglob("*")):
            if path.is_file():
                _copy(path, spool / path.relative_to(source / SPOOL), folders)
    _copy(source / STORE, store, folders)


def _mark_restored(store: Path, *, at: float) -> None:
    """Records that its documents must be looked up at LlamaCloud before they are uploaded (pipeline/submit.py)."""
    flag = Flag(id=RESTORED, value="", at=at)
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("insert or ignore into flag (id, version, body) values (?, 0, ?)", (flag.id, codec.encode(flag)))
    with store.open("rb+") as file:
        durable_files.sync_file(file)


def _make(store: Path, spool: FolderSpool | None, to: Path, made: Backup) -> None:
    folders = Folders()
    folders.make(to.absolute())
    _copy_store(store, to / STORE)
    with closing(_read_only(to / STORE)) as db:
        made.schema = int(db.execute("pragma user_version").fetchone()[0])
        made.documents = int(db.execute(_COUNTED).fetchone()[0])
        made.spool = spool is not None
        if spool is not None:
            for held in _held(db):
                _copy_bytes(held, spool.path_of(held.location), to / SPOOL, made, folders)
    _sort_out_forgotten(store, made)
    with (to / SIGN).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        durable_files.sync_file(file)
    durable_files.sync_folder(to)


def _copy_store(store: Path, to: Path) -> None:
    durable_files.make_file(to)
    with closing(sqlite3.connect(store, timeout=BUSY_SECONDS, isolation_level=None)) as db:
        with suppress(sqlite3.OperationalError):  # busy: then the copy is as large as the file
            db.execute("pragma auto_vacuum = incremental")
        db.execute("vacuum into ?", (str(to),))
    with to.open("rb+") as file:
        durable_files.sync_file(file)


def _held(db: sqlite3.Connection) -> Iterator[BackedUpContent]:
    return (BackedUpContent(*row) for row in db.execute(_HELD))


def _copy_bytes(held: BackedUpContent, source: Path, to: Path, made: Backup, folders: Folders) -> None:
    target = FolderSpool(to).path_of(held.location)
    if target.exists():
        return  # documents of an earlier Mailroom share a file
    try:
        copied = _copy(source, target, folders)
    except _UnreadableError as error:
        made.missing[held.document] = f"its bytes cannot be read: {error.strerror}"
        return
    if copied != held.sha256:
        made.missing[held.document] = f"the spool has other bytes: sha256 {copied}, not {held.sha256}"
    made.files += 1
    made.bytes += target.stat().st_size


def _sort_out_forgotten(store: Path, made: Backup) -> None:
    """Documents whose bytes were removed since the copy of the store began: nothing is wrong with those."""
    if not made.missing:
        return
    with closing(_read_only(store)) as db:
        made.forgotten = [item for item in made.missing if db.execute(_FORGOTTEN, (item,)).fetchone()]
    for item in made.forgotten:
        del made.missing[item]


def _wrong(db: sqlite3.Connection, spool: FolderSpool, made: Backup) -> list[str]:
    """What the store needs and the files lack."""
    excused = {*made.forgotten, *made.missing}
    wrong = []
    for held in _held(db) if made.spool else ():
        path = spool.path_of(held.location)
        if held.document not in excused and (not path.is_file() or _sha256(path) != held.sha256):
            wrong.append(f"the bytes of document {held.document} are missing or damaged")
    return wrong


def _sign_of(folder: Path) -> Backup:
    try:
        made = msgspec.json.decode((folder / SIGN).read_bytes(), type=Backup)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is damaged, or another program's"
        fix = "use a folder that `mailroom backup` completed"
        raise Misconfigured(f"{folder} is not a backup: {SIGN} cannot be read: {reason}", fix=fix) from error
    if made.schema > len(steps()):
        raise Misconfigured(f"{folder} is a backup of a newer Mailroom ({made.mailroom})", fix="install that version")
    return made


def _refuse_place(store: Path, spool: FolderSpool | None, to: Path) -> None:
    if is_lost(store):
        fix = "change to the folder that `mailroom serve` runs in, or set MAILROOM_STORE to its store"
        raise Misconfigured(f"there is no {store.absolute()} to back up", fix=fix)
    if not store.is_file():
        raise Misconfigured(f"{store} is not a file, so it is not a store", fix="set MAILROOM_STORE to the SQLite file")
    refuse_strange(store)
    try:
        str(to).encode()  # SQLite takes no other name
        taken = to.exists() and (not to.is_dir() or any(to.iterdir()))
        to.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links that lead to themselves
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text, or a link to itself"
        raise Misconfigured(f"{to} cannot be a backup's folder: {reason}", fix="use another name") from error
    if taken:
        raise Misconfigured(f"{to} is not empty", fix="use a new folder for each backup")
    if spool is not None and to.resolve().is_relative_to(spool.root.resolve()):
        raise Misconfigured(f"{to} is inside the spool", fix="use a folder on another disk")


def _refuse_to_overwrite(store: Path, spool: FolderSpool | None, made: Backup) -> None:
    files = [store.with_name(f"{store.name}{suffix}") for suffix in ("", "-wal", "-shm")]
    there = [path for path in files if path.exists()]
    if there:
        raise Misconfigured(f"{there[0]} already exists: restore a backup into an empty location", fix=_aside(store))
    if made.spool is not (spool is not None):
        before, now = ("a folder", "a bucket") if made.spool else ("a bucket", "a folder")
        fix = "use the same kind of spool as when the backup was made"
        raise Misconfigured(f"the backup's spool was in {before}, but MAILROOM_SPOOL is {now}", fix=fix)
    if spool is not None and not spool.is_empty():
        raise Misconfigured(
            f"the spool {spool.root} is not empty: restore a backup into an empty location", fix=_aside(spool.root)
        )
    if not store.absolute().parent.is_dir():
        raise Misconfigured(f"there is no folder {store.absolute().parent}", fix=f"mkdir -p {store.absolute().parent}")


def _aside(path: Path) -> str:
    return f"stop every Mailroom process, and move the file away: mv {path} {path}.old (and its -wal and -shm, if any)"


def _copy(source: Path, target: Path, folders: Folders) -> str:
    """Copies a file durably; the SHA-256 of its bytes."""
    folders.make(target.absolute().parent)
    digest, chunks = hashlib.sha256(), _chunks(source)
    first = next(chunks, b"")
    with target.open("wb") as file:
        for chunk in itertools.chain([first], chunks):
            digest.update(chunk)
            file.write(chunk)
        durable_files.sync_file(file)
    shutil.copystat(source, target)
    durable_files.sync_folder(target.parent)
    return digest.hexdigest()


class _UnreadableError(OSError):
    """The error of the source, and not of the place that is written to."""


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise _UnreadableError(error.errno, error.strerror) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_only(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    db.execute("pragma query_only = on")
    return db


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes an unfinished backup."""
    for path in folder.iterdir() if folder.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
