"""mailroom submit: ingests files and folders, and submits them."""

import asyncio
import functools
import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.listing import DOCUMENT_COLUMNS, document_row
from receiver.cli.output import print_json, say, table
from receiver.cli.paths import IGNORED, Given, NotTaken, files, follow_option, ignore_option, opened
from receiver.cli.progress import bar
from receiver.cli.running import refuse_strange_spool, with_app, worker_of
from receiver.cli.submitter import submitting
from receiver.cli.vendor_files import BULK_FROM, vendor_files
from receiver.core.document import Document, DocumentState
from receiver.core.errors import MailroomError
from receiver.core.quantity import quantity
from receiver.pipeline.at_once import at_once
from receiver.pipeline.ingest import IncomingFile, Ingested
from receiver.pipeline.ingest_file import IngestedFile, RefusedFile, ingest_file
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile, ingest_vendor_file
from receiver.show import document as shown

log = logging.getLogger("mailroom.submit")
AT_ONCE = 16
"""Files that are ingested concurrently, so that they share the cost of a sync."""


@dataclass(frozen=True, slots=True)
class SubmitRefusal:
    name: str
    reason: str


@click.command()
@click.argument("paths", nargs=-1, type=Given())
@click.option("--file", "file_ids", multiple=True, metavar="ID[=NAME]", help="Id of a file at LlamaCloud: dfl-….")
@click.option(
    "--parse-job", "parse_jobs", multiple=True, metavar="ID[=NAME]", help="Id of a parse job at LlamaCloud: pjb-…."
)
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Metadata for --file and --parse-job.")
@click.option("--packet", is_flag=True, help="Each file is a packet of several documents: split it first.")
@click.option("--wait", is_flag=True, help="Wait until every document is delivered, then list where.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@ignore_option
@follow_option
def submit(
    paths: tuple[Path, ...],
    file_ids: tuple[str, ...],
    parse_jobs: tuple[str, ...],
    metadata: tuple[str, ...],
    packet: bool,
    wait: bool,
    as_json: bool,
    ignore: tuple[str, ...],
    follow_symlinks: bool,
) -> None:
    """Submit files and folders to LlamaCloud, or files and parse jobs that are already there.

    A second run submits only new files. It skips unreadable and empty files, names them, and exits 1.
    --file and --parse-job may be given several times; nothing is uploaded for them.
    """
    named = vendor_files(file_ids, parse_jobs, metadata, packet=packet)
    if not paths and not named:
        raise click.UsageError("name files or folders, or give --file or --parse-job")
    found = list(files(paths, ignore=ignore or IGNORED, follow_symlinks=follow_symlinks))
    followed = None if follow_symlinks else frozenset(paths)
    taken, refused = with_app(
        lambda app: _submit(app, found, named, packet=packet, wait=wait, quiet=as_json, followed=followed)
    )
    report_submitted(taken, refused, settled=wait, as_json=as_json)
    raise SystemExit(1 if refused else 0)


async def _submit(
    app: App,
    found: Sequence[Path],
    named: Sequence[IncomingVendorFile] = (),
    *,
    packet: bool,
    wait: bool,
    quiet: bool,
    followed: Collection[Path] | None,
) -> tuple[list[Ingested], list[SubmitRefusal]]:
    await refuse_strange_spool(app)
    async with submitting(app) as submit_one:
        taken, refused = await take_in_all(
            app, found, packet=packet, quiet=quiet, followed=followed, then=lambda item: submit_one(item.document)
        )
        for item in named:
            taken.append(await ingest_vendor_file(item, app.context))
            submit_one(taken[-1].document)
    if wait:
        settled = await settled_by_us(app, [item.document.id for item in taken], quiet=quiet)
        taken = [replace(item, document=settled.get(item.document.id, item.document)) for item in taken]
    return taken, refused


async def take_in_all(
    app: App,
    found: Sequence[Path],
    *,
    packet: bool = False,
    quiet: bool = False,
    followed: Collection[Path] | None = None,
    then: Callable[[Ingested], None] = lambda _: None,
) -> tuple[list[Ingested], list[SubmitRefusal]]:
    """The ingested files, and the refused ones with the reason.

    ``followed`` are the paths that the user named, which may be links; links found in folders are not followed. None
    follows all links. ``then`` is called with each ingested document, while others are still being ingested.
    """
    taken: list[Ingested] = []
    refused: list[SubmitRefusal] = []
    with bar("submitting", len(found), quiet=quiet) as advance:

        async def one(path: Path) -> IngestedFile:
            root = None if followed is None or path in followed else _root(path, followed)
            arrived = await _take_in(app, path, root, packet=packet, bulk=len(found) > BULK_FROM)
            advance()
            for item in arrived.taken:
                then(item)
            return arrived

        for path, arrived in zip(found, await at_once(AT_ONCE, found, one), strict=True):
            taken += arrived.taken
            refused += (SubmitRefusal(str(path), item.reason) for item in arrived.refused)
    return taken, refused


def _root(path: Path, named: Collection[Path]) -> Path:
    """The nearest named folder above this path."""
    return next(item for item in path.parents if item in named)


async def _take_in(app: App, path: Path, root: Path | None, *, packet: bool, bulk: bool) -> IngestedFile:
    try:
        file = await asyncio.to_thread(opened, path, root=root)
    except NotTaken as why:
        return IngestedFile(refused=(RefusedFile(path.name, str(why)),))
    try:
        with file:
            return await take_in_file(app, path, file, packet=packet, bulk=bulk)
    except MailroomError:
        raise  # a fault on our side, which would affect the next file, too
    except Exception as error:  # no single file may stop the others
        log.exception("submit.failed", extra={"facts": {"file": str(path)}})
        return IngestedFile(refused=(RefusedFile(path.name, f"it cannot be ingested: {error!r}"),))


async def take_in_file(app: App, path: Path, file: BufferedReader, *, packet: bool, bulk: bool = False) -> IngestedFile:
    """Ingests one open file; the owner of the file is its sender."""
    owner = _user(os.fstat(file.fileno()).st_uid)
    arrival = IncomingFile(name=path.name, kind="folder", source=file, sender=owner, packet=packet, bulk=bulk)
    return await ingest_file(arrival, app.context)


@functools.lru_cache(maxsize=1000)
def _user(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (KeyError, ImportError):  # a user without a name, a system without users
        return ""


async def submit_now(app: App, documents: Sequence[Document]) -> None:
    """Submits these documents in this process."""
    async with submitting(app) as submit_one:
        for document in documents:
            submit_one(document)


async def settled_by_us(app: App, ids: list[str], *, quiet: bool) -> dict[str, Document]:
    """Waits until these documents are settled, and runs a worker meanwhile, because none may be running elsewhere."""
    async with worker_of(app).running():
        return await settle(app, ids, quiet=quiet)


async def settle(
    app: App, ids: list[str], *, quiet: bool = False, patience_seconds: float | None = None, poll_seconds: float = 0.1
) -> dict[str, Document]:
    """Waits until none of these documents is open, or nothing has changed for ``patience_seconds``; returns them.

    An id may occur several times: the same file, or the same id at LlamaCloud, is one document.
    """
    ids = list(dict.fromkeys(ids))
    settled: dict[str, Document] = {}
    moved_at = time.monotonic()
    with bar("routing", len(ids), quiet=quiet) as advance:
        while len(settled) < len(ids):
            for document_id in (item for item in ids if item not in settled):
                document = await app.context.store.get(Document, document_id)
                if document and document.state is not DocumentState.OPEN:
                    settled[document_id], moved_at = document, time.monotonic()
                    advance()
            if patience_seconds is not None and time.monotonic() - moved_at > patience_seconds:
                break
            await asyncio.sleep(poll_seconds)
    return settled


def report_submitted(taken: list[Ingested], refused: list[SubmitRefusal], *, settled: bool, as_json: bool) -> None:
    """Prints what was ingested, and what was not."""
    if as_json:
        print_json(
            {
                "documents": [
                    shown(item.document) | {"fresh": item.fresh, "ignored": list(item.ignored)} for item in taken
                ],
                "refused": [{"name": item.name, "reason": item.reason} for item in refused],
            }
        )
        return
    if settled:
        table(DOCUMENT_COLUMNS, [document_row(shown(item.document)) for item in taken])
    else:
        rows = [
            (item.document.id, item.document.name, "now" if item.fresh else "before", item.document.state)
            for item in taken
        ]
        table(("document", "name", "received", "state"), rows)
    fresh = sum(item.fresh for item in taken)
    say(f"{quantity(len(taken), 'document')}: {fresh} new, {len(taken) - fresh} known; {len(refused)} skipped")
    for known in (item for item in taken if item.ignored):
        say(f"unchanged: {known.document.name} was received before: {_ignored(known)} changed nothing", err=True)
    for item in refused:
        say(f"skipped: {item.name}: {item.reason}", err=True)


def _ignored(item: Ingested) -> str:
    options = {"packet": "--packet", "name": "the name", "metadata": "--metadata"}
    return ", ".join(options[given] for given in item.ignored)
