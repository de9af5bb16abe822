"""Just before and just after each bound of time that decides whether something is lost, doubled or misplaced."""

from dataclasses import replace

import pytest

from receiver import bootstrap
from receiver.core import token
from receiver.core.change import Insert, Replace
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy, NotAuthentic, StoreBusy
from receiver.core.job import JobStatus
from receiver.core.replan import replanned
from receiver.core.retry import SCHEDULE
from receiver.core.task import TaskState
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.operations.future_dates import FutureDates
from receiver.operations.leader_lock import LeaderLock
from receiver.operations.receiving_gap import ReceivingGap
from receiver.operations.stalled_queue import is_silent, note_received, overlooked
from receiver.operations.sweep import sweep
from receiver.packets import parents
from receiver.packets.pieces import pieces_of
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.deliver import _announced_at
from receiver.pipeline.job_request import not_requested
from receiver.pipeline.process import process
from receiver.pipeline.submit import submit
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_task
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import packet_bytes
from tests.unit.packets.test_packets import ARCHIVED, LETTERS, classify_all, split

pytestmark = pytest.mark.anyio
DEADLINE = 601
WEEK = 7 * 86400


@pytest.mark.parametrize(("age", "submissions"), [(29.9, 0), (30.0, 1)])
async def test_a_404_for_a_young_job_is_not_believed(app: InMemoryApp, age: float, submissions: int) -> None:
    """LlamaCloud may show a job later than it tells of it; who believed the 404 would buy a second one."""
    document = await app.submitted()
    del app.cloud.reports[document.job_id]
    app.later(age)
    await app.event(document.job_id)
    await app.do(f"react:{document.job_id}:classify.success")
    after = await app.document(document.id)
    assert (after.submissions, after.state) == (submissions, DocumentState.OPEN)


async def test_a_job_is_as_old_as_we_have_known_it_whatever_its_maker_wrote(app: InMemoryApp) -> None:
    document = await app.submitted()
    (job,) = await app.jobs(document)
    await app.store.apply(Replace(replace(job, created_at=NOW - 1000, heard_at=NOW)))
    del app.cloud.reports[document.job_id]
    await app.event(document.job_id)
    await app.do(f"react:{document.job_id}:classify.success")
    assert (await app.document(document.id)).submissions == 0


async def test_a_jobs_token_is_good_for_a_week_and_no_longer(app: InMemoryApp) -> None:
    document = await app.submitted()
    (order,) = app.cloud.orders
    assert order.registration is not None
    made = order.registration.headers[TOKEN_HEADER].encode()
    assert token.read_token(made, (b"s",), now=NOW + WEEK) == (document.id, 0)
    with pytest.raises(NotAuthentic) as refused:
        token.read_token(made, (b"s",), now=NOW + WEEK + 1)
    assert refused.value.cause == "token_expired"


@pytest.mark.parametrize("apart", [-300.0, 300.0])
async def test_the_sweep_finds_a_job_in_the_list_though_two_clocks_are_apart(app: InMemoryApp, apart: float) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.cloud.finish(document.job_id, created_at=NOW + apart)
    app.later(DEADLINE)
    await sweep(app.context)
    (task,) = await app.tasks("recheck")
    assert task.details["verdict"] == "finished"


async def test_a_message_whose_task_comes_early_waits_for_the_document(app: InMemoryApp) -> None:
    """Such tasks are those of an older Mailroom, and those that a person replays."""
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("invoice")
    message = document.messages[0]
    await app.store.apply(
        Insert(a_task(id="early", kind="deliver", subject=document.id, due_at=app.now,
                      details={"delivery_id": message.id, "to": message.to.url}))
    )  # fmt: skip
    done = await app.do("early")
    assert (done.outcome, done.task.due_at) == ("again", _announced_at(document, app.context))
    assert app.words.requests == []


