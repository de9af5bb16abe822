"""Each destination has its own receipt; none holds another back; nothing is delivered twice in effect."""

from dataclasses import replace

import pytest

from handlers.destinations.story import facts
from receiver.core.change import Update
from receiver.core.document import DeliveryState, DocumentState, Receipt
from receiver.core.errors import DeliveryConflict, DestinationBusy
from receiver.core.links import ContentLinks
from receiver.core.meaning import Meaning
from receiver.core.parcel import Parcel, PointerState
from receiver.core.task import TaskState
from receiver.flow.deliver import deliver
from receiver.flow.pause import FOR_EVER, pause
from receiver.flow.process import process
from tests.desk import TABLE, Desk, PlayedPlace

pytestmark = pytest.mark.anyio


LINKS = ContentLinks(base="https://documents.example.com", days=7, secrets=(b"a-secret-of-ours-alone",))
QUARTER = 15 * 60.0
TWO_PLACES = TABLE.replace('"bytes://invoices/", "words://invoices"', '"bytes://a/", "words://invoices", "bytes://b/"')


def said(desk: Desk) -> list[tuple[str, str, PointerState]]:
    return [(one.meaning, one.pointer.url, one.pointer.state) for one in desk.words.parcels]


async def test_the_words_follow_the_bytes_and_point_to_them(desk: Desk) -> None:
    document = await desk.routed("invoice")
    place = f"bytes://invoices/{document.id}/letter.pdf"
    assert said(desk) == [(Meaning.ROUTED, place, PointerState.STORED)]


async def test_one_503_at_the_first_put_delays_the_words_until_the_object_is_there(desk: Desk) -> None:
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("invoice")
    assert (desk.words.parcels, document.state) == ([], DocumentState.OPEN)
    desk.bytes.broken = None
    desk.later(5)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert said(desk) == [(Meaning.ROUTED, f"bytes://invoices/{document.id}/letter.pdf", PointerState.STORED)]
    desk.later(QUARTER)
    await desk.work()
    assert len(desk.words.parcels) == 1


async def test_the_words_wait_for_every_place_that_holds_the_document(desk: Desk) -> None:
    desk.use(TWO_PLACES)
    second = PlayedPlace(holds_bytes=True, broken=DestinationBusy("503"))
    desk.tools = replace(desk.tools, destinations={**desk.tools.destinations, "bytes": Either(desk.bytes, second)})
    document = await desk.routed("invoice")
    assert ([one.done for one in document.holders], desk.words.parcels) == ([True, False], [])
    second.broken = None
    desk.later(5)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, f"bytes://a/{document.id}/letter.pdf", PointerState.STORED)]


class Either:
    """Two places of one scheme: what is for ``bytes://b/`` goes to the second."""

    holds_bytes = True

    def __init__(self, first: PlayedPlace, second: PlayedPlace) -> None:
        self._places = first, second
        self.faults, self.probe = first.faults, first.probe

    async def deliver(self, parcel: Parcel) -> Receipt:
        return await self._places[parcel.url.startswith("bytes://b/")].deliver(parcel)


async def test_after_a_quarter_of_an_hour_they_say_that_it_is_not_there_and_then_a_second_message_where_it_is(
    desk: Desk,
) -> None:
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("invoice")
    desk.later(QUARTER - 1)
    await desk.work()
    assert desk.words.parcels == []
    desk.later(1)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    desk.bytes.broken = None
    desk.later(4 * 3600)
    await desk.work()
    place = f"bytes://invoices/{document.id}/letter.pdf"
    assert said(desk)[1:] == [(Meaning.AVAILABLE, place, PointerState.STORED)]
    first, second = desk.words.parcels
    assert (second.sequence, second.replaces) == (first.sequence + 1, first.delivery_id)
    assert (second.delivery_id != first.delivery_id, second.at) == (True, desk.now)
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


