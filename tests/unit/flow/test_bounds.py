"""Just before and just after each bound of time that decides whether something is lost, doubled or misplaced."""

from dataclasses import replace

import pytest

from receiver.core import token
from receiver.core.change import Insert, Update
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy, NotAuthentic, StoreBusy
from receiver.core.job import JobStatus
from receiver.core.replan import replanned
from receiver.core.retry import SCHEDULE
from receiver.core.task import TaskState
from receiver.core.verify import TOKEN_HEADER
from receiver.flow import family
from receiver.flow.ahead import Ahead
from receiver.flow.deliver import _announced_at
from receiver.flow.missed import Missed
from receiver.flow.order import not_ordered
from receiver.flow.pieces import pieces_of
from receiver.flow.process import process
from receiver.flow.recover import is_silent, note_heard, overlooked
from receiver.flow.submit import submit
from receiver.flow.sweep import sweep
from receiver.flow.tools import Outcome, StepOf, Tools
from receiver.flow.turn import Turn
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_task
from tests.desk import Desk
from tests.papers import packet_bytes
from tests.unit.flow.test_packets import ARCHIVED, LETTERS, classify_all, split

pytestmark = pytest.mark.anyio
DEADLINE = 601
WEEK = 7 * 86400


@pytest.mark.parametrize(("age", "submissions"), [(29.9, 0), (30.0, 1)])
async def test_a_404_for_a_young_job_is_not_believed(desk: Desk, age: float, submissions: int) -> None:
    """LlamaCloud may show a job later than it tells of it; who believed the 404 would buy a second one."""
    document = await desk.submitted()
    del desk.cloud.reports[document.job_id]
    desk.later(age)
    await desk.event(document.job_id)
    await desk.do(f"react:{document.job_id}:classify.success")
    after = await desk.document(document.id)
    assert (after.submissions, after.state) == (submissions, DocumentState.OPEN)


async def test_a_job_is_as_old_as_we_have_known_it_whatever_its_maker_wrote(desk: Desk) -> None:
    document = await desk.submitted()
    (job,) = await desk.jobs(document)
    await desk.store.apply(Update(replace(job, created_at=NOW - 1000, heard_at=NOW)))
    del desk.cloud.reports[document.job_id]
    await desk.event(document.job_id)
    await desk.do(f"react:{document.job_id}:classify.success")
    assert (await desk.document(document.id)).submissions == 0


async def test_a_jobs_token_is_good_for_a_week_and_no_longer(desk: Desk) -> None:
    document = await desk.submitted()
    (order,) = desk.cloud.orders
    assert order.registration is not None
    made = order.registration.headers[TOKEN_HEADER].encode()
    assert token.read(made, (b"s",), now=NOW + WEEK) == (document.id, 0)
    with pytest.raises(NotAuthentic) as refused:
        token.read(made, (b"s",), now=NOW + WEEK + 1)
    assert refused.value.cause == "token_expired"


@pytest.mark.parametrize("apart", [-300.0, 300.0])
async def test_the_sweep_finds_a_job_in_the_list_though_two_clocks_are_apart(desk: Desk, apart: float) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    desk.cloud.finish(document.job_id, created_at=NOW + apart)
    desk.later(DEADLINE)
    await sweep(desk.tools)
    (task,) = await desk.tasks("recheck")
    assert task.details["verdict"] == "finished"


async def test_a_message_whose_task_comes_early_waits_for_the_document(desk: Desk) -> None:
    """Such tasks are those of an older Mailroom, and those that a person replays."""
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("invoice")
    message = document.messages[0]
    await desk.store.apply(
        Insert(a_task(id="early", kind="deliver", subject=document.id, due_at=desk.now,
                      details={"delivery_id": message.id, "to": message.to.url}))
    )  # fmt: skip
    done = await desk.do("early")
    assert (done.outcome, done.task.due_at) == ("again", _announced_at(document, desk.tools))
    assert desk.words.parcels == []


