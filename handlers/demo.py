"""mailroom demo: everything on one machine, no account.

Starts the LlamaCloud-compatible sandbox and a local AWS, runs the real receiver, worker and sweep against them, takes
mail in, waits, reads every delivery back from where it lies, and shows the books.
"""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from handlers.app import build
from handlers.local_aws import LocalAws, local_aws
from receiver import show
from receiver.bootstrap import App
from receiver.cli.output import print_json, table
from receiver.cli.running import run
from receiver.cli.serve import listen, serve_until
from receiver.cli.submit import Refusal, settle, take_in_all
from receiver.config import Config, load
from receiver.core.alert import AlertState
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import Misconfigured
from receiver.core.pages import spans
from receiver.core.task import Task
from receiver.flow.dossier import found
from receiver.log import set_up
from receiver.settings import Settings, from_environ

SAMPLES = Path(__file__).parents[1] / "samples"
PACKET = SAMPLES / "packets" / "morning-mail.pdf"
SCANNED_PACKET = SAMPLES / "packets" / "scanned-mail.pdf"
NOT_MAIL = {".md", ".yaml", ".json"}
"""What lies in samples/ beside the documents."""
DEMO_SECRETS = {
    "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["demo-key"]}',
    "MAILROOM_TOKEN_SECRETS": "demo-token-secret",
    "MAILROOM_SIGNING_SECRETS": "whsec_demo",
    "MAILROOM_ADMIN_TOKEN": "demo",
    "LLAMA_CLOUD_API_KEY": "llx-demo",
}
"""Secrets of a machine that nobody else can reach, for a few minutes; all three proofs are on."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The demo's machinery, running."""

    app: App
    aws: LocalAws
    sandbox: str
    folder: Path
    address: str


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Stop when the mail is routed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--packet", is_flag=True, help="Each file holds many letters: split it first.")
@click.option("--port", default=0, help="Port of the receiver; 0 takes a free one.")
def demo(paths: tuple[Path, ...], once: bool, as_json: bool, packet: bool, port: int) -> None:
    """Run everything on this machine, with sample mail or your own, and show where each document went.

    MAILROOM_CONFIG may name your own table; the buckets, queues and topics that it names are made in the local AWS.
    """
    set_up("error")
    try:
        code = run(_demo(paths, once=once, as_json=as_json, packet=packet, port=port))
    except KeyboardInterrupt:
        code = 130 if once else 0
    raise SystemExit(code)


async def _demo(paths: tuple[Path, ...], *, once: bool, as_json: bool, packet: bool, port: int) -> int:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _cancel(asyncio.current_task()))
    async with _stage(port) as stage:
        taken, refused = await take_in_all(stage.app, paths or _sample_mail(), packet=packet, quiet=as_json)
        if not paths:
            taken += (await take_in_all(stage.app, _sample_packets(), packet=True, quiet=as_json))[0]
        await settle(stage.app, [one.document.id for one in taken], quiet=as_json, patience_seconds=120)
        await _quiet(stage.app)
        report = await _report(stage, refused)
        if as_json:
            print_json(report)
        else:
            _print(report, refused)
        if not once:
            await _stay(stage)
        return _exit_code(report, refused)


def _sample_mail() -> tuple[Path, ...]:
    return tuple(sorted(one for one in SAMPLES.iterdir() if one.is_file() and one.suffix not in NOT_MAIL))


def _sample_packets() -> tuple[Path, ...]:
    """A morning's mail in one PDF; and one that was scanned, where there is somebody to read it."""
    return (PACKET, SCANNED_PACKET) if _reads_scans() else (PACKET,)


def _reads_scans() -> bool:
    return shutil.which("tesseract") is not None


def _cancel(task: "asyncio.Task[Any] | None") -> Callable[[], None]:
    """Ends the demo as Ctrl-C does: everything it started is stopped on the way out."""
    assert task is not None

    def cancel() -> None:
        task.cancel()

    return cancel


