"""The command: submits mail, waits, prints the report, and keeps running unless an option says otherwise."""

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import click

from handlers.demo.environment import SECRETS, DemoEnvironment, demo_environment, reads_scans, require_extra
from handlers.demo.printed_report import show
from handlers.demo.report import report_of
from handlers.demo.samples import samples
from receiver.bootstrap import App
from receiver.cli.numbers import WholeNumber
from receiver.cli.output import print_json
from receiver.cli.paths import Given, files
from receiver.cli.running import run
from receiver.cli.submit import SubmitRefusal, settle, take_in_all
from receiver.core.change import Query
from receiver.core.errors import Misconfigured
from receiver.core.task import Task
from receiver.pipeline.ingest import Ingested

PATIENCE_SECONDS = 400.0
"""Seconds without any progress after which open documents are reported as open. The sandbox gives up reading a document
after 180, and judging it after as many."""
INTERRUPTED = 130
"""The exit code of shells for a command that Ctrl-C stopped."""


@click.command(short_help="Run everything on this machine and show where each document went.")
@click.argument("paths", nargs=-1, type=Given())
@click.option("--once", is_flag=True, help="Stop when the documents are routed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--packet", is_flag=True, help="Each file is a packet of several documents: split it first.")
@click.option("--port", default=0, type=WholeNumber(0, 65535), help="Port of the receiver; 0 picks a free one.")
def demo(paths: tuple[Path, ...], once: bool, as_json: bool, packet: bool, port: int) -> None:
    """Run everything on this machine, with sample mail or your own, and show where each document went.

    Set MAILROOM_CONFIG to use your own table; its buckets, queues and topics are created in the local AWS.
    Exit 0 only if the totals balance, nothing is open, and every delivery is found at its destination.
    """
    if paths and not any(map(os.path.lexists, paths)):
        raise Misconfigured(f"there is no {paths[0]}", fix="name files or folders; without any, sample mail is used")
    try:
        code = run(_stoppable(_demo(paths, once=once, as_json=as_json, packet=packet, port=port)))
    except asyncio.CancelledError:
        code = INTERRUPTED
    raise SystemExit(code)


async def _stoppable(work: Awaitable[int]) -> int:
    """Does the work. Ctrl-C, SIGTERM or a closed terminal cancel it; it then stops what it started."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


async def _demo(paths: tuple[Path, ...], *, once: bool, as_json: bool, packet: bool, port: int) -> int:
    require_extra()
    if not as_json:
        click.echo("starting the sandbox, a local AWS and the receiver …", err=True)
    async with demo_environment(port) as running:
        began = time.monotonic()
        taken, refused = await _take_in(running, paths, packet=packet, quiet=as_json)
        await settle(
            running.app, [item.document.id for item in taken], quiet=as_json, patience_seconds=PATIENCE_SECONDS
        )
        await _quiet(running.app)
        report = await report_of(running, refused)
        if as_json:
            print_json(report.data)
        else:
            show(report, seconds=time.monotonic() - began)
        if not report.settled:
            _trouble(running)
        if not once:
            await _stay(running)
        return 0 if report.fine else 1


async def _take_in(
    running: DemoEnvironment, paths: tuple[Path, ...], *, packet: bool, quiet: bool
) -> tuple[list[Ingested], list[SubmitRefusal]]:
    """The user's mail; or the samples: single documents, a packet, and a scanned packet if scans can be read."""
    app = running.app
    if paths:
        return await take_in_all(app, tuple(files(paths)), packet=packet, quiet=quiet, followed=frozenset(paths))
    mail = await samples(running.aws.folder)
    packets = (mail.packet, mail.scanned_packet) if reads_scans() else (mail.packet,)
    letters, refused = await take_in_all(app, mail.letters, packet=packet, quiet=quiet)
    more, refused_too = await take_in_all(app, packets, packet=True, quiet=quiet)
    return letters + more, refused + refused_too


async def _quiet(app: App) -> None:
    """Waits until no task is due or running, because only then are alerts sent and timelines complete."""
    for _ in range(300):
        page = await app.context.store.find(Task, Query(by="claimable", until=app.context.clock() + 30, limit=1))
        if not page.records:
            return
        await asyncio.sleep(0.1)


def _trouble(running: DemoEnvironment) -> None:
    """Unusual log lines, for debugging: the log itself is deleted with the demo's folder."""
    for line in running.log.read_text(encoding="utf-8").splitlines():
        if '"level":"info"' not in line:
            click.echo(line, err=True)


async def _stay(running: DemoEnvironment) -> None:
    """Prints the addresses, and keeps running until it is stopped."""
    environment = running.log.with_name("environment")
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in running.environment.items())
    environment.write_text(f"{exports}export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n")
    click.echo(f"""
Mailroom keeps running.
  page        {running.page}/   (admin token: {SECRETS["MAILROOM_ADMIN_TOKEN"]})
  webhook     {running.address}/webhooks/llamacloud
  LlamaCloud  {running.sandbox}   (the sandbox)
  AWS         {running.aws.endpoint}
  log         {running.log}
  more mail   . {environment}; mailroom submit FILE --wait
Ctrl-C stops it and leaves nothing behind.""")
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
