"""mailroom backup and mailroom restore: copy one machine's store and spool, and restore them."""

import time
from dataclasses import asdict
from pathlib import Path

import click

from receiver import __version__
from receiver.bootstrap import spool_folder, sqlite_file
from receiver.cli.output import print_json, say
from receiver.cli.paths import Given
from receiver.core.errors import Misconfigured
from receiver.read_settings import from_environ
from receiver.settings import Settings
from receiver.store.backup import Backup, back_up
from receiver.store.backup import restore as put_back
from receiver.store.spool import FolderSpool

ON_AWS = (
    "AWS keeps backups of both: point-in-time recovery of the table and the versions of the spool's bucket; "
    "see docs/production.md for how to restore them"
)


@click.command(short_help="Back up the store and the spool while Mailroom runs.")
@click.argument("to", type=Given())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backup(to: Path, as_json: bool) -> None:
    """Copy a consistent snapshot of the SQLite store and the spool into the new folder TO, and verify the copy.

    Mailroom can keep running. Exit 1 if bytes that a document needs were already missing; the output names them, and
    the backup has everything else.
    """
    settings = from_environ()
    spool = _spool(settings)
    made = back_up(_store(settings), spool, to, now=time.time(), version=__version__)
    _print(made, f"backed up to {to} and verified", as_json=as_json)
    for document, why in made.missing.items():
        say(f"missing: document {document}: {why}", err=True)
    lost = made.documents == 0 and spool is not None and not spool.is_empty()
    if lost:
        say("missing: the spool holds documents, but the store has none: keep the previous backups", err=True)
    raise SystemExit(1 if made.missing or lost else 0)


@click.command(short_help="Restore a backup into an empty location.")
@click.argument("source", metavar="FROM", type=Given())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def restore(source: Path, as_json: bool) -> None:
    """Verify the backup FROM and restore it to MAILROOM_STORE and MAILROOM_SPOOL. It overwrites nothing.

    Then start `mailroom serve`: it resumes unfinished work and asks LlamaCloud about jobs that finished in the
    meantime.
    """
    settings = from_environ()
    put = put_back(source, _store(settings), _spool(settings))
    _print(put, f"restored as it was at {put.made_at}; anything received later is not included", as_json=as_json)


def _store(settings: Settings) -> Path:
    """The file of the store. Raises Misconfigured for another kind of store, with what to do instead."""
    if settings.store.startswith("sqlite:"):
        return sqlite_file(settings)
    fix = ON_AWS if settings.store.startswith("dynamodb:") else "set MAILROOM_STORE to the SQLite file"
    raise Misconfigured(f"MAILROOM_STORE={settings.store} is not a file, so it cannot be copied", fix=fix)


def _spool(settings: Settings) -> FolderSpool | None:
    """The spool; None when it is a bucket."""
    return None if settings.spool.startswith("s3://") else FolderSpool(spool_folder(settings))


def _print(made: Backup, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(made))
        return
    spool = f"{made.files} files ({made.bytes / 1e6:.1f} MB)" if made.spool else "no spool: its bucket keeps versions"
    say(f"{made.documents} documents, {spool}: {done}")