@pytest.mark.parametrize("spread", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("judged", [True, False], ids=["by its step", "though the step cannot say what follows"])
async def test_those_who_failed_together_come_back_apart(app: InMemoryApp, spread: float, judged: bool) -> None:
    async def run(task: object, context: Context) -> StepResult:
        raise DestinationBusy("503")

    async def broken(*_: object) -> tuple[()]:
        raise RuntimeError("a mistake of ours")

    app.context = replace(app.context, spread=lambda: spread)
    await app.store.apply(Insert(a_task(id="t", kind="deliver")))
    for step in SCHEDULE[:3]:
        (task,) = await app.store.claim(owner="w", now=app.now, lease_seconds=60)
        steps = {"deliver": TaskHandler(run=run, attempt_failed=None if judged else broken)}
        done = await process(task, app.context, steps=steps)
        assert done.task.state is TaskState.READY
        assert done.task.due_at == app.now + step * (0.5 + spread / 2)
        app.now = done.task.due_at


def test_what_spreads_retries_is_another_number_each_time() -> None:
    drawn = {bootstrap.spread() for _ in range(100)}
    assert len(drawn) > 90
    assert min(drawn) >= 0
    assert max(drawn) <= 1


@pytest.mark.parametrize("apart", [-300.0, 300.0])
async def test_a_split_job_that_a_dead_process_created_is_found_though_two_clocks_are_apart(
    app: InMemoryApp, apart: float
) -> None:
    app.use(ARCHIVED + "split: {path: beta}\n")
    await app.ingest(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    (task,) = await app.store.claim(owner="crashes", now=app.now, lease_seconds=60)
    await submit(task, app.context)  # all its effects, and then nothing is written
    (job_id,) = app.cloud.reports
    app.cloud.finish(job_id, JobStatus.PENDING, created_at=NOW + apart)
    await app.workers_die()
    await app.work()
    assert len(app.cloud.orders) == 1


@pytest.mark.parametrize(("age", "submissions"), [(300.0, 0), (300.1, 1)])
async def test_a_job_by_other_rules_is_an_earlier_one_only_if_two_clocks_cannot_explain_it(
    app: InMemoryApp, age: float, submissions: int
) -> None:
    document = await app.submitted()
    (order,) = app.cloud.orders
    report = replace(
        app.cloud.reports[document.job_id], created_at=NOW - age, rules=frozenset({("invoice", "as it was before")})
    )
    later = replace(order, transaction_id="mailroom-written-down-before-the-rules-changed")
    assert bool(not_requested(report, document, later)) is bool(submissions)


async def test_a_job_that_reads_another_file_speaks_for_no_document_of_ours(app: InMemoryApp) -> None:
    document = await app.submitted()
    (order,), report = app.cloud.orders, app.cloud.reports[document.job_id]
    assert not_requested(report, document, order) == ""
    assert "reads file dfl-theirs" in not_requested(replace(report, file_id="dfl-theirs"), document, order)


@pytest.mark.parametrize(("due_for", "found"), [(120.0, []), (120.1, ["t"])])
async def test_a_task_is_overlooked_after_two_sweeps_and_not_before(
    app: InMemoryApp, due_for: float, found: list[str]
) -> None:
    """Before, its message may be on its way, and it would be begun twice for nothing."""
    await app.store.apply(Insert(a_task(id="t")))
    app.later(due_for)
    assert await overlooked(app.context, sweep_seconds=60) == found


@pytest.mark.parametrize(("since", "silent"), [(119.9, False), (120.0, True), (-119.9, False), (-120.0, True)])
async def test_a_queue_is_silent_after_two_sweeps_and_not_before(app: InMemoryApp, since: float, silent: bool) -> None:
    await note_received(app.context)
    app.later(since)
    assert await is_silent(app.context, sweep_seconds=60) is silent


async def test_a_turn_that_another_just_took_is_not_taken_again_for_the_time_that_its_slow_clock_wrote(
    app: InMemoryApp,
) -> None:
    seconds = 0.0
    ours, theirs = (LeaderLock("sweep", who, every_seconds=60, clock=lambda: seconds) for who in ("ours", "theirs"))
    assert await ours.acquired(app.context)
    assert not await theirs.acquired(app.context)
    seconds += 60
    assert await theirs.acquired(replace(app.context, clock=lambda: NOW - 3600))
    assert not await ours.acquired(app.context)


async def test_a_process_that_stood_still_asks_though_its_wall_clock_was_set_back_meanwhile(app: InMemoryApp) -> None:
    seconds = 0.0
    missed = ReceivingGap(longest_pause=60, clock=lambda: seconds)
    await missed.check(app.context)
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    seconds += 61
    assert await missed.check(app.context) == 1


async def test_a_new_plan_never_takes_a_number_that_a_message_had(app: InMemoryApp) -> None:
    """Consumers keep what has the highest number."""
    document = await app.routed("contract")
    assert document.plan is not None
    told = replace(document, sequence=7, deliveries=())
    assert replanned(told, document.plan, app.context).sequence == 7


async def test_a_packet_is_open_while_a_piece_of_it_is_not_there_yet(app: InMemoryApp) -> None:
    """Pieces are made one by one, and the first may be routed before the second is written."""
    app.use(ARCHIVED)
    packet = await split(app)
    await classify_all(app, packet)
    first, second = await pieces_of(await app.document(packet.id), app.context)
    assert first.state is second.state is DocumentState.ROUTED
    alone = replace(app.context, store=MemoryStore())
    await alone.store.apply(Insert(first))
    assert await parents._amount(packet, first.id, alone) is DocumentState.OPEN
    await alone.store.apply(Insert(second))
    assert await parents._amount(packet, first.id, alone) is DocumentState.ROUTED


@pytest.mark.parametrize(("ahead", "brought_back"), [(5.0, 0.0), (5.1, 5.1)])
async def test_seconds_that_two_clocks_may_be_apart_are_nobodys_fault(
    app: InMemoryApp, ahead: float, brought_back: float
) -> None:
    seconds = 0.0
    looks = FutureDates(clock=lambda: seconds)
    await app.store.apply(Insert(a_task(id="t", due_at=NOW + 100 + ahead, waits=100.0)))
    assert await looks.bring_back(app.context) == 0.0
    seconds += 100
    assert await looks.bring_back(app.context) == pytest.approx(brought_back)


async def test_a_change_that_never_goes_through_is_not_told_as_done(app: InMemoryApp) -> None:
    document = await app.submitted()
    await app.store.apply(Insert(a_task(id="t")))
    (task,) = await app.store.claim(owner="w", now=app.now, lease_seconds=60)

    async def change() -> tuple[Replace]:
        return (Replace(replace(document, version=document.version + 1)),)

    async def run(task: object, context: Context) -> StepResult:
        return StepResult(note="done", change=change)

    with pytest.raises(StoreBusy):
        await process(task, app.context, steps={"react": TaskHandler(run=run)})
    (kept,) = await app.tasks("react")
    assert kept.state is TaskState.RUNNING, "whoever finds its lease over tries again"


async def test_the_result_of_a_job_that_another_has_replaced_decides_nothing(app: InMemoryApp) -> None:
    document = await app.submitted()
    await app.store.apply(Replace(replace(document, job_id="job-2")))
    app.cloud.classified("job-1", "contract")
    await app.event("job-1")
    done = await app.do("react:job-1:classify.success")
    assert done.note == "already processed"
    assert (await app.document(document.id)).plan is None
