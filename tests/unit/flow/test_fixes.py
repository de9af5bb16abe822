"""Every command that an alert carries is copied out of it and run; what it mends is then told as resolved."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from receiver.core.advice import BY_KIND, JOB_FAILED
from receiver.core.alert import KINDS
from receiver.core.change import Tally, Update
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
from receiver.core.notice import Notice, Word
from receiver.core.pages import Segment
from receiver.flow import recover, skew
from receiver.flow.arrive import arrive
from receiver.flow.assess import GONE_SECONDS
from receiver.flow.intake import Arrival
from receiver.flow.sweep import sweep
from receiver.flow.watch import EXPIRING, GRACE
from receiver.refused import SECRETS, SHADOW
from receiver.refused import TABLE as TABLE_REFUSED
from tests.commands import run, terminal
from tests.desk import TABLE, PlayedChannel
from tests.desk import Desk as OneDesk
from tests.papers import a_page, locked, packet_bytes
from tests.unit.mail.reading import PDF, attached, mail, multi

SECOND = "https://second.example.com"
ROUTES = TABLE.replace("alerting:", 'packet: {to: ["bytes://packets/"]}\nalerting:')
MEND = ("resubmit", "replay", "unlock", "replace", "dismiss", "sweep", "recut", "review doc", "resume", "alerts test")
"""Commands that mend; the others only look."""


class Desk(OneDesk):
    """With a second channel, and a process whose secrets may be refused."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ROUTES + f'  - {{on: ["*"], to: "{SECOND}"}}\n')
        self.second = PlayedChannel()
        self.refused = False
        self.tools = replace(self.tools, channels={"log": self.channel, SECOND: self.second})


@dataclass(frozen=True)
class Case:
    """Something that goes wrong, and what must be done outside of Mailroom before a command can mend it."""

    kind: str
    breaks: Callable[[Desk], Any]
    mended_outside: Callable[[Desk], None] = lambda _: None


async def rest(desk: Desk, *, after: float = 0.0) -> None:
    desk.later(after)
    if not desk.refused:
        await SECRETS.clear(desk.tools)
        await TABLE_REFUSED.clear(desk.tools)
    await sweep(desk.tools)
    await desk.work(rounds=60)


def job_failed(error: str, content: bytes = b"%PDF-1.7 a letter") -> Callable[[Desk], Any]:
    async def breaks(desk: Desk) -> None:
        for name in ("one.pdf", "two.pdf"):
            document = await desk.submitted(name=name, content=content)
            for _ in range(2):  # the second one after what Mailroom tried by itself
                document = await desk.document(document.id)
                if document.state is DocumentState.OPEN:
                    desk.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
                    await desk.event(document.job_id, "classify.error")
                    await desk.work()

    return breaks


async def refused(desk: Desk) -> None:
    desk.cloud.broken = DocumentRefused("LlamaCloud refuses the file: 400 Unsupported")
    await desk.take_in(name="odd.pdf")
    await desk.work()


async def gives_up(desk: Desk) -> None:
    """A result that cannot be fetched for days."""
    document = await desk.submitted()
    desk.cloud.broken = RuntimeError("nobody foresaw this")
    await desk.event(document.job_id)
    for _ in range(20):
        await desk.work()
        desk.later(30_000)


