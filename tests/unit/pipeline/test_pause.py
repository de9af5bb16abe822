"""What LlamaCloud refuses for another reason than the document costs no document its way: it waits, and goes on."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import CapReached, CloudRefused, DocumentRefused, KeyRefused, OutOfCredits, SettingsRefused
from receiver.core.flag import Flag
from receiver.core.job import JobReport, JobRequest
from receiver.core.task import Task, TaskState
from receiver.operations.sweep import sweep
from receiver.pipeline import pause as pausing
from receiver.pipeline.pause import FOR_EVER, LONGEST, RESULTS, SUBMISSION, Pause, kept, pause, read_pause
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio

FIREWALL = CloudRefused("something before LlamaCloud refuses us (403)")
CAP = CapReached("a usage limit at LlamaCloud is reached (This project has reached its daily usage limit.)")
KEY = KeyRefused("LLAMA_CLOUD_API_KEY is not accepted (401)")


async def states(app: InMemoryApp) -> set[DocumentState]:
    return {item.state for item in await app.all(Document)}


async def on(app: InMemoryApp, seconds: float, *, step: float = 5.0) -> None:
    """Time goes by, and what is due is done."""
    while seconds > 0:
        app.later(min(step, seconds))
        await app.work()
        seconds -= step


@pytest.mark.parametrize("error", [FIREWALL, KEY, OutOfCredits("402"), CAP, SettingsRefused("422", place="classify")])
async def test_a_refusal_pauses_submission_with_one_alert_and_goes_on_by_itself(
    app: InMemoryApp, error: CloudRefused
) -> None:
    for number in range(20):
        await app.ingest(f"{number}.pdf")
    app.cloud.broken = error
    await app.work()
    await on(app, 3600, step=30)
    assert await states(app) == {DocumentState.OPEN}
    assert [alert.kind for alert, _ in app.channel.told if alert.kind != "document.overdue"] == ["submission.paused"]
    app.cloud.broken = None
    await on(app, LONGEST + 120, step=30)
    assert {item.step for item in await app.all(Document)} == {Step.SUBMITTED}
    assert {item.error for item in await app.all(Document)} == {""}


async def test_a_reached_cap_holds_submission_until_its_window_ends_and_results_go_on(app: InMemoryApp) -> None:
    running = await app.submitted(name="before.pdf")
    waiting = await app.ingest("after.pdf", b"%PDF-1.7 another")
    app.cloud.refuse_create = CAP
    await app.work()
    app.cloud.classified(running.job_id, "contract")
    await app.event(running.job_id)
    await on(app, 6 * 3600, step=60)  # hours within the window: nobody gives up
    assert (await app.document(running.id)).state is DocumentState.ROUTED
    held = await app.document(waiting.document.id)
    assert (held.state, held.step) == (DocumentState.OPEN, Step.RECEIVED)
    assert "This project has reached its daily usage limit." in held.error
    app.cloud.refuse_create = None  # a new window
    await on(app, LONGEST + 120, step=30)
    assert (await app.document(waiting.document.id)).step is Step.SUBMITTED
    told = [alert.cause for alert, _ in app.channel.told if alert.kind == "submission.paused"]
    assert set(told) == {"cap_reached"}


async def test_an_expired_key_is_one_alert_and_no_review(app: InMemoryApp) -> None:
    for number in range(50):
        await app.ingest(f"{number}.pdf", f"%PDF-1.7 {number}".encode())
    await app.work(rounds=60)
    for job_id in list(app.cloud.reports):
        app.cloud.classified(job_id, "contract")
        await app.event(job_id)
    for number in range(50, 100):
        await app.ingest(f"{number}.pdf", f"%PDF-1.7 {number}".encode())
    app.cloud.broken = KEY  # both halves: results that came, and documents that wait
    await on(app, 3600, step=60)
    assert await states(app) == {DocumentState.OPEN}
    told = [alert for alert, _ in app.channel.told if alert.kind == "submission.paused"]
    assert {alert.key for alert in told} == {told[0].key}
    app.cloud.broken = None  # a new key
    await on(app, LONGEST + 300, step=30)
    by_state = [item.state for item in await app.all(Document)]
    assert by_state.count(DocumentState.ROUTED) == 50
    assert DocumentState.REVIEW not in by_state
    assert {item.step for item in await app.all(Document)} == {Step.SUBMITTED, Step.SETTLED}


async def test_an_alert_offers_to_resume_what_is_paused(app: InMemoryApp) -> None:
    """Results wait behind a gate of their own: resuming submission does not help them."""
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.cloud.broken = KEY
    await app.event(document.job_id)
    await on(app, 60, step=5)
    (told,) = [alert for alert, _ in app.channel.told if alert.kind == "submission.paused"]
    assert told.commands[0] == "mailroom resume results"
    await app.ingest("after.pdf", b"%PDF-1.7 another")
    await on(app, 60, step=5)
    (incident,) = [item for item in await app.incidents() if item.kind == "submission.paused"]
    assert incident.commands[:2] == ("mailroom resume submission", "mailroom resume results")


async def test_while_it_is_paused_one_task_looks_at_a_time(app: InMemoryApp) -> None:
    for number in range(20):
        await app.ingest(f"{number}.pdf")
    asked: list[float] = []

    async def upload(*_: object, **__: object) -> None:
        asked.append(app.now)
        raise KEY

    app.cloud.upload = upload  # type: ignore[method-assign, assignment]
    await app.work()
    await on(app, 900, step=5)
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) <= 8
    assert waits == sorted(waits)


async def test_a_document_says_that_it_waits_and_why(app: InMemoryApp) -> None:
    first, second = await app.ingest("a.pdf"), await app.ingest("b.pdf")
    app.cloud.broken = KEY
    await app.work()
    for item in (first, second):
        document = await app.document(item.document.id)
        assert document.error == f"submission is paused: {KEY}"
        assert [entry.what for entry in document.history].count("waits") == 1


async def test_a_place_in_mailroom_yaml_is_told_with_its_line(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = SettingsRefused("LlamaCloud rejects this", place="classify.rules[1].description")
    await app.work()
    line = next(number for number, text in enumerate(TABLE.splitlines(), 1) if "type: contract" in text)
    assert f":{line}: LlamaCloud rejects this" in (await app.document(taken.document.id)).error
    ((alert, _),) = app.channel.told
    assert f":{line}: " in alert.detail


async def test_five_seconds_of_403_send_nothing_that_is_under_way_to_review(app: InMemoryApp) -> None:
    for number in range(6):
        await app.ingest(f"{number}.pdf")
    await app.work()
    for number in range(6, 12):
        await app.ingest(f"{number}.pdf")
    for number in range(1, 7):
        app.cloud.classified(f"job-{number}", "contract")
        await app.event(f"job-{number}")
    app.cloud.broken = FIREWALL
    await on(app, 5, step=1)
    app.cloud.broken = None
    await on(app, 300)
    by_state = {item.name: item.state for item in await app.all(Document)}
    assert [by_state[f"{number}.pdf"] for number in range(6)] == [DocumentState.ROUTED] * 6
    assert {item.step for item in await app.all(Document)} <= {Step.SUBMITTED, Step.SETTLED}
    assert await app.all(Document, "state", DocumentState.REVIEW) == []


async def test_a_document_that_alone_is_refused_again_and_again_ends_in_review_and_holds_nobody_up(
    app: InMemoryApp,
) -> None:
    odd = (await app.ingest("odd.pdf")).document.id
    create = app.cloud.create

    async def picky(order: JobRequest) -> JobReport:
        if odd in order.transaction_id:
            raise FIREWALL
        return await create(order)

    app.cloud.create = picky  # type: ignore[method-assign]
    for hour in range(30):
        await app.ingest(f"{hour}.pdf")
        await on(app, 3600, step=60)
    document = await app.document(odd)
    assert (document.state, document.plan) == (DocumentState.REVIEW, None)
    assert "could not be submitted" in document.error
    others = [item for item in await app.all(Document) if item.id != odd]
    assert {item.step for item in others} == {Step.SUBMITTED}
    assert max((item.history[-1].at - item.taken_in_at) for item in others) < 300


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_gate_that_was_opened_by_a_wrong_clock_closes_at_the_next_refusal(app: InMemoryApp, hours: int) -> None:
    """Else every refusal would be taken for the document's own, until that moment is long over."""
    await app.store.apply(kept(SUBMISSION, Pause(), now=app.now + hours * 3600))
    document_id = (await app.ingest()).document.id
    app.cloud.broken = FIREWALL
    await app.work()
    assert (await read_pause(SUBMISSION, app.context)).until > app.now
    app.cloud.broken = None
    await on(app, 300)
    assert (await app.document(document_id)).step is Step.SUBMITTED


