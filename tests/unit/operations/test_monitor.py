"""What a person should know though nothing failed is told once; and told again when it is over."""

from dataclasses import replace

import pytest

from receiver.core.balance import Tally
from receiver.core.change import Replace
from receiver.core.errors import CloudBusy, DestinationBusy, OutOfCredits
from receiver.core.ids import place
from receiver.core.incident import NATURES, Nature
from receiver.core.notice import NoticeStatus
from receiver.core.task import TaskState
from receiver.operations import manual_routing
from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.manual_routing import route_by_hand
from receiver.operations.monitor import EXPIRING, GRACE, monitor
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from receiver.operations.sweep import sweep
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
DEADLINE, WINDOW, DAY = 600.0, 601.0, 86400.0


async def pass_over(app: InMemoryApp, *, after: float = 0.0) -> list[str]:
    """One sweep, later, with all that follows; the kinds and titles that were told by it."""
    app.later(after)
    told = len(app.channel.told)
    await sweep(app.context)
    await app.work()
    return [
        f"{notice.kind}: {'resolved: ' if notice.status is NoticeStatus.RESOLVED else ''}{notice.title}"
        for notice, _ in app.channel.told[told:]
        if not notice.reminder
    ]


async def test_every_condition_is_looked_for(app: InMemoryApp) -> None:
    conditions = {kind for kind, nature in NATURES.items() if nature is Nature.CONDITION}
    assert set((await monitor(await app.store.tally(), app.context)).conditions) == conditions


async def test_a_document_past_its_deadline_is_told_once_however_many_sweeps(app: InMemoryApp) -> None:
    await app.submitted(name="lease.pdf")
    assert await pass_over(app, after=DEADLINE + GRACE - 1) == []
    assert await pass_over(app, after=2) == ["document.overdue: lease.pdf is past its deadline"]
    assert [await pass_over(app, after=60) for _ in range(20)] == [[]] * 20


async def test_the_alarm_is_raised_while_llamacloud_is_away(app: InMemoryApp) -> None:
    await app.submitted(name="lease.pdf")
    app.later(DEADLINE + GRACE + 1)
    app.cloud.away = CloudBusy("nobody answers")
    with pytest.raises(CloudBusy):
        await sweep(app.context)
    await app.work()
    assert [alert.kind for alert, _ in app.channel.told] == ["document.overdue"]


async def test_a_thousand_overdue_documents_are_one_notice_with_a_count(app: InMemoryApp) -> None:
    for number in range(450):
        await app.submitted(name=f"{number}.pdf", content=b"%d" % number)
    assert len(await pass_over(app, after=DEADLINE + GRACE + 1)) == 1
    (incident,) = await app.incidents()
    assert (incident.count, incident.unmended) == (450, 450)