@asynccontextmanager
async def _stage(port: int) -> AsyncIterator[Stage]:
    """Sandbox, local AWS and receiver, up and wired; all of it is gone afterwards."""
    listener = listen("127.0.0.1", port)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        tempfile.TemporaryDirectory(prefix="mailroom-demo-") as name,
        local_aws() as aws,
        _sandbox(Path(name)) as sandbox,
    ):
        folder = Path(name)
        settings = _settings(folder, address, sandbox)
        app = build(settings, config=_config(settings, aws), aws=aws.aws)
        stop = asyncio.Event()
        async with app.opened():
            ready = asyncio.Event()
            serving = asyncio.create_task(serve_until(stop, app, listener, announce=ready.set))
            try:
                await _first(ready.wait(), serving)
                yield Stage(app=app, aws=aws, sandbox=sandbox, folder=folder, address=address)
            finally:
                stop.set()
                await serving


async def _first(waiting: Any, serving: asyncio.Task[None]) -> None:
    """Waits for readiness, or raises what kept the server from it."""
    ready = asyncio.create_task(waiting)
    await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if serving.done():
        await serving


def _settings(folder: Path, address: str, sandbox: str) -> Settings:
    """The user's own settings where they name any, on the demo's machinery."""
    config = os.environ.get("MAILROOM_CONFIG") or str(SAMPLES / "mailroom.yaml")
    return from_environ(
        {
            **DEMO_SECRETS,
            "LLAMA_CLOUD_BASE_URL": sandbox,
            "MAILROOM_CONFIG": config,
            "MAILROOM_PUBLIC_URL": address,
            "MAILROOM_STORE": f"sqlite:///{folder}/mailroom.db",
            "MAILROOM_SWEEP_SECONDS": "5",
        }
    )


def _config(settings: Settings, aws: LocalAws) -> Config:
    """The table, with what it names made in the local AWS, and topics called by what they are called there."""
    config = load(settings.config, os.environ)
    made = aws.make(config.table.targets(), [rule.channel for rule in config.alerts])
    alerts = tuple(replace(rule, channel=made.get(rule.channel, rule.channel)) for rule in config.alerts)
    return replace(config, alerts=alerts, deadline_seconds=30)


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """The sandbox as a process of its own; its address. It stops when we do, however we end."""
    port_file = folder / "sandbox.port"
    command = [sys.executable, "-m", "sandbox", "--port-file", str(port_file), "--think", "0.2", "--no-limits"]
    command += ["--ocr"] if _reads_scans() else []
    with (folder / "sandbox.log").open("wb") as log:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=Path(__file__).parents[1])
    assert child.stdout is not None
    try:
        if not child.stdout.readline():
            raise Misconfigured(f"the sandbox did not start: {(folder / 'sandbox.log').read_text()[-500:]}")
        yield f"http://127.0.0.1:{port_file.read_text().strip()}"
    finally:
        child.terminate()
        child.wait(timeout=10)
        child.stdout.close()


async def _quiet(app: App) -> None:
    """Waits until no task is due or in hand: alerts are told, timelines are complete."""
    for _ in range(300):
        page = await app.tools.store.find(Task, Query(by="claimable", until=app.tools.clock() + 30, limit=1))
        if not page.records:
            return
        await asyncio.sleep(0.1)


async def _report(stage: Stage, refused: list[Refusal]) -> dict[str, Any]:
    """The demo's result; each delivery was read back from where its receipt says that it lies."""
    documents = []
    for document in await _family_order(stage.app):
        shown = show.document(document)
        shown["deliveries"] = [
            await asyncio.to_thread(_read_back, stage.aws, document, delivery) for delivery in shown["deliveries"]
        ]
        documents.append(shown)
    states = await found(stage.app.tools.store, AlertState, Query(newest_first=True), limit=100)
    alerts = {(one.kind, one.example): one for one in states}
    return {
        "documents": documents,
        "refused": [{"name": one.name, "reason": one.reason} for one in refused],
        "alerts": [show.alert(one) for one in alerts.values()],
        "balance": show.balance(await stage.app.tools.store.tally()),
    }