@pytest.mark.parametrize("spread", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("judged", [True, False], ids=["by its step", "though the step cannot say what follows"])
async def test_those_who_failed_together_come_back_apart(desk: Desk, spread: float, judged: bool) -> None:
    async def run(task: object, tools: Tools) -> Outcome:
        raise DestinationBusy("503")

    async def broken(*_: object) -> tuple[()]:
        raise RuntimeError("a mistake of ours")

    desk.tools = replace(desk.tools, spread=lambda: spread)
    await desk.store.apply(Insert(a_task(id="t", kind="deliver")))
    for step in SCHEDULE[:3]:
        (task,) = await desk.store.claim(owner="w", now=desk.now, lease_seconds=60)
        steps = {"deliver": StepOf(run=run, attempt_failed=None if judged else broken)}
        done = await process(task, desk.tools, steps=steps)
        assert done.task.state is TaskState.READY
        assert done.task.due_at == desk.now + step * (0.5 + spread / 2)
        desk.now = done.task.due_at


@pytest.mark.parametrize("apart", [-300.0, 300.0])
async def test_a_split_job_that_a_dead_process_created_is_found_though_two_clocks_are_apart(
    desk: Desk, apart: float
) -> None:
    desk.use(ARCHIVED + "split: {path: beta}\n")
    await desk.take_in(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    (task,) = await desk.store.claim(owner="crashes", now=desk.now, lease_seconds=60)
    await submit(task, desk.tools)  # all its effects, and then nothing is written
    (job_id,) = desk.cloud.reports
    desk.cloud.finish(job_id, JobStatus.PENDING, created_at=NOW + apart)
    await desk.workers_die()
    await desk.work()
    assert len(desk.cloud.orders) == 1


@pytest.mark.parametrize(("age", "submissions"), [(300.0, 0), (300.1, 1)])
async def test_a_job_by_other_rules_is_an_earlier_one_only_if_two_clocks_cannot_explain_it(
    desk: Desk, age: float, submissions: int
) -> None:
    document = await desk.submitted()
    (order,) = desk.cloud.orders
    report = replace(
        desk.cloud.reports[document.job_id], created_at=NOW - age, rules=frozenset({("invoice", "as it was before")})
    )
    later = replace(order, transaction_id="mailroom-written-down-before-the-rules-changed")
    assert bool(not_ordered(report, document, later)) is bool(submissions)


async def test_a_job_that_reads_another_file_speaks_for_no_document_of_ours(desk: Desk) -> None:
    document = await desk.submitted()
    (order,), report = desk.cloud.orders, desk.cloud.reports[document.job_id]
    assert not_ordered(report, document, order) == ""
    assert "reads file dfl-theirs" in not_ordered(replace(report, file_id="dfl-theirs"), document, order)


@pytest.mark.parametrize(("due_for", "found"), [(120.0, []), (120.1, ["t"])])
async def test_a_task_is_overlooked_after_two_sweeps_and_not_before(
    desk: Desk, due_for: float, found: list[str]
) -> None:
    """Before, its message may be on its way, and it would be begun twice for nothing."""
    await desk.store.apply(Insert(a_task(id="t")))
    desk.later(due_for)
    assert await overlooked(desk.tools, sweep_seconds=60) == found


@pytest.mark.parametrize(("since", "silent"), [(119.9, False), (120.0, True), (-119.9, False), (-120.0, True)])
async def test_a_queue_is_silent_after_two_sweeps_and_not_before(desk: Desk, since: float, silent: bool) -> None:
    await note_heard(desk.tools)
    desk.later(since)
    assert await is_silent(desk.tools, sweep_seconds=60) is silent


async def test_a_turn_that_another_just_took_is_not_taken_again_for_the_time_that_its_slow_clock_wrote(
    desk: Desk,
) -> None:
    seconds = 0.0
    ours, theirs = (Turn("sweep", who, every_seconds=60, clock=lambda: seconds) for who in ("ours", "theirs"))
    assert await ours.is_ours(desk.tools)
    assert not await theirs.is_ours(desk.tools)
    seconds += 60
    assert await theirs.is_ours(replace(desk.tools, clock=lambda: NOW - 3600))
    assert not await ours.is_ours(desk.tools)


async def test_a_process_that_stood_still_asks_though_its_wall_clock_was_set_back_meanwhile(desk: Desk) -> None:
    seconds = 0.0
    missed = Missed(longest_pause=60, clock=lambda: seconds)
    await missed.look(desk.tools)
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    seconds += 61
    assert await missed.look(desk.tools) == 1


async def test_a_new_plan_never_takes_a_number_that_a_message_had(desk: Desk) -> None:
    """Consumers keep what has the highest number."""
    document = await desk.routed("contract")
    assert document.plan is not None
    told = replace(document, sequence=7, deliveries=())
    assert replanned(told, document.plan, desk.tools.holds).sequence == 7


async def test_a_packet_is_open_while_a_piece_of_it_is_not_there_yet(desk: Desk) -> None:
    """Pieces are made one by one, and the first may be routed before the second is written."""
    desk.use(ARCHIVED)
    packet = await split(desk)
    await classify_all(desk, packet)
    first, second = await pieces_of(await desk.document(packet.id), desk.tools)
    assert first.state is second.state is DocumentState.ROUTED
    alone = replace(desk.tools, store=MemoryStore())
    await alone.store.apply(Insert(first))
    assert await family._amount(packet, first.id, alone) is DocumentState.OPEN
    await alone.store.apply(Insert(second))
    assert await family._amount(packet, first.id, alone) is DocumentState.ROUTED


@pytest.mark.parametrize(("ahead", "brought_back"), [(5.0, 0.0), (5.1, 5.1)])
async def test_seconds_that_two_clocks_may_be_apart_are_nobodys_fault(
    desk: Desk, ahead: float, brought_back: float
) -> None:
    seconds = 0.0
    looks = Ahead(clock=lambda: seconds)
    await desk.store.apply(Insert(a_task(id="t", due_at=NOW + 100 + ahead, waits=100.0)))
    assert await looks.bring_back(desk.tools) == 0.0
    seconds += 100
    assert await looks.bring_back(desk.tools) == pytest.approx(brought_back)


async def test_a_change_that_never_goes_through_is_not_told_as_done(desk: Desk) -> None:
    document = await desk.submitted()
    await desk.store.apply(Insert(a_task(id="t")))
    (task,) = await desk.store.claim(owner="w", now=desk.now, lease_seconds=60)

    async def change() -> tuple[Update]:
        return (Update(replace(document, version=document.version + 1)),)

    async def run(task: object, tools: Tools) -> Outcome:
        return Outcome(note="done", change=change)

    with pytest.raises(StoreBusy):
        await process(task, desk.tools, steps={"react": StepOf(run=run)})
    (kept,) = await desk.tasks("react")
    assert kept.state is TaskState.RUNNING, "whoever finds its lease over tries again"


async def test_the_result_of_a_job_that_another_has_replaced_decides_nothing(desk: Desk) -> None:
    document = await desk.submitted()
    await desk.store.apply(Update(replace(document, job_id="job-2")))
    desk.cloud.classified("job-1", "contract")
    await desk.event("job-1")
    done = await desk.do("react:job-1:classify.success")
    assert done.note == "known before"
    assert (await desk.document(document.id)).plan is None