async def test_an_event_that_the_sweep_makes_good_is_no_alarm(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    assert await pass_over(app, after=DEADLINE + 60) == []


async def test_overdue_is_resolved_when_the_document_has_its_place(app: InMemoryApp) -> None:
    document = await app.submitted()
    await pass_over(app, after=DEADLINE + GRACE + 1)
    assert await pass_over(app, after=WINDOW) == []  # it is overdue still
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    await app.work()
    assert await pass_over(app, after=1) == [f"document.overdue: resolved: {document.name} is past its deadline"]
    assert await pass_over(app, after=WINDOW) == []  # and only once


async def test_who_waits_for_a_destination_is_not_told_to_ask_llamacloud(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.bytes.broken = DestinationBusy("the disk is full")
    await app.event(document.job_id)
    await app.work()
    await pass_over(app, after=DEADLINE + GRACE + 1)
    (incident,) = await app.incidents()
    assert (incident.kind, incident.cause) == ("document.overdue", "decided")
    assert "make their destination work" in incident.fix
    assert f"mailroom tasks --subject {document.id}" in incident.commands
    assert not [command for command in incident.commands if "sweep" in command or "resubmit" in command]


async def test_a_source_that_is_about_to_expire_is_told_before_it_does(app: InMemoryApp) -> None:
    document = await app.submitted()
    expires_at = app.now + EXPIRING + 2 * DEADLINE
    await app.store.apply(Replace(replace(document, file_expires_at=expires_at, deadline=app.now + 60)))
    assert "source.expiring" not in " ".join(await pass_over(app, after=100))
    told = await pass_over(app, after=2 * DEADLINE)
    assert f"source.expiring: {document.name} expires at LlamaCloud in 6 h" in told


async def test_books_that_do_not_balance_are_an_alarm_and_resolved(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def off() -> Tally:
        return Tally(received=2, routed=1)

    with monkeypatch.context() as patched:
        patched.setattr(app.store, "tally", off)
        assert await pass_over(app) == ["balance.off: the totals do not balance"]
        assert await pass_over(app, after=60) == []
    assert await pass_over(app, after=WINDOW) == []  # one look may be a fluke
    assert await pass_over(app, after=GONE_SECONDS) == ["balance.off: resolved: the totals do not balance"]


async def test_a_parked_delivery_is_resolved_only_when_it_is_no_longer_parked(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    document = await app.routed("invoice")
    for _ in range(20):
        app.later(100_000)
        await app.work()
    (task,) = [item for item in await app.tasks("deliver") if item.state is TaskState.PARKED]
    assert await pass_over(app, after=WINDOW) == []
    app.words.broken = None
    await route_by_hand(document.id, manual_routing.RoutingDecision(to="contract"), app.context)
    choice = ReplayFilter(parked=True)
    async for item in selected_documents(choice, app.context):
        await carry_out(await foreseen(item, choice, app.context), app.context)
    await app.work()
    assert await pass_over(app) == [f"delivery.failed: resolved: delivery to {place(task.details['to'])} failed"]


async def test_credits_are_resolved_when_submission_goes_on(app: InMemoryApp) -> None:
    app.cloud.broken = OutOfCredits("402")
    await app.ingest()
    await app.work()
    assert [alert.kind for alert, _ in app.channel.told] == ["submission.paused"]
    assert await pass_over(app, after=WINDOW) == []
    app.cloud.broken = None
    told = await pass_over(app, after=WINDOW)  # one submission looks, and is taken
    assert not any("resolved" in item for item in told)
    await pass_over(app)
    told = await pass_over(app, after=GONE_SECONDS)
    assert any(item.startswith("submission.paused: resolved") for item in told)


async def test_what_comes_again_after_it_was_resolved_is_told_at_once(app: InMemoryApp) -> None:
    first = await app.submitted(name="a.pdf")
    await pass_over(app, after=DEADLINE + GRACE + 1)
    app.cloud.classified(first.job_id, "contract")
    await app.event(first.job_id)
    await app.work()
    await pass_over(app, after=WINDOW)
    await app.submitted(name="b.pdf", content=b"another")
    assert await pass_over(app, after=DEADLINE + GRACE + 1) == ["document.overdue: b.pdf is past its deadline"]


async def test_a_type_that_has_become_uncertain_is_told_once_a_day_and_resolved(app: InMemoryApp) -> None:
    for number in range(25):
        await app.routed("invoice", 0.95, name=f"{number}.pdf", content=b"before %d" % number)
    app.later(2 * DAY)
    for number in range(25):
        await app.routed("invoice", 0.5, name=f"{number}.pdf", content=b"now %d" % number)
    (told,) = await pass_over(app, after=1)
    assert told == ("quality.changed: 100% of the documents of type invoice are uncertain; in the previous days 0%")
    assert await pass_over(app, after=2 * 3600) == []
    for number in range(200):
        await app.routed("invoice", 0.95, name=f"{number}.pdf", content=b"mended %d" % number)
    assert await pass_over(app, after=3601) == []
    assert [told.split(":")[1] for told in await pass_over(app, after=GONE_SECONDS)] == [" resolved"]
