"""Each destination has its own receipt; none holds another back; nothing is delivered twice in effect."""

from dataclasses import replace

import pytest

from receiver.core.change import Update
from receiver.core.document import DeliveryState, DocumentState
from receiver.core.errors import DeliveryConflict, DestinationBusy
from receiver.core.task import TaskState
from receiver.flow.deliver import deliver
from receiver.flow.pause import FOR_EVER, pause
from receiver.flow.process import process
from tests.desk import Desk

pytestmark = pytest.mark.anyio


async def test_the_words_follow_the_bytes_and_point_to_them(desk: Desk) -> None:
    document = await desk.routed("invoice")
    (parcel,) = desk.words.parcels
    assert parcel.pointer == f"bytes://invoices/{document.id}/letter.pdf"


async def test_a_broken_place_for_bytes_does_not_hold_back_the_words(desk: Desk) -> None:
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("invoice")
    assert [one.state for one in document.deliveries] == [DeliveryState.PENDING, DeliveryState.DELIVERED]
    assert document.state is DocumentState.OPEN
    desk.bytes.broken = None
    desk.later(5)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert len(desk.words.parcels) == 1


async def test_an_exhausted_delivery_waits_in_review_with_one_alert_and_the_other_is_made(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("connection refused")
    document = await desk.routed("invoice")
    for _ in range(20):
        desk.later(100_000)
        await desk.work()
    after = await desk.document(document.id)
    assert after.state is DocumentState.REVIEW
    assert [one.state for one in after.deliveries] == [DeliveryState.DELIVERED, DeliveryState.FAILED]
    assert [notice.kind for notice, _ in desk.channel.told if not notice.reminder] == ["delivery.failed"]
    assert (await desk.store.tally()).balanced


async def test_a_conflict_is_for_a_person_and_is_not_retried(desk: Desk) -> None:
    desk.bytes.broken = DeliveryConflict("another object lies there")
    document = await desk.routed("invoice")
    assert document.deliveries[0].state is DeliveryState.CONFLICT
    assert [alert.kind for alert, _ in desk.channel.told] == ["delivery.conflict"]
    assert [task.attempts for task in await desk.tasks("deliver") if task.state is TaskState.PARKED] == [1]


async def test_a_crash_between_delivery_and_its_record_delivers_the_same_parcel_again(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    (react,) = await desk.store.claim(owner="one", now=desk.now, lease_seconds=60)
    await process(react, desk.tools)
    (task,) = await desk.store.claim(owner="crashes", now=desk.now, lease_seconds=60)
    await deliver(task, desk.tools)  # the parcel is out, and nothing is written
    await desk.workers_die()
    await desk.work()
    assert [parcel.delivery_id for parcel in desk.bytes.parcels] == [
        document_delivery(await desk.document(document.id))
    ] * 2
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


def document_delivery(document: object) -> str:
    return document.deliveries[0].id  # type: ignore[attr-defined, no-any-return]


async def test_a_worker_that_lost_its_lease_writes_nothing(desk: Desk) -> None:
    await desk.take_in()
    (slow,) = await desk.store.claim(owner="slow", now=desk.now, lease_seconds=60)
    await desk.workers_die()
    await desk.work()
    before = await desk.tasks("submit")
    done = await process(slow, desk.tools)
    assert done.outcome == "lost"
    assert await desk.tasks("submit") == before


async def test_a_record_that_changed_meanwhile_is_read_again_without_a_second_delivery(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    (react,) = await desk.store.claim(owner="one", now=desk.now, lease_seconds=60)
    await process(react, desk.tools)
    (task,) = await desk.store.claim(owner="one", now=desk.now, lease_seconds=60)
    place = desk.bytes

    class Meddling:
        holds_bytes, faults, probe = True, place.faults, place.probe

        async def deliver(self, parcel):  # type: ignore[no-untyped-def]
            receipt = await place.deliver(parcel)
            current = await desk.document(document.id)
            await desk.store.apply(Update(current.note(desk.now, "meddled")))
            return receipt

    await process(task, replace(desk.tools, destinations={"bytes": Meddling()}))
    after = await desk.document(document.id)
    assert after.state is DocumentState.ROUTED
    assert "meddled" in [entry.what for entry in after.history]
    assert len(desk.bytes.parcels) == 1


async def test_a_paused_destination_keeps_its_backlog_and_then_goes_on(desk: Desk) -> None:
    await desk.store.apply(await pause("bytes://contracts", FOR_EVER, desk.tools))
    document = await desk.routed("contract")
    desk.later(3600)
    await desk.work()
    assert (desk.bytes.parcels, (await desk.document(document.id)).state) == ([], DocumentState.OPEN)
    await desk.store.apply(await pause("bytes://contracts", 0, desk.tools))
    desk.later(61)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
