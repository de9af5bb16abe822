"""Whose word counts: what an outsider sends moves nothing but the one document whose token it holds.

The outsider sees and sends what anybody can (events); the job that is named, and what it found, is read from records.
"""

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.budget import Budget
from receiver.core.change import Insert, R
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import AccessDenied, CloudRefused, FileGone, NotAuthentic
from receiver.core.event import Event
from receiver.core.job import Job, JobKind, JobReport, JobRequest, JobStatus, SweepVerdict
from receiver.core.job_update import recheck_of
from receiver.core.submission import external_file_id
from receiver.core.task import Task, TaskState
from receiver.operations.sweep import sweep
from receiver.pipeline.job_result import EARLY_DELAYS
from receiver.pipeline.pause import RESULTS, SUBMISSION, pause, read_pause
from receiver.pipeline.process import process
from receiver.pipeline.receive import Accepted
from receiver.pipeline.submit import submit
from receiver.ports import CloudFile
from tests.in_memory_app import InMemoryApp
from tests.outsider import Outsider, elsewhere

pytestmark = pytest.mark.anyio
DEADLINE = 601
INTERNAL = [
    f"{kind}.{word}"
    for kind in ("classify", "split", "recheck", "job")
    for word in (*SweepVerdict, "check", "swept:0", "stuck:swept:0")
]


async def resubmitting(app: InMemoryApp) -> Document:
    """A document without a job: its first one failed in passing, and submission is paused."""
    document = await app.submitted()
    await app.store.apply(await pause(SUBMISSION, app.now + 3600, app.context))
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="Internal error, please try again")
    await app.event(document.job_id, "classify.error")
    await app.work()
    document = await app.document(document.id)
    assert (document.step, document.job_id) == (Step.RECEIVED, "")
    return document


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("places", [("job_id",), ("id",), ("job_id", "id")])
async def test_a_foreign_job_never_speaks_for_a_document_of_ours(
    app: InMemoryApp, adopt: bool, places: tuple[str, ...]
) -> None:
    app.context = dataclasses.replace(app.context, adopt=adopt)
    document = await resubmitting(app)
    elsewhere(app, "cls-foreign")
    app.cloud.classified("cls-foreign", "contract", 0.93)
    await Outsider(app, document.id).say("classify.success", **dict.fromkeys(places, "cls-foreign"))
    await app.work()
    assert await app.document(document.id) == document
    assert [item.id for item in await app.all(Document)] == [document.id]


@pytest.mark.parametrize(
    "said",
    [
        "{earlier}",
        "mailroom-{installation}-classify-{id}-1-{order}",
        "mailroom-{installation}-split-{id}-1-{order}",
        "mailroom-0123456789abcdef-classify-{id}-1-{order}",
        "mailroom-classify-{id}-1",
        "{id}",
    ],
)
async def test_a_foreign_job_that_names_a_document_in_its_transaction_id_is_checked_against_the_record(
    app: InMemoryApp, said: str
) -> None:
    document = await resubmitting(app)
    named = {"id": document.id, "installation": document.installation, "earlier": document.transactions[0]}
    elsewhere(app, "cls-foreign", transaction_id=said.format(order="a" * 16, **named))
    app.cloud.classified("cls-foreign", "contract", 0.93)
    for outsider in (Outsider(app, document.id), Outsider(app)):
        await outsider.say("classify.success", job_id="cls-foreign")
    await app.work()
    assert await app.document(document.id) == document