async def test_a_document_that_llamacloud_refuses_is_no_reason_to_pause(app: InMemoryApp) -> None:
    await app.ingest()
    app.cloud.broken = DocumentRefused("Unsupported file type")
    await app.work()
    assert (await read_pause(SUBMISSION, app.context)).until == 0


async def test_results_wait_while_they_are_refused_and_submission_goes_on(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    job = app.cloud.job

    async def no_job(*_: object, **__: object) -> JobReport:
        raise FIREWALL

    app.cloud.job = no_job  # type: ignore[method-assign]
    await on(app, 600, step=30)
    waiting = await app.document(document.id)
    assert (waiting.state, waiting.error) == (DocumentState.OPEN, f"waits for LlamaCloud: {FIREWALL}")
    assert (await app.submitted(name="b.pdf")).step is Step.SUBMITTED
    app.cloud.job = job  # type: ignore[method-assign]
    await on(app, LONGEST + 120, step=30)
    after = await app.document(document.id)
    assert (after.state, after.error) == (DocumentState.ROUTED, "")


async def test_the_sweep_looks_too_and_is_no_storm(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.cloud.away = KEY
    asked = 0
    for _ in range(60):
        app.later(60)
        before = (await read_pause(RESULTS, app.context)).version
        await sweep(app.context)
        asked += (await read_pause(RESULTS, app.context)).version != before
        await app.work()
    assert asked <= 12
    assert (await app.document(document.id)).state is DocumentState.OPEN
    app.cloud.away = None
    for _ in range(20):
        app.later(60)
        await sweep(app.context)
        await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert (await read_pause(RESULTS, app.context)).until == 0


async def test_results_that_a_person_paused_wait_for_that_person_and_not_for_llamacloud(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.store.apply(await pause(RESULTS, FOR_EVER, app.context))
    await app.event(document.job_id)
    await on(app, 120, step=60)
    waiting = await app.document(document.id)
    assert (waiting.step, waiting.error) == (Step.SUBMITTED, "results are paused; to resume: mailroom resume results")


async def test_a_person_pauses_for_as_long_as_they_say_and_nobody_looks(app: InMemoryApp) -> None:
    await app.store.apply(await pause(SUBMISSION, FOR_EVER, app.context))
    taken = await app.ingest()
    await on(app, 7200, step=60)
    document = await app.document(taken.document.id)
    assert (document.step, app.cloud.uploads) == (Step.RECEIVED, [])
    assert document.error == "submission is paused; to resume: mailroom resume submission"
    await app.store.apply(await pause(SUBMISSION, 0.0, app.context))
    await on(app, 120, step=60)
    assert (await app.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_pause_that_the_earlier_release_wrote_still_holds(app: InMemoryApp) -> None:
    await app.store.apply(Insert(Flag(id="paused:submission", value="inf", at=app.now)))
    await app.ingest()
    await app.work()
    assert app.cloud.uploads == []


async def test_a_clock_that_jumped_holds_nothing_up(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = KEY
    app.later(86400)  # written by a machine that is a day ahead
    await app.work()
    app.now -= 86400
    app.cloud.broken = None
    fresh = await app.submitted(name="b.pdf")
    assert fresh.step is Step.SUBMITTED
    assert (await app.document(taken.document.id)).step is Step.RECEIVED


async def test_a_looker_that_dies_is_followed_by_another(app: InMemoryApp) -> None:
    await app.ingest("a.pdf")
    await app.ingest("b.pdf")
    app.cloud.broken = KEY
    await app.work()
    app.cloud.broken = None
    app.later(pausing.LOOKING)
    (dies,) = await app.store.claim(owner="dies", now=app.now, lease_seconds=10_000, limit=1)
    await pausing.holding_pause(SUBMISSION, dies.id, app.context)
    await on(app, 2 * pausing.LOOKING, step=10)
    (alive,) = [item for item in await app.all(Document) if item.id != dies.subject]
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
    tmp_path_factory: pytest.TempPathFactory, schedule: list[tuple[CloudRefused | None, int]], count: int
) -> None:
    app = InMemoryApp(tmp_path_factory.mktemp("app"))
    for number in range(count):
        await app.ingest(f"{number}.pdf")
    for error, seconds in schedule:
        app.cloud.broken = app.cloud.away = error
        await on(app, seconds, step=60)
        for job in list(app.cloud.reports):
            app.cloud.classified(job, "contract")
    app.cloud.broken = app.cloud.away = None
    for _ in range(60):
        app.later(60)
        await sweep(app.context)
        await app.work()
        for job in list(app.cloud.reports):
            app.cloud.classified(job, "contract")
    assert {item.state for item in await app.all(Document)} == {DocumentState.ROUTED}
    assert {item.submissions for item in await app.all(Document)} == {0}
    assert await app.all(Task, "state", TaskState.PARKED) == []
