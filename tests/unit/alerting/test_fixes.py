"""Every command that an alert carries is copied out of it and run; what it mends is then told as resolved."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from receiver.core.advice import BY_KIND, JOB_FAILED
from receiver.core.alert import KINDS
from receiver.core.balance import Tally
from receiver.core.change import Replace
from receiver.core.document import DocumentState
from receiver.core.errors import (
    DeliveryConflict,
    DestinationBusy,
    DocumentRefused,
    Misconfigured,
    OutOfCredits,
    Unroutable,
)
from receiver.core.fingerprint import KNOWN
from receiver.core.job import JobStatus
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.pages import Segment
from receiver.operations import clock_skew, stalled_queue
from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.monitor import EXPIRING, GRACE
from receiver.operations.sweep import sweep
from receiver.operations.webhook_share import LEAST
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import ingest_file
from receiver.refused_change import SECRETS, SHADOW
from receiver.refused_change import TABLE as TABLE_REFUSED
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryChannel
from tests.in_memory_app import InMemoryApp as OneDesk
from tests.pdf_fixtures import a_page, locked, packet_bytes
from tests.unit.mail.reading import PDF, attached, mail, multi

SECOND = "https://second.example.com"
ROUTES = TABLE.replace("alerting:", 'packet: {to: ["bytes://packets/"]}\nalerting:')
MEND = ("resubmit", "replay", "unlock", "replace", "dismiss", "sweep", "recut", "review doc", "resume", "alerts test")
"""Commands that mend; the others only look."""


class InMemoryApp(OneDesk):
    """With a second channel, and a process whose secrets may be refused."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ROUTES + f'  - {{on: ["*"], to: "{SECOND}"}}\n')
        self.second = InMemoryChannel()
        self.refused = False
        self.context = replace(self.context, channels={"log": self.channel, SECOND: self.second})


@dataclass(frozen=True)
class Case:
    """Something that goes wrong, and what must be done outside of Mailroom before a command can mend it."""

    kind: str
    breaks: Callable[[InMemoryApp], Any]
    mended_outside: Callable[[InMemoryApp], None] = lambda _: None


async def rest(app: InMemoryApp, *, after: float = 0.0) -> None:
    app.later(after)
    if not app.refused:
        await SECRETS.clear(app.context)
        await TABLE_REFUSED.clear(app.context)
    await sweep(app.context)
    await app.work(rounds=60)


def job_failed(error: str, content: bytes = b"%PDF-1.7 a letter") -> Callable[[InMemoryApp], Any]:
    async def breaks(app: InMemoryApp) -> None:
        for name in ("one.pdf", "two.pdf"):
            document = await app.submitted(name=name, content=content)
            for _ in range(2):  # the second one after what Mailroom tried by itself
                document = await app.document(document.id)
                if document.state is DocumentState.OPEN:
                    app.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
                    await app.event(document.job_id, "classify.error")
                    await app.work()

    return breaks


async def refused(app: InMemoryApp) -> None:
    app.cloud.broken = DocumentRefused("LlamaCloud refuses the file: 400 Unsupported")
    await app.ingest(name="odd.pdf")
    await app.work()


async def gives_up(app: InMemoryApp) -> None:
    """A result that cannot be fetched for days."""
    document = await app.submitted()
    app.cloud.broken = RuntimeError("nobody foresaw this")
    await app.event(document.job_id)
    for _ in range(20):
        await app.work()
        app.later(30_000)


