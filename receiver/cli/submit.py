"""mailroom submit: takes files or folders in, and submits them."""

import asyncio
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.listing import DOCUMENT_COLUMNS, document_row
from receiver.cli.output import print_json, say, table
from receiver.cli.paths import IGNORED, Given, NotTaken, files, follow_option, ignore_option, opened
from receiver.cli.progress import bar
from receiver.cli.running import with_app
from receiver.cli.serve import worker_of
from receiver.core.document import Document, DocumentState
from receiver.core.task import submission_of
from receiver.flow.arrive import Arrived, Refused, arrive
from receiver.flow.intake import Arrival, TakenIn
from receiver.runner import owner_name
from receiver.show import document as shown

BULK_FROM = 20
"""Files in one command, from which on they wait for documents that come one by one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    name: str
    reason: str


@click.command()
@click.argument("paths", nargs=-1, required=True, type=Given())
@click.option("--packet", is_flag=True, help="Each file holds many letters: split it first.")
@click.option("--wait", is_flag=True, help="Work until every document has its place, and show where.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@ignore_option
@follow_option
def submit(
    paths: tuple[Path, ...],
    packet: bool,
    wait: bool,
    as_json: bool,
    ignore: tuple[str, ...],
    follow_symlinks: bool,
) -> None:
    """Take in files and folders, and have LlamaCloud read them.

    A second run takes in only what is new. What cannot be read or is empty is named and skipped; exit 1 then.
    """
    found = list(files(paths, ignore=ignore or IGNORED, follow_symlinks=follow_symlinks))
    followed = None if follow_symlinks else frozenset(paths)
    taken, refused = with_app(
        lambda app: _submit(app, found, packet=packet, wait=wait, quiet=as_json, followed=followed)
    )
    _print(taken, refused, settled=wait, as_json=as_json)
    raise SystemExit(1 if refused else 0)


async def _submit(
    app: App, found: Sequence[Path], *, packet: bool, wait: bool, quiet: bool, followed: Collection[Path] | None
) -> tuple[list[TakenIn], list[Refusal]]:
    taken, refused = await take_in_all(app, found, packet=packet, quiet=quiet, followed=followed)
    await submit_now(app, [one.document for one in taken])
    if wait:
        settled = await settled_by_us(app, [one.document.id for one in taken], quiet=quiet)
        taken = [TakenIn(settled.get(one.document.id, one.document), one.fresh) for one in taken]
    return taken, refused


async def take_in_all(
    app: App,
    found: Sequence[Path],
    *,
    packet: bool = False,
    quiet: bool = False,
    followed: Collection[Path] | None = None,
) -> tuple[list[TakenIn], list[Refusal]]:
    """Every file taken in, and those that could not be, with the reason.

    ``followed`` are the paths that were named: they may be links, what is found in folders may not. None follows all.
    """
    taken: list[TakenIn] = []
    refused: list[Refusal] = []
    with bar("taking in", len(found), quiet=quiet) as advance:
        for path in found:
            root = None if followed is None or path in followed else _root(path, followed)
            arrived = await _take_in(app, path, root, packet=packet, bulk=len(found) > BULK_FROM)
            taken += arrived.taken
            refused += (Refusal(str(path), one.reason) for one in arrived.refused)
            advance()
    return taken, refused


def _root(path: Path, named: Collection[Path]) -> Path:
    """The folder that was named, in which this was found: the nearest."""
    return next(one for one in path.parents if one in named)


async def _take_in(app: App, path: Path, root: Path | None, *, packet: bool, bulk: bool) -> Arrived:
    try:
        file = await asyncio.to_thread(opened, path, root=root)
    except NotTaken as why:
        return Arrived(refused=(Refused(path.name, str(why)),))
    with file:
        return await take_in_file(app, path, file, packet=packet, bulk=bulk)


async def take_in_file(app: App, path: Path, file: BufferedReader, *, packet: bool, bulk: bool = False) -> Arrived:
    """What became of one open file; its sender is the user whose file it is."""
    arrival = Arrival(name=path.name, kind="folder", source=file, sender=_owner(file), packet=packet, bulk=bulk)
    return await arrive(arrival, app.tools)


def _owner(file: BufferedReader) -> str:
    try:
        import pwd

        return pwd.getpwuid(os.fstat(file.fileno()).st_uid).pw_name
    except (KeyError, ImportError):  # a user without a name, a system without users
        return ""


async def submit_now(app: App, documents: list[Document]) -> None:
    """Submits here and now; a worker elsewhere may be faster, then there is nothing left to claim."""
    waiting = [submission_of(one, now=0).id for one in documents if one.state is DocumentState.OPEN]
    worker = worker_of(app)
    while waiting:
        batch, waiting = waiting[: app.settings.concurrency], waiting[app.settings.concurrency :]
        claimed = await app.tools.store.claim(
            owner=owner_name(),
            now=app.tools.clock(),
            lease_seconds=app.settings.lease_seconds,
            limit=len(batch),
            ids=batch,
        )
        await asyncio.gather(*(worker.work_on(task) for task in claimed))


async def settled_by_us(app: App, ids: list[str], *, quiet: bool) -> dict[str, Document]:
    """These documents, settled; a worker of this process helps those that run elsewhere, of which there may be none."""
    async with worker_of(app).running():
        return await settle(app, ids, quiet=quiet)


async def settle(
    app: App, ids: list[str], *, quiet: bool = False, patience_seconds: float | None = None, poll_seconds: float = 0.1
) -> dict[str, Document]:
    """These documents as they are once none of them is open, or once nothing moved for ``patience_seconds``."""
    settled: dict[str, Document] = {}
    moved_at = time.monotonic()
    with bar("routing", len(ids), quiet=quiet) as advance:
        while len(settled) < len(ids):
            for document_id in (one for one in ids if one not in settled):
                document = await app.tools.store.get(Document, document_id)
                if document and document.state is not DocumentState.OPEN:
                    settled[document_id], moved_at = document, time.monotonic()
                    advance()
            if patience_seconds is not None and time.monotonic() - moved_at > patience_seconds:
                break
            await asyncio.sleep(poll_seconds)
    return settled


def _print(taken: list[TakenIn], refused: list[Refusal], *, settled: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "documents": [shown(one.document) | {"fresh": one.fresh} for one in taken],
                "refused": [{"name": one.name, "reason": one.reason} for one in refused],
            }
        )
        return
    if settled:
        table(DOCUMENT_COLUMNS, [document_row(one.document) for one in taken])
    else:
        rows = [(one.document.id, one.document.name, _known(one), one.document.state) for one in taken]
        table(("document", "name", "taken in", "state"), rows)
    fresh = sum(one.fresh for one in taken)
    say(f"{len(taken)} documents: {fresh} new, {len(taken) - fresh} known; {len(refused)} skipped")
    for one in refused:
        say(f"skipped: {one.name}: {one.reason}", err=True)


def _known(one: TakenIn) -> str:
    return "now" if one.fresh else "before"
