"""What a person should know though nothing failed is told once; and told again when it is over."""

from dataclasses import replace

import pytest

from receiver.core.change import Tally, Update
from receiver.core.errors import CloudBusy, DestinationBusy, OutOfCredits
from receiver.core.incident import NATURES, Nature
from receiver.core.naming import place
from receiver.core.notice import Word
from receiver.core.task import TaskState
from receiver.flow import by_hand
from receiver.flow.assess import GONE_SECONDS
from receiver.flow.by_hand import route_by_hand
from receiver.flow.replay import Choice, carry_out, chosen, foreseen
from receiver.flow.sweep import sweep
from receiver.flow.watch import EXPIRING, GRACE, watch
from tests.desk import Desk

pytestmark = pytest.mark.anyio
DEADLINE, WINDOW, DAY = 600.0, 601.0, 86400.0


async def pass_over(desk: Desk, *, after: float = 0.0) -> list[str]:
    """One sweep, later, with all that follows; the kinds and titles that were told by it."""
    desk.later(after)
    told = len(desk.channel.told)
    await sweep(desk.tools)
    await desk.work()
    return [
        f"{notice.kind}: {'resolved: ' if notice.word is Word.RESOLVED else ''}{notice.title}"
        for notice, _ in desk.channel.told[told:]
        if not notice.reminder
    ]


async def test_every_condition_is_looked_for(desk: Desk) -> None:
    conditions = {kind for kind, nature in NATURES.items() if nature is Nature.CONDITION}
    assert set((await watch(desk.tools)).conditions) == conditions


async def test_a_document_past_its_deadline_is_told_once_however_many_sweeps(desk: Desk) -> None:
    await desk.submitted(name="lease.pdf")
    assert await pass_over(desk, after=DEADLINE + GRACE - 1) == []
    assert await pass_over(desk, after=2) == ["document.overdue: lease.pdf is past its deadline"]
    assert [await pass_over(desk, after=60) for _ in range(20)] == [[]] * 20


async def test_the_alarm_is_raised_while_llamacloud_is_away(desk: Desk) -> None:
    await desk.submitted(name="lease.pdf")
    desk.later(DEADLINE + GRACE + 1)
    desk.cloud.away = CloudBusy("nobody answers")
    with pytest.raises(CloudBusy):
        await sweep(desk.tools)
    await desk.work()
    assert [alert.kind for alert, _ in desk.channel.told] == ["document.overdue"]


async def test_a_thousand_overdue_documents_are_one_notice_with_a_count(desk: Desk) -> None:
    for number in range(450):
        await desk.submitted(name=f"{number}.pdf", content=b"%d" % number)
    assert len(await pass_over(desk, after=DEADLINE + GRACE + 1)) == 1
    (incident,) = await desk.incidents()
    assert (incident.count, incident.unmended) == (450, 450)


async def test_an_event_that_the_sweep_makes_good_is_no_alarm(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    assert await pass_over(desk, after=DEADLINE + 60) == []


async def test_overdue_is_resolved_when_the_document_has_its_place(desk: Desk) -> None:
    document = await desk.submitted()
    await pass_over(desk, after=DEADLINE + GRACE + 1)
    assert await pass_over(desk, after=WINDOW) == []  # it is overdue still
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    await desk.work()
    assert await pass_over(desk, after=1) == [f"document.overdue: resolved: {document.name} is past its deadline"]
    assert await pass_over(desk, after=WINDOW) == []  # and only once


async def test_a_source_that_is_about_to_expire_is_told_before_it_does(desk: Desk) -> None:
    document = await desk.submitted()
    expires_at = desk.now + EXPIRING + 2 * DEADLINE
    await desk.store.apply(Update(replace(document, file_expires_at=expires_at, deadline=desk.now + 60)))
    assert "source.expiring" not in " ".join(await pass_over(desk, after=100))
    told = await pass_over(desk, after=2 * DEADLINE)
    assert f"source.expiring: {document.name} expires at LlamaCloud in 6 h" in told


async def test_books_that_do_not_balance_are_an_alarm_and_resolved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def off() -> Tally:
        return Tally(taken_in=2, routed=1)

    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "tally", off)
        assert await pass_over(desk) == ["balance.off: the books do not balance"]
        assert await pass_over(desk, after=60) == []
    assert await pass_over(desk, after=WINDOW) == []  # one look may be a fluke
    assert await pass_over(desk, after=GONE_SECONDS) == ["balance.off: resolved: the books do not balance"]


async def test_a_parked_delivery_is_resolved_only_when_it_is_no_longer_parked(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    document = await desk.routed("invoice")
    for _ in range(20):
        desk.later(100_000)
        await desk.work()
    (task,) = [one for one in await desk.tasks("deliver") if one.state is TaskState.PARKED]
    assert await pass_over(desk, after=WINDOW) == []
    desk.words.broken = None
    await route_by_hand(document.id, by_hand.Word(to="contract"), desk.tools)
    choice = Choice(parked=True)
    async for one in chosen(choice, desk.tools):
        await carry_out(await foreseen(one, choice, desk.tools), desk.tools)
    await desk.work()
    assert await pass_over(desk) == [f"delivery.failed: resolved: delivery to {place(task.details['to'])} failed"]


async def test_credits_are_resolved_when_submission_goes_on(desk: Desk) -> None:
    desk.cloud.broken = OutOfCredits("402")
    await desk.take_in()
    await desk.work()
    assert [alert.kind for alert, _ in desk.channel.told] == ["submission.paused"]
    assert await pass_over(desk, after=WINDOW) == []
    desk.cloud.broken = None
    told = await pass_over(desk, after=WINDOW)  # one submission looks, and is taken
    assert not any("resolved" in one for one in told)
    await pass_over(desk)
    told = await pass_over(desk, after=GONE_SECONDS)
    assert any(one.startswith("submission.paused: resolved") for one in told)


async def test_what_comes_again_after_it_was_resolved_is_told_at_once(desk: Desk) -> None:
    first = await desk.submitted(name="a.pdf")
    await pass_over(desk, after=DEADLINE + GRACE + 1)
    desk.cloud.classified(first.job_id, "contract")
    await desk.event(first.job_id)
    await desk.work()
    await pass_over(desk, after=WINDOW)
    await desk.submitted(name="b.pdf", content=b"another")
    assert await pass_over(desk, after=DEADLINE + GRACE + 1) == ["document.overdue: b.pdf is past its deadline"]


async def test_a_type_that_has_become_uncertain_is_told_once_a_day_and_resolved(desk: Desk) -> None:
    for number in range(25):
        await desk.routed("invoice", 0.95, name=f"{number}.pdf", content=b"before %d" % number)
    desk.later(2 * DAY)
    for number in range(25):
        await desk.routed("invoice", 0.5, name=f"{number}.pdf", content=b"now %d" % number)
    (told,) = await pass_over(desk, after=1)
    assert told == ("quality.changed: 100% of the documents of type invoice are uncertain; in the days before 0%")
    assert await pass_over(desk, after=2 * 3600) == []
    for number in range(200):
        await desk.routed("invoice", 0.95, name=f"{number}.pdf", content=b"mended %d" % number)
    assert await pass_over(desk, after=3601) == []
    assert [told.split(":")[1] for told in await pass_over(desk, after=GONE_SECONDS)] == [" resolved"]