async def _family_order(app: App) -> list[Document]:
    """All documents as they came in, each packet followed by its pieces in the order of their pages."""
    everything = await found(app.tools.store, Document, Query(), limit=1_000_000)
    return sorted(everything, key=lambda one: (one.taken_in_at, one.parent_id or one.id, one.pages))


def _read_back(aws: LocalAws, document: Document, delivery: dict[str, Any]) -> dict[str, Any]:
    """The delivery as it is found in its place; status ``missing`` when it is not what the receipt says."""
    location: str | None = delivery["location"]
    shown = {"to": delivery["to"], "status": delivery["status"], "location": location}
    if location and not _lies_there(aws, document, location):
        shown["status"] = "missing"
    return shown


def _lies_there(aws: LocalAws, document: Document, location: str) -> bool:
    scheme = location.partition(":")[0]
    try:
        if scheme == "s3":
            return hashlib.sha256(aws.object(location)).hexdigest() == document.sha256
        if scheme == "sqs":
            return document.id in aws.message(location)["Body"]
        if scheme == "folder":
            content = Path(location.removeprefix("folder://")).read_bytes()
            return hashlib.sha256(content).hexdigest() == document.sha256
    except (KeyError, OSError):
        return False
    return True


def _print(report: dict[str, Any], refused: list[Refusal]) -> None:
    rows = [
        (
            f"  p. {spans(one['pages'])}" if "parent" in one else one["name"],
            one["type"] or "-",
            "" if one["confidence"] is None else f"{one['confidence']:.2f}",
            one["state"],
            "\n".join(each["location"] or each["status"] for each in one["deliveries"]) or one["reason"],
        )
        for one in report["documents"]
    ]
    table(("document", "type", "confidence", "state", "where it lies, or why it waits"), rows, title="The mail")
    alerts = [(one["kind"], one["title"], str(one["count"]), one["fix"]) for one in report["alerts"]]
    if alerts:
        table(("alert", "first example", "times", "what to do"), alerts, title="Alerts")
    books = report["balance"]
    table(tuple(name.replace("_", " ") for name in books), [tuple(str(n) for n in books.values())], title="The books")
    for one in refused:
        click.echo(f"skipped: {one.name}: {one.reason}", err=True)


def _exit_code(report: dict[str, Any], refused: list[Refusal]) -> int:
    books = report["balance"]
    balanced = books["taken_in"] == books["routed"] + books["review"] + books["failed"] + books["open"]
    statuses = {each["status"] for one in report["documents"] for each in one["deliveries"]}
    fine = balanced and books["open"] == 0 and statuses <= {"delivered"} and not refused
    return 0 if fine else 1


async def _stay(stage: Stage) -> None:
    """Stays up and says where to look, until Ctrl-C."""
    settings = stage.app.settings
    environment = stage.folder / "environment"
    values = {
        **stage.aws.env,
        **DEMO_SECRETS,
        "LLAMA_CLOUD_BASE_URL": stage.sandbox,
        "MAILROOM_CONFIG": settings.config,
        "MAILROOM_PUBLIC_URL": stage.address,
        "MAILROOM_STORE": settings.store,
    }
    environment.write_text("".join(f"export {name}='{value}'\n" for name, value in values.items()))
    click.echo(f"""
The mailroom stays up.
  page       {stage.address}/   (admin token: {DEMO_SECRETS["MAILROOM_ADMIN_TOKEN"]})
  LlamaCloud {stage.sandbox}   (the sandbox)
  AWS        {stage.aws.endpoint}
  more mail  . {environment}; mailroom submit FILE --wait
Ctrl-C stops it and leaves nothing behind.""")
    await asyncio.Event().wait()
