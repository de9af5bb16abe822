"""A changed table, a person's word, a new cut: what is delivered and said then, and what is not said again."""

from dataclasses import replace
from operator import itemgetter

import pytest

from receiver.core.change import Replace, changed
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState, Receipt
from receiver.core.errors import DestinationBusy, NotAllowed
from receiver.core.message_type import Meaning
from receiver.core.task import TaskState
from receiver.operations.expired_content import delete_content
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.replay import Replay, ReplayFilter, carry_out, foreseen, selected_documents
from receiver.pipeline.process import process
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.packets.test_correct import by_hand as recut_by_hand
from tests.unit.packets.test_packets import BY_CATEGORY, split

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
RENAMED = TABLE.replace("- type: invoice\n", "- type: invoice\n    name: bills\n", 1)
ELSEWHERE = TABLE.replace("words://invoices", "words://accounts")
LEGAL = TABLE.replace("bytes://contracts/", "bytes://legal/")


async def replayed(app: InMemoryApp, **choice: object) -> list[Replay]:
    """What a replay did to each document, and all that followed."""
    wanted = ReplayFilter(**choice)  # type: ignore[arg-type]
    done = []
    async for document in selected_documents(wanted, app.context):
        done.append(await foreseen(document, wanted, app.context))
        assert await carry_out(done[-1], app.context)
    await app.work()
    return done


async def rerouted(app: InMemoryApp, table: str) -> list[str]:
    app.use(table)
    return [item.action for item in await replayed(app, since=0.0, reroute=True)]


def told(app: InMemoryApp) -> list[tuple[str, Meaning, int]]:
    """The messages by their numbers; those of one plan have the same number, and no order."""
    return sorted(((item.url, item.meaning, item.sequence) for item in app.words.requests), key=itemgetter(2, 0))


