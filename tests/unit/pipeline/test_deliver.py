"""Each destination has its own receipt; none holds another back; nothing is delivered twice in effect."""

from dataclasses import replace

import pytest

from handlers.destinations.manifest import manifest_attributes
from receiver.core.change import Replace
from receiver.core.delivery_request import DeliveryRequest, PointerState
from receiver.core.document import DeliveryState, DocumentState, Receipt
from receiver.core.errors import DeliveryConflict, DestinationBusy
from receiver.core.links import ContentLinks
from receiver.core.message_type import Meaning
from receiver.core.task import TaskState
from receiver.pipeline.deliver import deliver
from receiver.pipeline.pause import FOR_EVER, pause
from receiver.pipeline.process import process
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryDestination

pytestmark = pytest.mark.anyio


LINKS = ContentLinks(base="https://documents.example.com", days=7, secrets=(b"a-secret-of-ours-alone",))
QUARTER = 15 * 60.0
TWO_PLACES = TABLE.replace('"bytes://invoices/", "words://invoices"', '"bytes://a/", "words://invoices", "bytes://b/"')


def said(app: InMemoryApp) -> list[tuple[str, str, PointerState]]:
    return [(item.meaning, item.pointer.url, item.pointer.state) for item in app.words.requests]


async def test_the_words_follow_the_bytes_and_point_to_them(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    place = f"bytes://invoices/{document.id}/letter.pdf"
    assert said(app) == [(Meaning.ROUTED, place, PointerState.STORED)]


async def test_one_503_at_the_first_put_delays_the_words_until_the_object_is_there(app: InMemoryApp) -> None:
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("invoice")
    assert (app.words.requests, document.state) == ([], DocumentState.OPEN)
    app.bytes.broken = None
    app.later(5)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert said(app) == [(Meaning.ROUTED, f"bytes://invoices/{document.id}/letter.pdf", PointerState.STORED)]
    app.later(QUARTER)
    await app.work()
    assert len(app.words.requests) == 1


async def test_the_words_wait_for_every_place_that_holds_the_document(app: InMemoryApp) -> None:
    app.use(TWO_PLACES)
    second = InMemoryDestination(holds_bytes=True, broken=DestinationBusy("503"))
    app.context = replace(app.context, destinations={**app.context.destinations, "bytes": Either(app.bytes, second)})
    document = await app.routed("invoice")
    assert ([item.done for item in document.holders], app.words.requests) == ([True, False], [])
    second.broken = None
    app.later(5)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, f"bytes://a/{document.id}/letter.pdf", PointerState.STORED)]


class Either:
    """Two places of one scheme: what is for ``bytes://b/`` goes to the second."""

    holds_bytes = True

    def __init__(self, first: InMemoryDestination, second: InMemoryDestination) -> None:
        self._places = first, second
        self.faults, self.probe = first.faults, first.probe

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        return await self._places[request.url.startswith("bytes://b/")].deliver(request)


async def test_after_a_quarter_of_an_hour_they_say_that_it_is_not_there_and_then_a_second_message_where_it_is(
    app: InMemoryApp,
) -> None:
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("invoice")
    app.later(QUARTER - 1)
    await app.work()
    assert app.words.requests == []
    app.later(1)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    app.bytes.broken = None
    app.later(4 * 3600)
    await app.work()
    place = f"bytes://invoices/{document.id}/letter.pdf"
    assert said(app)[1:] == [(Meaning.AVAILABLE, place, PointerState.STORED)]
    first, second = app.words.requests
    assert (second.sequence, second.replaces) == (first.sequence + 1, first.delivery_id)
    assert (second.delivery_id != first.delivery_id, second.at) == (True, app.now)
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_the_second_message_names_the_row_that_the_first_one_named(app: InMemoryApp) -> None:
    archive = 'routes:\n  - {type: "*", name: archive, continue: true, to: words://archive/}\n'
    app.use(TABLE.replace("routes:\n", archive))
    app.bytes.broken = DestinationBusy("503")
    await app.routed("invoice")
    app.later(QUARTER)
    await app.work()
    app.bytes.broken = None
    app.later(4 * 3600)
    await app.work()
    told = [
        (item.meaning, manifest_attributes(item)["route"])
        for item in app.words.requests
        if item.url.startswith("words://archive")
    ]
    assert told == [(Meaning.ROUTED, "archive"), (Meaning.AVAILABLE, "archive")]


async def test_a_table_says_how_long_they_wait(app: InMemoryApp) -> None:
    app.use(TABLE + "message_wait: 1 minute\n")
    app.bytes.broken = DestinationBusy("503")
    await app.routed("invoice")
    app.later(60)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, "", PointerState.PENDING)]


async def test_a_place_that_is_paused_does_not_hold_them_back_for_ever(app: InMemoryApp) -> None:
    await app.store.apply(await pause("bytes://invoices", FOR_EVER, app.context))
    document = await app.routed("invoice")
    app.later(QUARTER)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    await app.store.apply(await pause("bytes://invoices", 0, app.context))
    app.later(61)
    await app.work()
    assert [item.meaning for item in app.words.requests] == [Meaning.ROUTED, Meaning.AVAILABLE]
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_a_conflict_waits_for_a_person_at_once_though_the_words_are_still_to_come(app: InMemoryApp) -> None:
    app.bytes.broken = DeliveryConflict("another object lies there")
    document = await app.routed("invoice")
    assert (document.state, app.words.requests) == (DocumentState.REVIEW, [])
    app.later(QUARTER)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, "", PointerState.PENDING)]
    assert (await app.document(document.id)).state is DocumentState.REVIEW


