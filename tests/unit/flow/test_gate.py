"""What LlamaCloud refuses for another reason than the document costs no document its way: it waits, and goes on."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import CloudRefused, DocumentRefused, KeyRefused, OutOfCredits, SettingsRefused
from receiver.core.flag import Flag
from receiver.core.job import JobReport
from receiver.core.task import Task, TaskState
from receiver.flow import gate
from receiver.flow.pause import FOR_EVER, LONGEST, RESULTS, SUBMISSION, Pause, kept, pause, read
from receiver.flow.sweep import sweep
from receiver.ports import Order
from tests.desk import TABLE, Desk

pytestmark = pytest.mark.anyio

FIREWALL = CloudRefused("something before LlamaCloud refuses us (403)")
KEY = KeyRefused("LLAMA_CLOUD_API_KEY is not accepted (401)")


async def states(desk: Desk) -> set[DocumentState]:
    return {one.state for one in await desk.all(Document)}


async def on(desk: Desk, seconds: float, *, step: float = 5.0) -> None:
    """Time goes by, and what is due is done."""
    while seconds > 0:
        desk.later(min(step, seconds))
        await desk.work()
        seconds -= step


@pytest.mark.parametrize("error", [FIREWALL, KEY, OutOfCredits("402"), SettingsRefused("422", place="classify")])
async def test_a_refusal_pauses_submission_with_one_alert_and_goes_on_by_itself(
    desk: Desk, error: CloudRefused
) -> None:
    for number in range(20):
        await desk.take_in(f"{number}.pdf")
    desk.cloud.broken = error
    await desk.work()
    await on(desk, 3600, step=30)
    assert await states(desk) == {DocumentState.OPEN}
    assert [alert.kind for alert, _ in desk.channel.told if alert.kind != "document.overdue"] == ["submission.paused"]
    desk.cloud.broken = None
    await on(desk, LONGEST + 120, step=30)
    assert {one.step for one in await desk.all(Document)} == {Step.SUBMITTED}
    assert {one.error for one in await desk.all(Document)} == {""}


async def test_while_it_is_paused_one_task_looks_at_a_time(desk: Desk) -> None:
    for number in range(20):
        await desk.take_in(f"{number}.pdf")
    asked: list[float] = []

    async def upload(*_: object, **__: object) -> None:
        asked.append(desk.now)
        raise KEY

    desk.cloud.upload = upload  # type: ignore[method-assign, assignment]
    await desk.work()
    await on(desk, 900, step=5)
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) <= 8
    assert waits == sorted(waits)


async def test_a_document_says_that_it_waits_and_why(desk: Desk) -> None:
    first, second = await desk.take_in("a.pdf"), await desk.take_in("b.pdf")
    desk.cloud.broken = KEY
    await desk.work()
    for one in (first, second):
        document = await desk.document(one.document.id)
        assert document.error == f"submission is paused: {KEY}"
        assert [entry.what for entry in document.history].count("waits") == 1


async def test_a_place_in_mailroom_yaml_is_told_with_its_line(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = SettingsRefused("LlamaCloud refuses this", place="classify.rules[1].description")
    await desk.work()
    line = next(number for number, text in enumerate(TABLE.splitlines(), 1) if "type: contract" in text)
    assert f":{line}: LlamaCloud refuses this" in (await desk.document(taken.document.id)).error
    ((alert, _),) = desk.channel.told
    assert f":{line}: " in alert.detail


async def test_five_seconds_of_403_send_nothing_that_is_under_way_to_review(desk: Desk) -> None:
    for number in range(6):
        await desk.take_in(f"{number}.pdf")
    await desk.work()
    for number in range(6, 12):
        await desk.take_in(f"{number}.pdf")
    for number in range(1, 7):
        desk.cloud.classified(f"job-{number}", "contract")
        await desk.event(f"job-{number}")
    desk.cloud.broken = FIREWALL
    await on(desk, 5, step=1)
    desk.cloud.broken = None
    await on(desk, 300)
    by_state = {one.name: one.state for one in await desk.all(Document)}
    assert [by_state[f"{number}.pdf"] for number in range(6)] == [DocumentState.ROUTED] * 6
    assert {one.step for one in await desk.all(Document)} <= {Step.SUBMITTED, Step.SETTLED}
    assert await desk.all(Document, "state", DocumentState.REVIEW) == []


async def test_a_document_that_alone_is_refused_again_and_again_ends_in_review_and_holds_nobody_up(desk: Desk) -> None:
    odd = (await desk.take_in("odd.pdf")).document.id
    create = desk.cloud.create

    async def picky(order: Order) -> JobReport:
        if odd in order.transaction_id:
            raise FIREWALL
        return await create(order)

    desk.cloud.create = picky  # type: ignore[method-assign]
    for hour in range(30):
        await desk.take_in(f"{hour}.pdf")
        await on(desk, 3600, step=60)
    document = await desk.document(odd)
    assert (document.state, document.plan) == (DocumentState.REVIEW, None)
    assert "could not be submitted" in document.error
    others = [one for one in await desk.all(Document) if one.id != odd]
    assert {one.step for one in others} == {Step.SUBMITTED}
    assert max((one.history[-1].at - one.taken_in_at) for one in others) < 300


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_gate_that_was_opened_by_a_wrong_clock_closes_at_the_next_refusal(desk: Desk, hours: int) -> None:
    """Else every refusal would be taken for the document's own, until that moment is long over."""
    await desk.store.apply(kept(SUBMISSION, Pause(), now=desk.now + hours * 3600))
    document_id = (await desk.take_in()).document.id
    desk.cloud.broken = FIREWALL
    await desk.work()
    assert (await read(SUBMISSION, desk.tools)).until > desk.now
    desk.cloud.broken = None
    await on(desk, 300)
    assert (await desk.document(document_id)).step is Step.SUBMITTED