async def test_the_second_message_names_the_row_that_the_first_one_named(desk: Desk) -> None:
    archive = 'routes:\n  - {type: "*", name: archive, continue: true, to: words://archive/}\n'
    desk.use(TABLE.replace("routes:\n", archive))
    desk.bytes.broken = DestinationBusy("503")
    await desk.routed("invoice")
    desk.later(QUARTER)
    await desk.work()
    desk.bytes.broken = None
    desk.later(4 * 3600)
    await desk.work()
    told = [(one.meaning, facts(one)["route"]) for one in desk.words.parcels if one.url.startswith("words://archive")]
    assert told == [(Meaning.ROUTED, "archive"), (Meaning.AVAILABLE, "archive")]


async def test_a_table_says_how_long_they_wait(desk: Desk) -> None:
    desk.use(TABLE + "message_wait: 1 minute\n")
    desk.bytes.broken = DestinationBusy("503")
    await desk.routed("invoice")
    desk.later(60)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.PENDING)]


async def test_a_place_that_is_paused_does_not_hold_them_back_for_ever(desk: Desk) -> None:
    await desk.store.apply(await pause("bytes://invoices", FOR_EVER, desk.tools))
    document = await desk.routed("invoice")
    desk.later(QUARTER)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    await desk.store.apply(await pause("bytes://invoices", 0, desk.tools))
    desk.later(61)
    await desk.work()
    assert [one.meaning for one in desk.words.parcels] == [Meaning.ROUTED, Meaning.AVAILABLE]
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


async def test_a_conflict_waits_for_a_person_at_once_though_the_words_are_still_to_come(desk: Desk) -> None:
    desk.bytes.broken = DeliveryConflict("another object lies there")
    document = await desk.routed("invoice")
    assert (document.state, desk.words.parcels) == (DocumentState.REVIEW, [])
    desk.later(QUARTER)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    assert (await desk.document(document.id)).state is DocumentState.REVIEW


async def test_a_worker_that_dies_at_the_bytes_does_not_hold_the_words_back_for_ever(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "invoice")
    await desk.event(document.job_id)
    (react,) = await desk.store.claim(owner="one", now=desk.now, lease_seconds=60)
    await process(react, desk.tools)
    await desk.store.claim(owner="dies", now=desk.now, lease_seconds=60)
    desk.bytes.broken = DestinationBusy("503")
    await desk.workers_die()
    desk.later(QUARTER)
    await desk.work()
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.PENDING)]


async def test_words_of_a_row_that_stores_nothing_point_to_nothing_and_say_so(desk: Desk) -> None:
    desk.use(TABLE.replace('"bytes://invoices/", "words://invoices"', '"words://invoices"'))
    await desk.routed("invoice")
    assert said(desk) == [(Meaning.ROUTED, "", PointerState.NONE)]


async def test_where_links_are_served_they_point_to_what_only_mailroom_holds(desk: Desk) -> None:
    desk.tools = replace(desk.tools, links=LINKS)
    desk.use(TABLE.replace('"bytes://invoices/", "words://invoices"', '"words://invoices"'))
    document = await desk.routed("invoice")
    (message,) = desk.words.parcels
    assert message.pointer.state is PointerState.LINKED
    for url, what in ((message.pointer.url, "content"), (message.pointer.manifest, "manifest")):
        path, _, token = url.partition("?token=")
        assert path == f"https://documents.example.com/documents/{document.id}/{what}"
        assert LINKS.proves(token, document.id, now=desk.now)


async def test_until_the_document_is_stored_a_link_opens_it(desk: Desk) -> None:
    desk.tools = replace(desk.tools, links=LINKS)
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("invoice")
    desk.later(QUARTER)
    await desk.work()
    ((_, url, state),) = said(desk)
    assert state is PointerState.PENDING
    assert LINKS.proves(url.partition("?token=")[2], document.id, now=desk.now)


async def test_an_exhausted_delivery_waits_in_review_with_one_alert_and_the_other_is_made(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("connection refused")
    document = await desk.routed("invoice")
    for _ in range(20):
        desk.later(100_000)
        await desk.work()
    after = await desk.document(document.id)
    assert after.state is DocumentState.REVIEW
    assert [one.state for one in after.deliveries] == [DeliveryState.DELIVERED, DeliveryState.FAILED]
    assert [meaning.kind for meaning, _ in desk.channel.told if not meaning.reminder] == ["delivery.failed"]
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