async def cannot_deliver(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    await desk.routed("invoice")
    for _ in range(20):
        desk.later(30_000)
        await desk.work()


async def conflicts(desk: Desk) -> None:
    desk.bytes.broken = DeliveryConflict("another object lies there")
    await desk.routed("contract")


async def overdue(desk: Desk) -> None:
    document = await desk.submitted()
    desk.later(desk.tools.config.deadline_seconds + GRACE + 1)
    await desk.store.apply(*[Update(replace(job, deadline=desk.now + 1e6)) for job in await desk.jobs(document)])


async def expires(desk: Desk) -> None:
    await overdue(desk)
    (document,) = await desk.all_documents()
    await desk.store.apply(Update(replace(document, file_expires_at=desk.now + EXPIRING - 1)))


async def does_not_add_up(desk: Desk) -> None:
    content = packet_bytes(a_page("a"), a_page("b"), a_page("c"))
    packet = await desk.submitted(name="mail.pdf", content=content, packet=True)
    desk.cloud.finish(packet.job_id, segments=(Segment(category="invoice", pages=(1, 2), confidence="high"),))
    await desk.event(packet.job_id, "split.success")
    await desk.work()


async def locked_packet(desk: Desk) -> None:
    await desk.take_in(name="mail.pdf", content=locked(), packet=True)
    await desk.work()


async def out_of_credits(desk: Desk) -> None:
    desk.cloud.broken = OutOfCredits("402: no credits left")
    await desk.take_in()
    await desk.work()


async def channel_gone(desk: Desk) -> None:
    desk.second.broken = Unroutable("410 Gone")
    await job_failed("The PDF is damaged")(desk)


async def off_balance(desk: Desk) -> None:
    async def off() -> Tally:
        return Tally(taken_in=2, routed=1)

    desk.store.tally = off  # type: ignore[method-assign]


async def held_mail(desk: Desk) -> None:
    unopened = mail(multi("mixed", *(attached(PDF + b"%d" % number, f"{number}.pdf") for number in range(300))))
    await arrives(desk, unopened)


async def held_part(desk: Desk) -> None:
    await arrives(desk, mail(multi("mixed", attached(PDF, "letter.pdf"), attached(b"PK\3\4" + bytes(100), "more.zip"))))
    await desk.work()
    for document in await desk.all_documents():
        if document.job_id:
            desk.cloud.classified(document.job_id, "contract")
            await desk.event(document.job_id)


async def arrives(desk: Desk, content: bytes) -> None:
    path = desk.folder / "in.eml"
    path.write_bytes(content)
    await arrive(Arrival(name="mail.eml", kind="folder", source=path), desk.tools)


async def secret_refused(desk: Desk) -> None:
    desk.refused = True
    error = Misconfigured("MAILROOM_SIGNING_SECRETS is empty", fix="write the secret into the file")
    await SECRETS.tell(error, desk.tools)


async def table_refused(desk: Desk) -> None:
    desk.refused = True
    await TABLE_REFUSED.tell(Misconfigured("mailroom.yaml:3: routes: type 'a' has no row"), desk.tools)


async def shadow_refused(desk: Desk) -> None:
    desk.refused = True
    await SHADOW.tell(Misconfigured("shadow.yaml:3: routes: type 'a' has no row"), desk.tools)


async def uncertain(desk: Desk) -> None:
    for number in range(25):
        await desk.routed("invoice", 0.95, name=f"{number}.pdf", content=b"before %d" % number)
    desk.later(2 * 86400)
    for number in range(25):
        await desk.routed("invoice", 0.5, name=f"{number}.pdf", content=b"now %d" % number)


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


def works_again(desk: Desk) -> None:
    desk.cloud.broken = desk.words.broken = desk.bytes.broken = desk.second.broken = None
    desk.refused = False
    for job_id in desk.cloud.reports:
        if not desk.cloud.reports[job_id].status.final:
            desk.cloud.classified(job_id, "contract")


async def wrong_clock(desk: Desk) -> None:
    await skew.tell(skew.Skew(skew.LLAMACLOUD, 240), "host:7", desk.tools)


async def silent_queue(desk: Desk) -> None:
    await recover.tell_of_silence(3, desk.tools)


MENDED_ELSEWHERE = (
    "balance.off", "quality.changed", "secret.refused", "table.refused", "shadow.refused", "clock.skewed",
    "queue.silent",
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
}  # fmt: skip


def broken(case: Case, folder: Path) -> tuple[Desk, Notice]:
    """A desk where this went wrong, and the notice of it."""
    folder.mkdir(exist_ok=True)
    desk = Desk(folder)
    asyncio.run(_happens(case, desk))
    return desk, next(notice for notice, _ in desk.channel.told if notice.kind == case.kind)


async def _happens(case: Case, desk: Desk) -> None:
    await case.breaks(desk)
    for _ in range(2):
        await rest(desk, after=1)


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
    desk, notice = broken(case, folder)
    command = notice.commands[place]
    case.mended_outside(desk)
    password, sound = folder / "password", folder / "sound.pdf"
    password.write_text("open\n")
    sound.write_bytes(packet_bytes(a_page("sound")))
    with terminal(desk, ROUTES, monkeypatch):
        for each in commands_for_all(command, desk):
            file = password if "--password-file" in each else sound
            said = each.replace("PAGES PAGES", "1-2 3")  # each page must be in exactly one piece
            done = run(said, FILE=file, WHY="nobody needs it", ROUTE="contract")
            assert done.exit_code == (1 if said == "mailroom balance" else 0), f"{said}: {done.output} {done.exception}"
    if not command.removeprefix("mailroom ").startswith(MEND):
        return False
    asyncio.run(_comes_right(desk))
    words = [one.word for one, _ in desk.channel.told if one.key == notice.key]
    assert words[-1] is Word.RESOLVED, f"{command}: {words}"
    return True


def commands_for_all(command: str, desk: Desk) -> list[str]:
    """One that names a document, for each document that failed: the alert names one, `alerts show` the others."""
    documents = asyncio.run(desk.all_documents())
    named = next((one.id for one in documents if one.id in command), "")
    if not named or command.startswith("mailroom documents"):
        return [command]
    parent = next(one.parent_id for one in documents if one.id == named)
    waits = (DocumentState.FAILED, DocumentState.REVIEW)
    alike = [one for one in documents if one.state in waits and one.parent_id == parent]
    return [command.replace(named, one.id) for one in alike] or [command]


async def _comes_right(desk: Desk) -> None:
    """Time passes: what is submitted anew is classified, and the sweep looks."""
    for _ in range(6):
        await desk.work(rounds=60)
        for document in await desk.all_documents():
            report = desk.cloud.reports.get(document.job_id)
            if document.state is DocumentState.OPEN and report is not None and report.kind == "classify":
                desk.cloud.classified(document.job_id, "contract")
                await desk.event(document.job_id)
            elif document.state is DocumentState.OPEN and report is not None and not report.status.final:
                pages = document.page_count or 1
                whole = Segment(category="contract", pages=tuple(range(1, pages + 1)), confidence="high")
                desk.cloud.finish(document.job_id, segments=(whole,))
                await desk.event(document.job_id, "split.success")
        await desk.work(rounds=60)
        await rest(desk, after=GONE_SECONDS + 1)


def test_every_kind_of_alert_has_a_case_and_advice() -> None:
    assert {case.kind for case in CASES.values()} == set(KINDS)
    assert set(BY_KIND) | {"channel.failing"} == set(KINDS)


def test_every_known_text_has_its_advice() -> None:
    assert set(JOB_FAILED) == {known.cause for known in KNOWN} == set(TEXTS) - {""}