async def test_a_job_that_llamacloud_says_is_ours_finds_its_document_before_we_have_noted_it(app: InMemoryApp) -> None:
    taken = await app.ingest()
    (task,) = await app.store.claim(owner="slow", now=app.now, lease_seconds=60)
    await submit(task, app.context)  # the job exists, but nothing is written yet
    app.cloud.classified("job-1", "contract")
    await Outsider(app, taken.document.id).say("classify.success", job_id="job-1")
    await app.work()
    assert (await app.document(taken.document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize("place", ["job_id", "other_id"])
async def test_a_job_that_is_recorded_while_its_event_is_looked_at_is_found(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    document, (get, recorded) = (await app.ingest()).document, (app.store.get, list[str]())

    async def too_early(kind: type[R], record_id: str) -> R | None:
        """No job yet; its submission writes it a moment later, together with the document."""
        found = await get(kind, record_id)
        if kind is Job and found is None and not recorded:
            recorded.append(record_id)
            await app.do(f"submit:{document.id}:0")
            app.cloud.classified(record_id, "invoice")
        return found

    names = {"job_id": "job-1"} if place == "job_id" else {"job_id": "", "other_id": "job-1"}
    await app.event(names.pop("job_id"), document_id=document.id, **names)
    (task,) = await app.tasks("react")
    monkeypatch.setattr(app.store, "get", too_early)
    await app.do(task.id)
    await app.work()
    assert recorded == ["job-1"]
    assert (await app.document(document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize("event_type", INTERNAL)
async def test_the_sweeps_own_words_are_only_words_when_they_come_from_outside(
    app: InMemoryApp, event_type: str
) -> None:
    document = await app.submitted()
    (job,) = await app.jobs(document)
    app.later(5)
    for outsider in (Outsider(app, document.id), Outsider(app)):
        assert isinstance(await outsider.say(event_type, job_id=document.job_id), Accepted)
    await app.work()
    assert (app.cloud.cancelled, app.cloud.asked, len(app.cloud.orders)) == ([], [], 1)
    assert (await app.document(document.id), await app.jobs(document)) == (document, [job])
    assert {task.state for task in await app.tasks("react")} == {TaskState.DONE}


async def test_a_job_is_only_stuck_when_its_record_says_so(app: InMemoryApp) -> None:
    document = await app.submitted()
    (job,) = await app.jobs(document)
    task = recheck_of(job, SweepVerdict.STUCK, now=app.now)
    await app.store.apply(Insert(task))
    await app.work()
    assert app.cloud.cancelled == []
    assert (await app.document(document.id)).job_id == job.id


async def test_a_stuck_job_that_was_created_elsewhere_is_not_ours_to_cancel(app: InMemoryApp) -> None:
    elsewhere(app, "cls-foreign")
    await Outsider(app).say("classify.success", job_id="cls-foreign")
    for _ in range(30):
        await app.work()
        app.later(500)
        await sweep(app.context)
    (document,) = await app.all(Document)
    assert (document.state, app.cloud.cancelled) == (DocumentState.REVIEW, [])
    assert "stuck" in document.error


async def test_an_event_without_a_job_stands_in_nobodys_way(app: InMemoryApp) -> None:
    ours, others = await app.submitted(name="a.pdf"), await app.submitted(name="b.pdf", content=b"%PDF-1.7 b")
    outsider = Outsider(app, ours.id)
    await outsider.say("classify.success", event_id=others.job_id)
    for number in range(10):
        await outsider.say(f"swept:{number}", job_id=f"{others.job_id}:classify.success")
        await outsider.say(f"stuck:{number}", job_id=f"recheck:{others.job_id}")
    await app.work()
    app.cloud.classified(others.job_id, "contract")
    told = await Outsider(app, others.id).say("classify.success", job_id=others.job_id)
    await app.work()
    assert isinstance(told, Accepted)
    assert told.fresh
    assert (await app.document(others.id)).state is DocumentState.ROUTED


async def test_what_the_sweep_finds_cannot_be_taken_for_done_by_an_event(app: InMemoryApp) -> None:
    ours, others = await app.submitted(name="a.pdf"), await app.submitted(name="b.pdf", content=b"%PDF-1.7 b")
    outsider = Outsider(app, ours.id)
    for job_id in (f"{others.job_id}:finished", f"{others.job_id}:finished:0", "recheck"):
        for event_type in ("finished", "0", f"{others.job_id}:finished:0"):
            await outsider.say(event_type, job_id=job_id)
    await app.work()
    app.cloud.classified(others.job_id, "contract")
    app.later(DEADLINE)
    await sweep(app.context)
    await app.work()
    assert (await app.document(others.id)).state is DocumentState.ROUTED


async def test_a_job_that_is_on_record_for_another_document_meanwhile_is_not_even_asked_for(app: InMemoryApp) -> None:
    ours, others = await app.ingest(name="a.pdf"), await app.ingest(name="b.pdf", content=b"%PDF-1.7 b")
    told = await Outsider(app, ours.document.id).say("classify.success", job_id="job-1")  # nobody knows it yet
    assert isinstance(told, Accepted)
    await app.do(f"submit:{others.document.id}:0")
    victim = await app.document(others.document.id)
    app.cloud.classified(victim.job_id, "contract")
    (event_handler,) = await app.tasks("react")
    done = await app.do(event_handler.id)
    assert (done.note, app.cloud.asked) == ("it names no job of its document", [])
    assert await app.document(victim.id) == victim


async def test_an_event_that_is_given_up_holds_no_document_but_that_of_its_token(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = await app.ingest(name="a.pdf"), await app.ingest(name="b.pdf", content=b"%PDF-1.7 b")

    async def recorded_meanwhile(*_: Any, **__: Any) -> JobReport:
        await app.do(f"submit:{others.document.id}:0")
        raise AccessDenied("the key was refused")

    await Outsider(app, ours.document.id).say("classify.success", job_id="job-1")
    monkeypatch.setattr(app.cloud, "job", recorded_meanwhile)
    (event_handler,) = await app.tasks("react")
    done = await app.do(event_handler.id)
    victim = await app.document(others.document.id)
    assert (done.outcome, victim.state, victim.job_id) == ("parked", DocumentState.OPEN, "job-1")


async def test_without_tokens_an_event_of_no_job_does_not_stand_in_the_way_of_one_with_it(app: InMemoryApp) -> None:
    document = await app.submitted()
    await Outsider(app).say("classify.success", event_id=document.job_id)
    await app.work()
    app.cloud.classified(document.job_id, "contract")
    await Outsider(app).say("classify.success", job_id=document.job_id)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


# --- jobs that were created elsewhere


async def test_an_adopted_job_whose_result_shows_late_is_on_the_books_and_found_by_the_sweep(app: InMemoryApp) -> None:
    elsewhere(app, "cls-late")
    await Outsider(app).say("classify.success", job_id="cls-late")
    for _ in range(6):
        await app.work()
        app.later(4)
    (document,) = await app.all(Document)
    (job,) = await app.jobs(document)
    assert (document.origin.kind, document.state, document.step) == ("adopted", DocumentState.OPEN, Step.SUBMITTED)
    assert job.overdue_at is not None
    assert (await app.store.tally()).open == 1
    app.cloud.classified("cls-late", "contract")
    app.later(DEADLINE)
    assert (await sweep(app.context)).finished == 1
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_a_job_that_llamacloud_shows_late_is_adopted_when_it_shows(app: InMemoryApp) -> None:
    await Outsider(app).say("classify.success", job_id="cls-young")
    await app.work()
    app.later(10)
    elsewhere(app, "cls-young")
    app.cloud.classified("cls-young", "contract")
    await app.work()
    (document,) = await app.all(Document)
    assert (document.origin.locator, document.state) == ("cls-young", DocumentState.ROUTED)


async def test_a_job_that_llamacloud_never_shows_ends_with_a_note_and_is_not_parked(app: InMemoryApp) -> None:
    await Outsider(app).say("classify.success", job_id="cls-nobody", id="cls-nobody-either")
    for _ in range(40):
        await app.work()
        app.later(1)
    (task,) = await app.all(Task)
    assert (task.state, task.note) == (TaskState.DONE, "LlamaCloud does not know this job")
    assert task.expires_at is not None
    assert len(app.cloud.asked) <= 2 * 8
    assert await app.all(Document) == []


@pytest.mark.parametrize("proven", [True, False])
async def test_many_events_about_one_job_ask_about_it_as_often_as_one(app: InMemoryApp, proven: bool) -> None:
    """However the other id that an event may name is chosen."""
    document = await app.submitted()
    outsider = Outsider(app, document.id if proven else "")
    for number in range(30):
        await outsider.say("classify.success", job_id=f"cls-none-{number}", id=document.job_id)
        await outsider.say("classify.success", job_id=document.job_id, id=f"cls-none-{number}")
    for _ in range(20):
        await app.work()
        app.later(1)
    assert app.cloud.asked.count(document.job_id) <= 1 + len(EARLY_DELAYS)


async def test_a_job_that_only_the_second_id_names_is_reacted_to(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await Outsider(app, document.id).say("classify.success", job_id="cls-none", id=document.job_id)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


THEIRS = {"rules": [{"type": "contract", "description": "anything at all"}]}


def ordered_by_another(order: JobRequest, how: str) -> JobRequest:
    """What somebody who shares the project orders under the id of ours: of their file, by their rules, or both."""
    changed: dict[str, Any] = {}
    if "file" in how:
        changed["file_id"] = "dfl-theirs"
    if "rules" in how:
        changed["configuration"] = THEIRS
    return dataclasses.replace(order, **changed)


@pytest.mark.parametrize("how", ["another file", "other rules", "another file and rules"])
@pytest.mark.parametrize("event_first", [False, True])
async def test_a_job_that_somebody_made_under_our_transaction_id_routes_nothing(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, how: str, event_first: bool
) -> None:
    create = app.cloud.create

    async def taken_before(order: JobRequest) -> JobReport:
        theirs = await create(ordered_by_another(order, how))
        if event_first:
            app.cloud.classified(theirs.id, "contract", 0.99)
            identity = order.transaction_id.split("-")[3]
            await Outsider(app, identity).say("classify.success", job_id=theirs.id)
            await app.work()
        return app.cloud.reports[theirs.id]

    monkeypatch.setattr(app.cloud, "create", taken_before)
    taken = await app.ingest()
    await app.work()
    for job_id in list(app.cloud.reports):
        app.cloud.classified(job_id, "contract", 0.99)
        await app.event(job_id, "classify.success")
    await app.work()
    document = await app.document(taken.document.id)
    assert (document.state, document.job_id, document.plan) == (DocumentState.REVIEW, "", None)
    assert "used the same id" in document.error
    assert await app.jobs(document) == []


async def test_a_file_that_somebody_gave_our_name_is_not_taken_for_the_document(app: InMemoryApp) -> None:
    taken = await app.ingest()
    name = external_file_id(taken.document)
    app.cloud.files["dfl-theirs"] = CloudFile(id="dfl-theirs", name="theirs.pdf", external_id=name)
    app.cloud.sums["dfl-theirs"] = "0" * 64
    await app.work()
    document = await app.document(taken.document.id)
    assert (document.step, len(app.cloud.uploads)) == (Step.SUBMITTED, 1)
    assert document.file_id == app.cloud.orders[0].file_id != "dfl-theirs"


async def test_an_event_with_a_token_adopts_nothing(app: InMemoryApp) -> None:
    elsewhere(app, "cls-foreign")
    app.cloud.classified("cls-foreign", "contract")
    await Outsider(app, "doc_of_another_installation").say("classify.success", job_id="cls-foreign")
    await app.work()
    assert (await app.all(Document), app.cloud.asked) == ([], [])


async def test_a_job_that_was_adopted_before_is_not_given_to_a_second_document(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_before = elsewhere(app, "cls-made-before")
    app.cloud.classified("cls-made-before", "contract")
    await Outsider(app).say("classify.success", job_id="cls-made-before")
    await app.work()
    (adopted,) = await app.all(Document)

    async def the_first_job_again(order: JobRequest) -> JobReport:
        return dataclasses.replace(made_before, file_id=order.file_id)

    monkeypatch.setattr(app.cloud, "create", the_first_job_again)
    document = await app.submitted()
    assert document.state is DocumentState.REVIEW
    assert f"cls-made-before, which belongs to document {adopted.id}" in document.error
    assert await app.document(adopted.id) == adopted


async def test_a_job_whose_file_is_gone_is_adopted_all_the_same(app: InMemoryApp) -> None:
    async def gone(file_id: str) -> Any:
        raise FileGone(file_id)

    app.cloud.file = gone  # type: ignore[method-assign]
    elsewhere(app, "cls-foreign")
    app.cloud.classified("cls-foreign", "contract")
    await Outsider(app).say("classify.success", job_id="cls-foreign")
    await app.work()
    (document,) = await app.all(Document)
    assert (document.name, document.type) == ("cls-foreign", "contract")


# --- a flood


async def test_a_flood_of_events_for_jobs_that_nobody_knows_asks_llamacloud_at_a_small_rate(app: InMemoryApp) -> None:
    app.context = dataclasses.replace(app.context, lookups=Budget(per_second=2, burst=5))
    outsider = Outsider(app)
    for number in range(300):
        await outsider.say("classify.success", job_id=f"cls-{number}")
    begun, asked = app.now, []
    while any(task.state is not TaskState.DONE for task in await app.all(Task)):
        await app.work(rounds=100)
        asked.append(len(app.cloud.asked))
        assert asked[-1] <= 5 + 2 * (app.now - begun)
        app.later(1)
        assert app.now < begun + 1000
    assert {task.note for task in await app.all(Task)} == {"LlamaCloud does not know this job"}


async def test_a_flood_does_not_delay_a_document_of_ours_that_is_being_submitted(app: InMemoryApp) -> None:
    app.context = dataclasses.replace(app.context, lookups=Budget(per_second=1, burst=1))
    for number in range(100):
        await Outsider(app).say("classify.success", job_id=f"cls-{number}")
    await app.work()
    taken = await app.ingest()
    (task,) = await app.store.claim(owner="slow", now=app.now, lease_seconds=1, ids=[f"submit:{taken.document.id}:0"])
    await submit(task, app.context)
    app.cloud.classified("job-1", "contract")
    await Outsider(app, taken.document.id).say("classify.success", job_id="job-1")
    await app.work()
    await app.work()
    await app.workers_die()  # it is submitted again: the same job, and now it is on record
    for _ in range(3):
        await app.work()
        app.later(1)
    assert (await app.document(taken.document.id)).state is DocumentState.ROUTED


async def test_a_task_about_no_document_that_gave_up_is_forgotten_in_the_end(app: InMemoryApp) -> None:
    app.cloud.broken = AccessDenied("the key was refused")
    await Outsider(app).say("classify.success", job_id="cls-1")
    await app.work()
    (task,) = await app.tasks("react")
    assert (task.state, task.expires_at) == (TaskState.PARKED, app.now + app.context.config.retention.tasks_seconds)


async def test_the_alert_of_a_task_about_no_document_names_the_task_and_not_an_id_from_outside(
    app: InMemoryApp,
) -> None:
    app.cloud.broken = RuntimeError("a mistake of ours")
    await Outsider(app).say("classify.success", job_id="cls-1")
    for _ in range(15):
        await app.work()
        app.later(30_000)
    assert {alert.fix for alert, _ in app.channel.told} == {"mailroom replay react:cls-1:classify.success"}


async def test_a_parked_task_of_a_document_waits_for_as_long_as_it_takes(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.broken = AccessDenied("the key was refused")
    await Outsider(app, document.id).say("classify.success", job_id=document.job_id)
    await app.work()
    (task,) = await app.tasks("react")
    assert (task.state, task.expires_at) == (TaskState.PARKED, None)


def refused_for(app: InMemoryApp, error: Exception, job_ids: Callable[[str], bool]) -> None:
    """LlamaCloud, or a firewall before it, answers so when it is asked about one of these jobs."""
    job = app.cloud.job

    async def asked(kind: JobKind, job_id: str, *, beta: bool = False) -> JobReport:
        if job_ids(job_id):
            raise error
        return await job(kind, job_id, beta=beta)

    app.cloud.job = asked  # type: ignore[method-assign]


@pytest.mark.parametrize("proven", [False, True])
async def test_an_answer_to_an_id_from_outside_holds_up_no_result_of_ours(app: InMemoryApp, proven: bool) -> None:
    document = await app.submitted()
    waiting = await app.ingest(name="b.pdf", content=b"%PDF-1.7 b")
    outsider = Outsider(app, waiting.document.id if proven else "")
    refused_for(app, CloudRefused("a firewall refuses this"), lambda job_id: job_id.startswith("a-union-select"))
    for number in range(5):
        await outsider.say("classify.success", job_id=f"a-union-select-{number}")
    await app.work()
    assert (await read_pause(RESULTS, app.context)).until == 0
    app.cloud.classified(document.job_id, "contract")
    await Outsider(app, document.id).say("classify.success", job_id=document.job_id)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize("flood", [0, 200])
async def test_a_flood_does_not_take_the_looks_of_those_who_wait_for_llamacloud(app: InMemoryApp, flood: int) -> None:
    settled = await app.routed("invoice", name="settled.pdf")
    document = await app.submitted(name="waits.pdf", content=b"%PDF-1.7 waits")
    app.cloud.classified(document.job_id, "contract")
    app.cloud.broken = CloudRefused("a firewall refuses us")
    await Outsider(app, document.id).say("classify.success", job_id=document.job_id)
    await app.work()
    assert (await read_pause(RESULTS, app.context)).until == app.now + 15
    app.later(14)  # the flood is due before the document is
    for number in range(flood):
        await Outsider(app).say(f"no.such.type-{number}")
        await Outsider(app).say("classify.success", job_id=f"a-union-select-{number}")
        await Outsider(app, settled.id).say(f"no.such.type-{number}", job_id=f"a-{number}")
        await Outsider(app, settled.id).say("classify.success", job_id=f"a-{number}")
    app.cloud.broken = None
    refused_for(app, CloudRefused("a firewall refuses this"), lambda job_id: job_id.startswith("a-union-select"))
    for _ in range(12):
        app.later(10)
        await app.work(rounds=100)
    assert (await app.document(document.id)).state is DocumentState.ROUTED


# --- the kind: any event with the token of one document

OWN, OTHER = "contract", "invoice"
STATES = ("submitted", "being submitted", "ended", "routed", "resubmitting")
WORDS = ("classify.success", "classify.error", "classify.cancelled", "split.success", *INTERNAL)


@dataclasses.dataclass
class Scene:
    """Documents of ours in any state, the first of which the outsider has the token of."""

    app: InMemoryApp
    documents: list[str] = dataclasses.field(default_factory=list)
    jobs: list[str] = dataclasses.field(default_factory=list)
    """LlamaCloud's id of each document's present job, on record or not."""

    async def add(self, state: str) -> None:
        number = len(self.documents)
        taken = await self.app.ingest(name=f"{number}.pdf", content=b"%%PDF-1.7 %d" % number)
        self.documents.append(taken.document.id)
        task = await self._claimed("submit", 0)
        if state == "being submitted":
            await submit(task, self.app.context)  # and then its process died
        else:
            await process(task, self.app.context)
        self.jobs.append(f"job-{len(self.app.cloud.by_transaction)}")
        if state == "resubmitting":
            self.app.cloud.finish(self.jobs[-1], JobStatus.FAILED, error="Internal error, please try again")
            await self.app.event(self.jobs[-1], "classify.error")
            await self.app.do(f"react:{self.jobs[-1]}:classify.error")
            await submit(await self._claimed("submit", 1), self.app.context)
            self.jobs[-1] = f"job-{len(self.app.cloud.by_transaction)}"
        if state in ("ended", "routed"):
            self.app.cloud.classified(self.jobs[-1], OTHER if number else OWN)
        if state == "routed":
            await self.app.event(self.jobs[-1])
            await self.app.work()

    async def _claimed(self, kind: str, number: int) -> Task:
        """The task of the newest document, in the hands of a process that may die over it."""
        ids = [f"{kind}:{self.documents[-1]}:{number}"]
        (task,) = await self.app.store.claim(owner="w", now=self.app.now, lease_seconds=60, ids=ids)
        return task

    async def of_others(self) -> dict[str, Any]:
        """Every record that is not the first document's."""
        mine = self.documents[0]
        documents = [item for item in await self.app.all(Document) if item.id != mine]
        jobs = [job for item in documents for job in await self.app.jobs(item)]
        subjects = {*(item.id for item in documents), *(job.id for job in jobs)}
        tasks = [task for task in await self.app.all(Task) if task.subject in subjects]
        events = [event for event in await self.app.all(Event) if event.document_id != mine]
        records: list[Any] = [*documents, *jobs, *tasks, *events]
        return {f"{type(item).__name__} {item.id}": item for item in records}

    async def work_for_the_first(self) -> None:
        """Does what is due of the first document alone, for two minutes."""
        for seconds in (0, 0.5, 1, 2, 4, 8, 16, 30, 60):
            self.app.later(seconds)
            ids = [task.id for task in await self.app.all(Task) if task.subject == self.documents[0]]
            for task in await self.app.store.claim(owner="a", now=self.app.now, lease_seconds=60, limit=500, ids=ids):
                await process(task, self.app.context)


ids = st.one_of(
    st.integers(0, 3).map("job-{}".format),
    st.builds(
        "{}{}{}".format, st.sampled_from(["job-1", "job-2", "job-3"]), st.sampled_from(":/?#%>\0"), st.text(max_size=9)
    ),
    st.sampled_from(
        ["cls-foreign", "cls-nope", "", ".", "../files", "react:job-2:classify.success", "evt-job-2", "evt-job-3"]
    ),
    st.text(max_size=12),
)
shapes = st.fixed_dictionaries(
    {"event_type": st.one_of(st.sampled_from(WORDS), st.text(min_size=1, max_size=12)), "event_id": ids},
    optional={"job_id": st.one_of(st.none(), ids), "id": st.one_of(st.none(), ids)},
)


@settings(max_examples=60)
@given(
    states=st.lists(st.sampled_from(STATES), min_size=2, max_size=3), shapes=st.lists(shapes, min_size=1, max_size=6)
)
async def test_an_event_with_one_documents_token_changes_nothing_of_any_other(
    states: Sequence[str], shapes: Sequence[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(InMemoryApp(Path(folder)))
        app = scene.app
        for state in states:
            await scene.add(state)
        elsewhere(app, "cls-foreign")
        app.cloud.classified("cls-foreign", OWN)
        recorded = {job.id for document in scene.documents[1:] for job in await app.jobs(await app.document(document))}
        before, orders = await scene.of_others(), len(app.cloud.orders)
        app.cloud.asked.clear()

        outsider = Outsider(app, scene.documents[0])
        for shape in shapes:
            said = dict(shape)
            told = await outsider.say(said.pop("event_type"), said.pop("event_id"), **said)
            assert isinstance(told, Accepted | NotAuthentic)
        await scene.work_for_the_first()

        assert await scene.of_others() == before
        assert recorded.isdisjoint({*app.cloud.asked, *app.cloud.cancelled})
        assert set(app.cloud.cancelled) <= {scene.jobs[0]}
        made = {order.transaction_id for order in app.cloud.orders[orders:]}
        assert all(scene.documents[0] in item for item in made)

        for document_id, job_id in zip(scene.documents[1:], scene.jobs[1:], strict=True):
            if app.cloud.reports[job_id].classification is None:
                app.cloud.classified(job_id, OTHER)
            told = await Outsider(app, document_id).say("classify.success", f"evt-{job_id}", job_id=job_id)
            assert isinstance(told, Accepted)
            assert told.fresh
        for _ in range(3):
            await app.work()
            app.later(61)
        for document_id in scene.documents[1:]:
            document = await app.document(document_id)
            assert (document.state, document.type) == (DocumentState.ROUTED, OTHER)