async def test_a_worker_that_dies_at_the_bytes_does_not_hold_the_words_back_for_ever(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id)
    (react,) = await app.store.claim(owner="one", now=app.now, lease_seconds=60)
    await process(react, app.context)
    await app.store.claim(owner="dies", now=app.now, lease_seconds=60)
    app.bytes.broken = DestinationBusy("503")
    await app.workers_die()
    app.later(QUARTER)
    await app.work()
    assert said(app) == [(Meaning.ROUTED, "", PointerState.PENDING)]


async def test_words_of_a_row_that_stores_nothing_point_to_nothing_and_say_so(app: InMemoryApp) -> None:
    app.use(TABLE.replace('"bytes://invoices/", "words://invoices"', '"words://invoices"'))
    await app.routed("invoice")
    assert said(app) == [(Meaning.ROUTED, "", PointerState.NONE)]


async def test_where_links_are_served_they_point_to_what_only_mailroom_holds(app: InMemoryApp) -> None:
    app.context = replace(app.context, links=LINKS)
    app.use(TABLE.replace('"bytes://invoices/", "words://invoices"', '"words://invoices"'))
    document = await app.routed("invoice")
    (message,) = app.words.requests
    assert message.pointer.state is PointerState.LINKED
    for url, what in ((message.pointer.url, "content"), (message.pointer.manifest, "manifest")):
        path, _, token = url.partition("?token=")
        assert path == f"https://documents.example.com/documents/{document.id}/{what}"
        assert LINKS.proves(token, document.id, now=app.now)


async def test_until_the_document_is_stored_a_link_opens_it(app: InMemoryApp) -> None:
    app.context = replace(app.context, links=LINKS)
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("invoice")
    app.later(QUARTER)
    await app.work()
    ((_, url, state),) = said(app)
    assert state is PointerState.PENDING
    assert LINKS.proves(url.partition("?token=")[2], document.id, now=app.now)


async def test_an_exhausted_delivery_waits_in_review_with_one_alert_and_the_other_is_made(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("connection refused")
    document = await app.routed("invoice")
    for _ in range(20):
        app.later(100_000)
        await app.work()
    after = await app.document(document.id)
    assert after.state is DocumentState.REVIEW
    assert [item.state for item in after.deliveries] == [DeliveryState.DELIVERED, DeliveryState.FAILED]
    assert [meaning.kind for meaning, _ in app.channel.told if not meaning.reminder] == ["delivery.failed"]
    assert (await app.store.tally()).balanced


async def test_a_conflict_is_for_a_person_and_is_not_retried(app: InMemoryApp) -> None:
    app.bytes.broken = DeliveryConflict("another object lies there")
    document = await app.routed("invoice")
    assert document.deliveries[0].state is DeliveryState.CONFLICT
    assert [alert.kind for alert, _ in app.channel.told] == ["delivery.conflict"]
    assert [task.attempts for task in await app.tasks("deliver") if task.state is TaskState.PARKED] == [1]


async def test_a_crash_between_delivery_and_its_record_delivers_the_same_parcel_again(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    (react,) = await app.store.claim(owner="one", now=app.now, lease_seconds=60)
    await process(react, app.context)
    (task,) = await app.store.claim(owner="crashes", now=app.now, lease_seconds=60)
    await deliver(task, app.context)  # the parcel is out, and nothing is written
    await app.workers_die()
    await app.work()
    assert [request.delivery_id for request in app.bytes.requests] == [
        document_delivery(await app.document(document.id))
    ] * 2
    assert (await app.document(document.id)).state is DocumentState.ROUTED


def document_delivery(document: object) -> str:
    return document.deliveries[0].id  # type: ignore[attr-defined, no-any-return]


async def test_a_worker_that_lost_its_lease_writes_nothing(app: InMemoryApp) -> None:
    await app.ingest()
    (slow,) = await app.store.claim(owner="slow", now=app.now, lease_seconds=60)
    await app.workers_die()
    await app.work()
    before = await app.tasks("submit")
    done = await process(slow, app.context)
    assert done.outcome == "lost"
    assert await app.tasks("submit") == before


async def test_a_record_that_changed_meanwhile_is_read_again_without_a_second_delivery(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    (react,) = await app.store.claim(owner="one", now=app.now, lease_seconds=60)
    await process(react, app.context)
    (task,) = await app.store.claim(owner="one", now=app.now, lease_seconds=60)
    place = app.bytes

    class Meddling:
        holds_bytes, faults, probe = True, place.faults, place.probe

        async def deliver(self, request):  # type: ignore[no-untyped-def]
            receipt = await place.deliver(request)
            current = await app.document(document.id)
            await app.store.apply(Replace(current.note(app.now, "meddled")))
            return receipt

    await process(task, replace(app.context, destinations={"bytes": Meddling()}))
    after = await app.document(document.id)
    assert after.state is DocumentState.ROUTED
    assert "meddled" in [entry.what for entry in after.history]
    assert len(app.bytes.requests) == 1


async def test_a_paused_destination_keeps_its_backlog_and_then_goes_on(app: InMemoryApp) -> None:
    await app.store.apply(await pause("bytes://contracts", FOR_EVER, app.context))
    document = await app.routed("contract")
    app.later(3600)
    await app.work()
    assert (app.bytes.requests, (await app.document(document.id)).state) == ([], DocumentState.OPEN)
    await app.store.apply(await pause("bytes://contracts", 0, app.context))
    app.later(61)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