async def test_a_document_that_llamacloud_refuses_is_no_reason_to_pause(desk: Desk) -> None:
    await desk.take_in()
    desk.cloud.broken = DocumentRefused("Unsupported file type")
    await desk.work()
    assert (await read(SUBMISSION, desk.tools)).until == 0


async def test_results_wait_while_they_are_refused_and_submission_goes_on(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    job = desk.cloud.job

    async def no_job(*_: object, **__: object) -> JobReport:
        raise FIREWALL

    desk.cloud.job = no_job  # type: ignore[method-assign]
    await on(desk, 600, step=30)
    waiting = await desk.document(document.id)
    assert (waiting.state, waiting.error) == (DocumentState.OPEN, f"waits for LlamaCloud: {FIREWALL}")
    assert (await desk.submitted(name="b.pdf")).step is Step.SUBMITTED
    desk.cloud.job = job  # type: ignore[method-assign]
    await on(desk, LONGEST + 120, step=30)
    after = await desk.document(document.id)
    assert (after.state, after.error) == (DocumentState.ROUTED, "")


async def test_the_sweep_looks_too_and_is_no_storm(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    desk.cloud.away = KEY
    asked = 0
    for _ in range(60):
        desk.later(60)
        before = (await read(RESULTS, desk.tools)).version
        await sweep(desk.tools)
        asked += (await read(RESULTS, desk.tools)).version != before
        await desk.work()
    assert asked <= 12
    assert (await desk.document(document.id)).state is DocumentState.OPEN
    desk.cloud.away = None
    for _ in range(20):
        desk.later(60)
        await sweep(desk.tools)
        await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert (await read(RESULTS, desk.tools)).until == 0


async def test_a_person_pauses_for_as_long_as_they_say_and_nobody_looks(desk: Desk) -> None:
    await desk.store.apply(await pause(SUBMISSION, FOR_EVER, desk.tools))
    taken = await desk.take_in()
    await on(desk, 7200, step=60)
    document = await desk.document(taken.document.id)
    assert (document.step, desk.cloud.uploads) == (Step.TAKEN_IN, [])
    assert "mailroom resume submission" in document.error
    await desk.store.apply(await pause(SUBMISSION, 0.0, desk.tools))
    await on(desk, 120, step=60)
    assert (await desk.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_pause_that_the_earlier_release_wrote_still_holds(desk: Desk) -> None:
    await desk.store.apply(Insert(Flag(id="paused:submission", value="inf", at=desk.now)))
    await desk.take_in()
    await desk.work()
    assert desk.cloud.uploads == []


async def test_a_clock_that_jumped_holds_nothing_up(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = KEY
    desk.later(86400)  # written by a machine that is a day ahead
    await desk.work()
    desk.now -= 86400
    desk.cloud.broken = None
    fresh = await desk.submitted(name="b.pdf")
    assert fresh.step is Step.SUBMITTED
    assert (await desk.document(taken.document.id)).step is Step.TAKEN_IN


async def test_a_looker_that_dies_is_followed_by_another(desk: Desk) -> None:
    await desk.take_in("a.pdf")
    await desk.take_in("b.pdf")
    desk.cloud.broken = KEY
    await desk.work()
    desk.cloud.broken = None
    desk.later(gate.LOOKING)
    (dies,) = await desk.store.claim(owner="dies", now=desk.now, lease_seconds=10_000, limit=1)
    await gate.entered(SUBMISSION, dies.id, desk.tools)
    await on(desk, 2 * gate.LOOKING, step=10)
    (alive,) = [one for one in await desk.all(Document) if one.id != dies.subject]
    assert alive.step is Step.SUBMITTED


WEATHER = st.lists(
    st.tuples(
        st.sampled_from([None, FIREWALL, KEY, OutOfCredits("402"), SettingsRefused("422", place="classify")]),
        st.integers(1, 4000),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30)
@given(WEATHER, st.integers(1, 5))
async def test_whatever_llamacloud_refuses_us_no_document_is_lost_or_blamed(
    tmp_path_factory: pytest.TempPathFactory, weather: list[tuple[CloudRefused | None, int]], count: int
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    for number in range(count):
        await desk.take_in(f"{number}.pdf")
    for error, seconds in weather:
        desk.cloud.broken = desk.cloud.away = error
        await on(desk, seconds, step=60)
        for job in list(desk.cloud.reports):
            desk.cloud.classified(job, "contract")
    desk.cloud.broken = desk.cloud.away = None
    for _ in range(60):
        desk.later(60)
        await sweep(desk.tools)
        await desk.work()
        for job in list(desk.cloud.reports):
            desk.cloud.classified(job, "contract")
    assert {one.state for one in await desk.all(Document)} == {DocumentState.ROUTED}
    assert {one.submissions for one in await desk.all(Document)} == {0}
    assert await desk.all(Task, "state", TaskState.PARKED) == []