async def test_a_row_by_another_name_and_back_sends_nothing_again(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for table in (RENAMED, TABLE):
        assert await rerouted(app, table) == ["nothing"]
        await replayed(app, ids=(document.id,))
    assert told(app) == [("words://invoices", Meaning.ROUTED, 1)]


TAGGED = TABLE.replace('"bytes://invoices/"', '{to: "bytes://invoices/", tags: team=finance}')
GROUPED = TABLE.replace('"words://invoices"', '{to: "words://invoices", group: type}')


async def test_another_option_of_a_place_is_given_to_what_lies_there_once_and_nobody_is_told(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for table, options in ((TAGGED, {"tags": "team=finance"}), (TABLE, {})):
        app.use(table)
        (replay,) = await replayed(app, since=0.0, reroute=True)
        assert (replay.action, replay.detail) == ("reroute", "options of bytes://invoices/: tags")
        last = app.bytes.requests[-1]
        assert (last.options, last.again, last.options_changed) == (options, True, True)
        assert await rerouted(app, table) == ["nothing"]
        assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert len(app.bytes.requests) == 3
    assert told(app) == [("words://invoices", Meaning.ROUTED, 1)]
    await replayed(app, ids=(document.id,))
    assert not app.bytes.requests[-1].options_changed


async def test_another_option_of_a_queue_sends_nothing_that_has_arrived_again(app: InMemoryApp) -> None:
    await app.routed("invoice")
    assert await rerouted(app, GROUPED) == ["nothing"]
    assert told(app) == [("words://invoices", Meaning.ROUTED, 1)]


async def test_what_waits_for_a_queue_goes_with_the_new_options(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("403")
    document = await app.routed("invoice")
    app.words.broken = None
    app.use(GROUPED)
    app.later(3600)
    (replay,) = await replayed(app, since=0.0, reroute=True)
    assert replay.detail == "options of words://invoices: group"
    assert [(item.options, item.document.id) for item in app.words.requests] == [({"group": "type"}, document.id)]


async def test_another_queue_is_told_where_it_is_and_the_old_one_that_it_is_not_its_affair_any_more(
    app: InMemoryApp,
) -> None:
    document = await app.routed("invoice")
    assert await rerouted(app, ELSEWHERE) == ["reroute"]
    first, second, third = sorted(app.words.requests, key=lambda item: item.sequence)
    assert told(app)[1:] == [("words://invoices", Meaning.SUPERSEDED, 2), ("words://accounts", Meaning.CORRECTED, 3)]
    assert (second.replaces, third.replaces) == (first.delivery_id, "")
    assert (second.pointer.url, third.pointer.url) == ("", f"bytes://invoices/{document.id}/letter.pdf")
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert await rerouted(app, ELSEWHERE) == ["nothing"]


async def test_there_and_back_no_bytes_are_delivered_again_and_each_queue_knows_what_holds(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for table in (ELSEWHERE, TABLE, ELSEWHERE):
        assert await rerouted(app, table) == ["reroute"]
    assert len(app.bytes.requests) == 1
    last = {item.url: (item.meaning, item.sequence) for item in app.words.requests}
    assert last == {"words://accounts": (Meaning.CORRECTED, 7), "words://invoices": (Meaning.SUPERSEDED, 6)}
    assert len({item.delivery_id for item in app.words.requests}) == 7
    after = await app.document(document.id)
    assert [(item.place, item.superseded) for item in after.deliveries] == [
        (f"bytes://invoices/{document.id}/letter.pdf", False),
        ("words://accounts", False),
        ("words://invoices", True),
    ]


async def test_another_bucket_and_back_finds_the_first_object_and_says_where_to_look(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for table in (TABLE.replace("bytes://invoices/", "bytes://bills/"), TABLE):
        assert await rerouted(app, table) == ["reroute"]
    places = [f"bytes://{prefix}/{document.id}/letter.pdf" for prefix in ("invoices", "bills")]
    assert [(item.url, item.again) for item in app.bytes.requests] == [
        *((place, False) for place in places),
        (places[0], True),  # it is looked for, because it did not count meanwhile
    ]
    assert [(item.meaning, item.pointer.url) for item in app.words.requests] == [
        (Meaning.ROUTED, places[0]), (Meaning.CORRECTED, places[1]), (Meaning.CORRECTED, places[0]),
    ]  # fmt: skip


async def test_a_queue_that_is_added_to_a_row_is_told_and_the_other_one_is_not_told_again(app: InMemoryApp) -> None:
    await app.routed("invoice")
    await rerouted(app, TABLE.replace('"words://invoices"', '"words://invoices", "words://audit"'))
    assert told(app) == [("words://invoices", Meaning.ROUTED, 1), ("words://audit", Meaning.CORRECTED, 2)]


async def test_only_what_a_table_moves_is_touched_when_everything_is_held_against_it(app: InMemoryApp) -> None:
    for number in range(7):
        await app.routed("invoice" if number % 2 else "contract", name=f"{number}.pdf", content=b"%d" % number)
    before = [item for item in await app.all(Document) if item.type == "invoice"]
    assert sorted(await rerouted(app, LEGAL)) == ["nothing"] * 3 + ["reroute"] * 4
    assert [item for item in await app.all(Document) if item.type == "invoice"] == before


async def test_what_was_forgotten_and_is_not_moved_stays_routed(app: InMemoryApp) -> None:
    for number in range(7):
        await app.routed("invoice", name=f"{number}.pdf", content=b"%d" % number)
    app.later(MONTH)
    assert (await delete_content(app.context))[0] == 7
    before, requests = await app.all(Document), len(app.bytes.requests)
    assert await rerouted(app, LEGAL) == ["nothing"] * 7
    assert (await app.all(Document), len(app.bytes.requests)) == (before, requests)
    done = await replayed(app, since=0.0)
    assert [item.action for item in done] == ["redeliver"] * 7
    assert {item.state for item in await app.all(Document)} == {DocumentState.ROUTED}
    assert all(item.again for item in app.bytes.requests[requests:])


async def test_what_was_forgotten_and_is_moved_is_copied_from_where_it_was_delivered(app: InMemoryApp) -> None:
    document = await app.routed("contract", content=b"%PDF the deed")
    app.later(MONTH)
    await delete_content(app.context)
    assert await rerouted(app, LEGAL) == ["reroute"]
    assert app.bytes.objects[f"bytes://legal/{document.id}/letter.pdf"] == b"%PDF the deed"
    assert (await app.document(document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize("how", ["table", "again", "hand"])
async def test_what_was_forgotten_and_has_no_copy_left_is_said_and_not_touched(app: InMemoryApp, how: str) -> None:
    document = await app.routed("contract")
    app.later(MONTH)
    await delete_content(app.context)
    app.bytes.objects.clear()
    before = await app.document(document.id)
    if how == "hand":
        await app.store.apply(Replace(replace(before, state=DocumentState.FAILED)))
        before = await app.document(document.id)
        with pytest.raises(NotAllowed, match="were removed by retention on 2027-02-15, and no copy can be read"):
            await route_by_hand(document.id, RoutingDecision(to="invoice"), app.context)
    else:
        app.use(LEGAL)
        (done,) = await replayed(app, ids=(document.id,), reroute=how == "table")
        assert done.action == "nothing"
        assert "no copy can be read where it was delivered; submit the same file again" in done.detail
    assert await app.document(document.id) == before


async def test_what_waits_for_a_broken_place_goes_another_way_with_a_new_table(app: InMemoryApp) -> None:
    app.bytes.broken = DestinationBusy("503")
    document = await app.routed("contract")
    for _ in range(20):
        app.later(100_000)
        await app.work()
    assert (await app.document(document.id)).state is DocumentState.REVIEW
    app.bytes.broken = None
    assert await rerouted(app, LEGAL) == ["reroute"]
    after = await app.document(document.id)
    assert (after.state, [item.place for item in after.deliveries]) == (
        DocumentState.ROUTED,
        [f"bytes://legal/{document.id}/letter.pdf"],
    )
    assert not [task for task in await app.tasks("deliver") if task.state is TaskState.PARKED]
    await rerouted(app, TABLE)  # back to where it was given up: a task of its own makes the delivery
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert f"bytes://contracts/{document.id}/letter.pdf" in app.bytes.objects


async def test_a_delivery_under_way_while_the_table_changes_keeps_its_receipt(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    (react,) = await app.store.claim(owner="one", now=app.now, lease_seconds=60)
    await process(react, app.context)
    place = app.bytes

    class Slow:
        holds_bytes, faults, probe = True, place.faults, place.probe

        async def deliver(self, request):  # type: ignore[no-untyped-def]
            receipt = await place.deliver(request)
            app.use(LEGAL)
            wanted = ReplayFilter(ids=(document.id,), reroute=True)
            assert await carry_out(await foreseen(await app.document(document.id), wanted, app.context), app.context)
            return receipt

    (task,) = await app.store.claim(owner="slow", now=app.now, lease_seconds=60)
    app.context = replace(app.context, destinations={**app.context.destinations, "bytes": Slow()})
    await process(task, app.context)
    app.context = replace(app.context, destinations={**app.context.destinations, "bytes": place})
    await app.work()
    after = await app.document(document.id)
    assert after.state is DocumentState.ROUTED
    assert [(item.place, item.done, item.superseded) for item in after.deliveries] == [
        (f"bytes://legal/{document.id}/letter.pdf", True, False),
        (f"bytes://contracts/{document.id}/letter.pdf", True, True),
    ]


# --- a person's word

REVIEWED = TABLE.replace(
    'no_match: {to: ["bytes://unsorted/"], review: true}',
    'no_match: {to: ["bytes://unsorted/", "words://unsorted"], review: true}',
)


async def test_a_persons_first_word_on_a_document_is_no_correction(app: InMemoryApp) -> None:
    app.use(REVIEWED)
    document = await app.routed(None)
    await route_by_hand(document.id, RoutingDecision(type="invoice", who="Ada"), app.context)
    await app.work()
    assert told(app) == [
        ("words://unsorted", Meaning.UNMATCHED, 1),
        ("words://unsorted", Meaning.SUPERSEDED, 2),
        ("words://invoices", Meaning.ROUTED, 3),
    ]


async def test_a_word_that_leaves_a_document_where_it_lies_tells_the_same_queue_that_nobody_is_waited_for(
    app: InMemoryApp,
) -> None:
    app.use(REVIEWED)
    document = await app.routed(None)
    await route_by_hand(document.id, RoutingDecision(to="no_match"), app.context)
    await app.work()
    assert told(app) == [("words://unsorted", Meaning.UNMATCHED, 1), ("words://unsorted", Meaning.ROUTED, 2)]
    assert len(app.bytes.requests) == 1


# --- a new cut


async def test_the_consumers_of_a_piece_that_is_cut_otherwise_are_told(app: InMemoryApp) -> None:
    app.use(BY_CATEGORY)
    packet = await split(app)
    await recut_by_hand(app, packet, "1-4=contract")
    assert [item.meaning for item in app.words.requests] == [Meaning.ROUTED, Meaning.SUPERSEDED]
    piece = await app.document(app.words.requests[1].document.id)
    assert piece.state is DocumentState.WITHDRAWN
    tally = await app.store.tally()
    assert (tally.balanced, tally.open) == (True, 0)


# --- records of an earlier Mailroom


def as_released(document: Document) -> Document:
    """The document as the released code wrote it: deliveries by the name of their row, without what they said."""
    rows = tuple(
        Delivery(
            id=f"dlv_old{number}", to=item.to, route=item.route, state=item.state, delivered_at=item.delivered_at,
            receipt=Receipt(location=item.receipt.location, checksum=item.receipt.checksum) if item.receipt else None,
        )
        for number, item in enumerate(document.deliveries)
    )  # fmt: skip
    return replace(document, deliveries=rows, sequence=0, placed=False)


async def upgraded(app: InMemoryApp, type_: str | None) -> Document:
    document = await app.routed(type_)
    await app.store.apply(Replace(as_released(document)))
    app.bytes.requests.clear()
    app.words.requests.clear()
    return await app.document(document.id)


async def test_what_the_released_code_delivered_is_not_sent_again(app: InMemoryApp) -> None:
    document = await upgraded(app, "invoice")
    assert await rerouted(app, RENAMED) == ["nothing"]
    await replayed(app, ids=(document.id,))
    assert (told(app), [item.again for item in app.bytes.requests]) == ([], [True])
    after = await app.document(document.id)
    assert (after.state, [item.id for item in after.deliveries]) == (DocumentState.ROUTED, ["dlv_old0", "dlv_old1"])


async def test_what_the_released_code_told_is_corrected_under_the_id_that_its_consumer_knows(app: InMemoryApp) -> None:
    await upgraded(app, "invoice")
    assert await rerouted(app, ELSEWHERE) == ["reroute"]
    assert told(app) == [("words://invoices", Meaning.SUPERSEDED, 1), ("words://accounts", Meaning.CORRECTED, 2)]
    assert {item.url: item.replaces for item in app.words.requests} == {
        "words://accounts": "", "words://invoices": "dlv_old1",
    }  # fmt: skip
    assert app.bytes.requests == []


async def test_a_delivery_that_the_released_code_began_is_ended(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    document = await app.routed("invoice")
    old = as_released(document)
    pending = next(item for item in old.deliveries if item.state is DeliveryState.PENDING)
    task = next(item for item in await app.tasks("deliver") if item.state is TaskState.READY)
    await app.store.apply(Replace(old), Replace(changed(task, details={**task.details, "delivery_id": pending.id})))
    app.words.broken = None
    app.later(5)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert [(item.delivery_id, item.meaning) for item in app.words.requests] == [(pending.id, Meaning.ROUTED)]