async def cannot_deliver(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    await app.routed("invoice")
    for _ in range(20):
        app.later(30_000)
        await app.work()


async def conflicts(app: InMemoryApp) -> None:
    app.bytes.broken = DeliveryConflict("another object lies there")
    await app.routed("contract")


async def overdue(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.later(app.context.config.deadline_seconds + GRACE + 1)
    await app.store.apply(*[Replace(replace(job, deadline=app.now + 1e6)) for job in await app.jobs(document)])


async def expires(app: InMemoryApp) -> None:
    await overdue(app)
    (document,) = await app.all_documents()
    await app.store.apply(Replace(replace(document, file_expires_at=app.now + EXPIRING - 1)))


async def does_not_add_up(app: InMemoryApp) -> None:
    content = packet_bytes(a_page("a"), a_page("b"), a_page("c"))
    packet = await app.submitted(name="mail.pdf", content=content, packet=True)
    app.cloud.finish(packet.job_id, segments=(Segment(category="invoice", pages=(1, 2), confidence="high"),))
    await app.event(packet.job_id, "split.success")
    await app.work()


async def doubtful_pieces(app: InMemoryApp) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(a_page("a"), a_page("b")), packet=True)
    pieces = [Segment(category="invoice", pages=(page,), confidence="low") for page in (1, 2)]
    app.cloud.finish(packet.job_id, segments=tuple(pieces))
    await app.event(packet.job_id, "split.success")
    await app.work()


async def locked_packet(app: InMemoryApp) -> None:
    await app.ingest(name="mail.pdf", content=locked(), packet=True)
    await app.work()


async def out_of_credits(app: InMemoryApp) -> None:
    app.cloud.broken = OutOfCredits("402: no credits left")
    await app.ingest()
    await app.work()


async def channel_gone(app: InMemoryApp) -> None:
    app.second.broken = Unroutable("410 Gone")
    await job_failed("The PDF is damaged")(app)


async def off_balance(app: InMemoryApp) -> None:
    async def off() -> Tally:
        return Tally(received=2, routed=1)

    app.store.tally = off  # type: ignore[method-assign]


async def held_mail(app: InMemoryApp) -> None:
    unopened = mail(multi("mixed", *(attached(PDF + b"%d" % number, f"{number}.pdf") for number in range(300))))
    await arrives(app, unopened)


async def held_part(app: InMemoryApp) -> None:
    await arrives(app, mail(multi("mixed", attached(PDF, "letter.pdf"), attached(b"PK\3\4" + bytes(100), "more.zip"))))
    await app.work()
    for document in await app.all_documents():
        if document.job_id:
            app.cloud.classified(document.job_id, "contract")
            await app.event(document.job_id)


async def arrives(app: InMemoryApp, content: bytes) -> None:
    path = app.folder / "in.eml"
    path.write_bytes(content)
    await ingest_file(IncomingFile(name="mail.eml", kind="folder", source=path), app.context)


async def secret_refused(app: InMemoryApp) -> None:
    app.refused = True
    error = Misconfigured("MAILROOM_SIGNING_SECRETS is empty", fix="write the secret into the file")
    await SECRETS.alert(error, app.context)


async def table_refused(app: InMemoryApp) -> None:
    app.refused = True
    await TABLE_REFUSED.alert(Misconfigured("mailroom.yaml:3: routes: type 'a' has no row"), app.context)


async def shadow_refused(app: InMemoryApp) -> None:
    app.refused = True
    await SHADOW.alert(Misconfigured("shadow.yaml:3: routes: type 'a' has no row"), app.context)


async def uncertain(app: InMemoryApp) -> None:
    for number in range(25):
        await app.routed("invoice", 0.95, name=f"{number}.pdf", content=b"before %d" % number)
    app.later(2 * 86400)
    for number in range(25):
        await app.routed("invoice", 0.5, name=f"{number}.pdf", content=b"now %d" % number)


TEXTS = {
    "locked": "The PDF is encrypted",
    "damaged": "The file is corrupted",
    "empty-file": "The file is empty",
    "source-gone": "Source file dfl-1 not found",
    "other-project": "File ID dfl-1 is not in Project ID prj-2",
    "rate-limit": "Rate limit exceeded. Please slow down.",
    "credits": "This project has reached its daily usage limit.",
    "timed-out": "Parsing timed out after 1800 seconds",
    "too-large": "File size (612 MB) exceeds the maximum",
    "file-type": "Unsupported file type: .pages",
    "unavailable": "Classify endpoints are currently unavailable.",
    "vendor-fault": "Internal server error",
    "": "The dog ate page 7",
}


def works_again(app: InMemoryApp) -> None:
    app.cloud.broken = app.words.broken = app.bytes.broken = app.second.broken = None
    app.refused = False
    for job_id in app.cloud.reports:
        if not app.cloud.reports[job_id].status.final:
            app.cloud.classified(job_id, "contract")


async def wrong_clock(app: InMemoryApp) -> None:
    await clock_skew.alert_of_skew(clock_skew.Skew(clock_skew.LLAMACLOUD, 240), "host:7", app.context)


async def silent_queue(app: InMemoryApp) -> None:
    await stalled_queue.alert_of_silence(3, app.context)


async def without_events(app: InMemoryApp) -> None:
    for number in range(LEAST):
        document = await app.submitted(name=f"{number}.pdf")
        app.cloud.classified(document.job_id, "contract")
    app.later(10)
    await sweep(app.context)


MENDED_ELSEWHERE = (
    "balance.off", "quality.changed", "secret.refused", "table.refused", "shadow.refused", "clock.skewed",
    "queue.silent", "webhooks.missing",
)  # fmt: skip

CASES = {
    **{
        f"job.failed {cause or 'other'}": Case(
            "job.failed", job_failed(text, locked() if cause == "locked" else b"%PDF-1.7 x")
        )
        for cause, text in TEXTS.items()
    },
    "task.parked submit": Case("task.parked", refused, works_again),
    "task.parked react": Case("task.parked", gives_up, works_again),
    "delivery.failed": Case("delivery.failed", cannot_deliver, works_again),
    "delivery.conflict": Case("delivery.conflict", conflicts, works_again),
    "document.overdue": Case("document.overdue", overdue, works_again),
    "source.expiring": Case("source.expiring", expires, works_again),
    "packet.held": Case("packet.held", does_not_add_up),
    "packet.held pieces": Case("packet.held", doubtful_pieces),
    "packet.held locked": Case("packet.held", locked_packet),
    "mail.held": Case("mail.held", held_mail),
    "mail.held part": Case("mail.held", held_part),
    "secret.refused": Case("secret.refused", secret_refused, works_again),
    "table.refused": Case("table.refused", table_refused, works_again),
    "shadow.refused": Case("shadow.refused", shadow_refused, works_again),
    "submission.paused": Case("submission.paused", out_of_credits, works_again),
    "channel.failing": Case("channel.failing", channel_gone, works_again),
    "balance.off": Case("balance.off", off_balance),
    "quality.changed": Case("quality.changed", uncertain),
    "clock.skewed": Case("clock.skewed", wrong_clock),
    "queue.silent": Case("queue.silent", silent_queue),
    "webhooks.missing": Case("webhooks.missing", without_events),
}  # fmt: skip


def broken(case: Case, folder: Path) -> tuple[InMemoryApp, Notice]:
    """An application where this went wrong, and the notice about it."""
    folder.mkdir(exist_ok=True)
    app = InMemoryApp(folder)
    asyncio.run(_happens(case, app))
    return app, next(notice for notice, _ in app.channel.told if notice.kind == case.kind)


async def _happens(case: Case, app: InMemoryApp) -> None:
    await case.breaks(app)
    for _ in range(2):
        await rest(app, after=1)


@pytest.mark.parametrize("name", CASES)
def test_each_command_of_an_alert_runs_and_those_that_mend_resolve_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    _, notice = broken(case, tmp_path / "first")
    assert notice.commands
    mended = [tries(case, place, tmp_path / str(place), monkeypatch) for place in range(len(notice.commands))]
    assert any(mended) or case.kind in MENDED_ELSEWHERE  # mended elsewhere


def tries(case: Case, place: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Runs one command of the alert where it has just come; whether it is one that mends, which it then did."""
    app, notice = broken(case, folder)
    command = notice.commands[place]
    case.mended_outside(app)
    password, sound = folder / "password", folder / "sound.pdf"
    password.write_text("open\n")
    sound.write_bytes(packet_bytes(a_page("sound")))
    with terminal(app, ROUTES, monkeypatch):
        for each in commands_for_all(command, app):
            file = password if "--password-file" in each else sound
            said = each.replace("PAGES PAGES", "1-2 3")  # each page must be in exactly one piece
            done = run(said, FILE=file, WHY="nobody needs it", ROUTE="contract")
            assert done.exit_code == (1 if said == "mailroom balance" else 0), f"{said}: {done.output} {done.exception}"
    if not command.removeprefix("mailroom ").startswith(MEND):
        return False
    asyncio.run(_comes_right(app))
    words = [item.status for item, _ in app.channel.told if item.key == notice.key]
    assert words[-1] is NoticeStatus.RESOLVED, f"{command}: {words}"
    return True


def commands_for_all(command: str, app: InMemoryApp) -> list[str]:
    """One that names a document, for each document that failed: the alert names one, `alerts show` the others."""
    documents = asyncio.run(app.all_documents())
    named = next((item.id for item in documents if item.id in command), "")
    if not named or command.startswith("mailroom documents"):
        return [command]
    parent = next(item.parent_id for item in documents if item.id == named)
    waits = (DocumentState.FAILED, DocumentState.REVIEW)
    alike = [item for item in documents if item.state in waits and item.parent_id == parent]
    return [command.replace(named, item.id) for item in alike] or [command]


async def _comes_right(app: InMemoryApp) -> None:
    """Time passes: what is submitted anew is classified, and the sweep looks."""
    for _ in range(6):
        await app.work(rounds=60)
        for document in await app.all_documents():
            report = app.cloud.reports.get(document.job_id)
            if document.state is DocumentState.OPEN and report is not None and report.kind == "classify":
                app.cloud.classified(document.job_id, "contract")
                await app.event(document.job_id)
            elif document.state is DocumentState.OPEN and report is not None and not report.status.final:
                pages = document.page_count or 1
                whole = Segment(category="contract", pages=tuple(range(1, pages + 1)), confidence="high")
                app.cloud.finish(document.job_id, segments=(whole,))
                await app.event(document.job_id, "split.success")
        await app.work(rounds=60)
        await rest(app, after=GONE_SECONDS + 1)


def test_every_kind_of_alert_has_a_case_and_advice() -> None:
    assert {case.kind for case in CASES.values()} == set(KINDS)
    assert set(BY_KIND) | {"channel.failing"} == set(KINDS)


def test_every_known_text_has_its_advice() -> None:
    assert set(JOB_FAILED) == {known.cause for known in KNOWN} == set(TEXTS) - {""}


def test_what_is_offered_is_about_a_document_that_still_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = InMemoryApp(tmp_path)
    asyncio.run(job_failed("The PDF is damaged and can't be opened.")(app))
    first, last = sorted(asyncio.run(app.all_documents()), key=lambda item: item.name)
    (incident,) = asyncio.run(app.incidents())
    with terminal(app, ROUTES, monkeypatch):
        assert f"mailroom replace {last.id} FILE" in run(f"mailroom alerts show {incident.id}").output
        assert run(f"mailroom dismiss {last.id} --note 'not needed'").exit_code == 0
        asyncio.run(rest(app))
        shown = run(f"mailroom alerts show {incident.id}").output
    assert f"mailroom replace {first.id} FILE" in shown
    assert last.id not in shown
