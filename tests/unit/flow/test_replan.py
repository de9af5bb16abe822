"""A changed table, a person's word, a new cut: what is delivered and said then, and what is not said again."""

from dataclasses import replace
from operator import itemgetter

import pytest

from receiver.core.change import Update, changed
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState, Receipt
from receiver.core.errors import DestinationBusy, NotAllowed
from receiver.core.meaning import Meaning
from receiver.core.task import TaskState
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.forget import forget_content
from receiver.flow.process import process
from receiver.flow.replay import Choice, Replay, carry_out, chosen, foreseen
from tests.desk import TABLE, Desk
from tests.unit.flow.test_packets import BY_CATEGORY, split
from tests.unit.flow.test_recut import by_hand as recut_by_hand

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
RENAMED = TABLE.replace("- type: invoice\n", "- type: invoice\n    name: bills\n", 1)
ELSEWHERE = TABLE.replace("words://invoices", "words://accounts")
LEGAL = TABLE.replace("bytes://contracts/", "bytes://legal/")


async def replayed(desk: Desk, **choice: object) -> list[Replay]:
    """What a replay did to each document, and all that followed."""
    wanted = Choice(**choice)  # type: ignore[arg-type]
    done = []
    async for document in chosen(wanted, desk.tools):
        done.append(await foreseen(document, wanted, desk.tools))
        assert await carry_out(done[-1], desk.tools)
    await desk.work()
    return done


async def rerouted(desk: Desk, table: str) -> list[str]:
    desk.use(table)
    return [one.deed for one in await replayed(desk, since=0.0, reroute=True)]


def told(desk: Desk) -> list[tuple[str, Meaning, int]]:
    """The messages by their numbers; those of one plan have the same number, and no order."""
    return sorted(((one.url, one.meaning, one.sequence) for one in desk.words.parcels), key=itemgetter(2, 0))


async def test_a_row_by_another_name_and_back_sends_nothing_again(desk: Desk) -> None:
    document = await desk.routed("invoice")
    for table in (RENAMED, TABLE):
        assert await rerouted(desk, table) == ["nothing"]
        await replayed(desk, ids=(document.id,))
    assert told(desk) == [("words://invoices", Meaning.ROUTED, 1)]


TAGGED = TABLE.replace('"bytes://invoices/"', '{to: "bytes://invoices/", tags: team=finance}')
GROUPED = TABLE.replace('"words://invoices"', '{to: "words://invoices", group: type}')


async def test_another_option_of_a_place_is_given_to_what_lies_there_once_and_nobody_is_told(desk: Desk) -> None:
    document = await desk.routed("invoice")
    for table, options in ((TAGGED, {"tags": "team=finance"}), (TABLE, {})):
        desk.use(table)
        (replay,) = await replayed(desk, since=0.0, reroute=True)
        assert (replay.deed, replay.detail) == ("reroute", "options of bytes://invoices/: tags")
        last = desk.bytes.parcels[-1]
        assert (last.options, last.again, last.options_changed) == (options, True, True)
        assert await rerouted(desk, table) == ["nothing"]
        assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert len(desk.bytes.parcels) == 3
    assert told(desk) == [("words://invoices", Meaning.ROUTED, 1)]
    await replayed(desk, ids=(document.id,))
    assert not desk.bytes.parcels[-1].options_changed


async def test_another_option_of_a_queue_sends_nothing_that_has_arrived_again(desk: Desk) -> None:
    await desk.routed("invoice")
    assert await rerouted(desk, GROUPED) == ["nothing"]
    assert told(desk) == [("words://invoices", Meaning.ROUTED, 1)]


async def test_what_waits_for_a_queue_goes_with_the_new_options(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("403")
    document = await desk.routed("invoice")
    desk.words.broken = None
    desk.use(GROUPED)
    desk.later(3600)
    (replay,) = await replayed(desk, since=0.0, reroute=True)
    assert replay.detail == "options of words://invoices: group"
    assert [(one.options, one.document.id) for one in desk.words.parcels] == [({"group": "type"}, document.id)]


async def test_another_queue_is_told_where_it_is_and_the_old_one_that_it_is_not_its_affair_any_more(desk: Desk) -> None:
    document = await desk.routed("invoice")
    assert await rerouted(desk, ELSEWHERE) == ["reroute"]
    first, second, third = sorted(desk.words.parcels, key=lambda one: (one.sequence, one.url))
    assert told(desk)[1:] == [("words://accounts", Meaning.CORRECTED, 2), ("words://invoices", Meaning.SUPERSEDED, 2)]
    assert (second.replaces, third.replaces) == ("", first.delivery_id)
    assert (second.pointer.url, third.pointer.url) == (f"bytes://invoices/{document.id}/letter.pdf", "")
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert await rerouted(desk, ELSEWHERE) == ["nothing"]


async def test_there_and_back_no_bytes_are_delivered_again_and_each_queue_knows_what_holds(desk: Desk) -> None:
    document = await desk.routed("invoice")
    for table in (ELSEWHERE, TABLE, ELSEWHERE):
        assert await rerouted(desk, table) == ["reroute"]
    assert len(desk.bytes.parcels) == 1
    last = {one.url: (one.meaning, one.sequence) for one in desk.words.parcels}
    assert last == {"words://accounts": (Meaning.CORRECTED, 4), "words://invoices": (Meaning.SUPERSEDED, 4)}
    assert len({one.delivery_id for one in desk.words.parcels}) == 7
    after = await desk.document(document.id)
    assert [(one.place, one.superseded) for one in after.deliveries] == [
        (f"bytes://invoices/{document.id}/letter.pdf", False),
        ("words://accounts", False),
        ("words://invoices", True),
    ]


async def test_another_bucket_and_back_finds_the_first_object_and_says_where_to_look(desk: Desk) -> None:
    document = await desk.routed("invoice")
    for table in (TABLE.replace("bytes://invoices/", "bytes://bills/"), TABLE):
        assert await rerouted(desk, table) == ["reroute"]
    places = [f"bytes://{prefix}/{document.id}/letter.pdf" for prefix in ("invoices", "bills")]
    assert [one.url for one in desk.bytes.parcels] == places
    assert [(one.meaning, one.pointer.url) for one in desk.words.parcels] == [
        (Meaning.ROUTED, places[0]), (Meaning.CORRECTED, places[1]), (Meaning.CORRECTED, places[0]),
    ]  # fmt: skip


async def test_a_queue_that_is_added_to_a_row_is_told_and_the_other_one_is_not_told_again(desk: Desk) -> None:
    await desk.routed("invoice")
    await rerouted(desk, TABLE.replace('"words://invoices"', '"words://invoices", "words://audit"'))
    assert told(desk) == [("words://invoices", Meaning.ROUTED, 1), ("words://audit", Meaning.CORRECTED, 2)]


async def test_only_what_a_table_moves_is_touched_when_everything_is_held_against_it(desk: Desk) -> None:
    for number in range(7):
        await desk.routed("invoice" if number % 2 else "contract", name=f"{number}.pdf", content=b"%d" % number)
    before = [one for one in await desk.all(Document) if one.type == "invoice"]
    assert sorted(await rerouted(desk, LEGAL)) == ["nothing"] * 3 + ["reroute"] * 4
    assert [one for one in await desk.all(Document) if one.type == "invoice"] == before


async def test_what_was_forgotten_and_is_not_moved_stays_routed(desk: Desk) -> None:
    for number in range(7):
        await desk.routed("invoice", name=f"{number}.pdf", content=b"%d" % number)
    desk.later(MONTH)
    assert (await forget_content(desk.tools))[0] == 7
    before, parcels = await desk.all(Document), len(desk.bytes.parcels)
    assert await rerouted(desk, LEGAL) == ["nothing"] * 7
    assert (await desk.all(Document), len(desk.bytes.parcels)) == (before, parcels)
    done = await replayed(desk, since=0.0)
    assert [one.deed for one in done] == ["redeliver"] * 7
    assert {one.state for one in await desk.all(Document)} == {DocumentState.ROUTED}
    assert all(one.again for one in desk.bytes.parcels[parcels:])


async def test_what_was_forgotten_and_is_moved_is_copied_from_where_it_was_delivered(desk: Desk) -> None:
    document = await desk.routed("contract", content=b"%PDF the deed")
    desk.later(MONTH)
    await forget_content(desk.tools)
    assert await rerouted(desk, LEGAL) == ["reroute"]
    assert desk.bytes.objects[f"bytes://legal/{document.id}/letter.pdf"] == b"%PDF the deed"
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize("how", ["table", "again", "hand"])
async def test_what_was_forgotten_and_has_no_copy_left_is_said_and_not_touched(desk: Desk, how: str) -> None:
    document = await desk.routed("contract")
    desk.later(MONTH)
    await forget_content(desk.tools)
    desk.bytes.objects.clear()
    before = await desk.document(document.id)
    if how == "hand":
        await desk.store.apply(Update(replace(before, state=DocumentState.FAILED)))
        before = await desk.document(document.id)
        with pytest.raises(NotAllowed, match="were forgotten on 2027-02-15, and no copy can be read"):
            await route_by_hand(document.id, Word(to="invoice"), desk.tools)
    else:
        desk.use(LEGAL)
        (done,) = await replayed(desk, ids=(document.id,), reroute=how == "table")
        assert done.deed == "nothing"
        assert "no copy can be read where it was delivered; take the same file in again" in done.detail
    assert await desk.document(document.id) == before


async def test_what_waits_for_a_broken_place_goes_another_way_with_a_new_table(desk: Desk) -> None:
    desk.bytes.broken = DestinationBusy("503")
    document = await desk.routed("contract")
    for _ in range(20):
        desk.later(100_000)
        await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.REVIEW
    desk.bytes.broken = None
    assert await rerouted(desk, LEGAL) == ["reroute"]
    after = await desk.document(document.id)
    assert (after.state, [one.place for one in after.deliveries]) == (
        DocumentState.ROUTED,
        [f"bytes://legal/{document.id}/letter.pdf"],
    )
    assert not [task for task in await desk.tasks("deliver") if task.state is TaskState.PARKED]
    await rerouted(desk, TABLE)  # back to where it was given up: a task of its own makes the delivery
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert f"bytes://contracts/{document.id}/letter.pdf" in desk.bytes.objects


async def test_a_delivery_under_way_while_the_table_changes_keeps_its_receipt(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    (react,) = await desk.store.claim(owner="one", now=desk.now, lease_seconds=60)
    await process(react, desk.tools)
    place = desk.bytes

    class Slow:
        holds_bytes, faults, probe = True, place.faults, place.probe

        async def deliver(self, parcel):  # type: ignore[no-untyped-def]
            receipt = await place.deliver(parcel)
            desk.use(LEGAL)
            wanted = Choice(ids=(document.id,), reroute=True)
            assert await carry_out(await foreseen(await desk.document(document.id), wanted, desk.tools), desk.tools)
            return receipt

    (task,) = await desk.store.claim(owner="slow", now=desk.now, lease_seconds=60)
    desk.tools = replace(desk.tools, destinations={**desk.tools.destinations, "bytes": Slow()})
    await process(task, desk.tools)
    desk.tools = replace(desk.tools, destinations={**desk.tools.destinations, "bytes": place})
    await desk.work()
    after = await desk.document(document.id)
    assert after.state is DocumentState.ROUTED
    assert [(one.place, one.done, one.superseded) for one in after.deliveries] == [
        (f"bytes://legal/{document.id}/letter.pdf", True, False),
        (f"bytes://contracts/{document.id}/letter.pdf", True, True),
    ]


# --- a person's word

REVIEWED = TABLE.replace(
    'no_match: {to: ["bytes://unsorted/"], review: true}',
    'no_match: {to: ["bytes://unsorted/", "words://unsorted"], review: true}',
)


async def test_a_persons_first_word_on_a_document_is_no_correction(desk: Desk) -> None:
    desk.use(REVIEWED)
    document = await desk.routed(None)
    await route_by_hand(document.id, Word(type="invoice", who="Ada"), desk.tools)
    await desk.work()
    assert told(desk) == [
        ("words://unsorted", Meaning.UNMATCHED, 1),
        ("words://invoices", Meaning.ROUTED, 2),
        ("words://unsorted", Meaning.SUPERSEDED, 2),
    ]


async def test_a_word_that_leaves_a_document_where_it_lies_tells_the_same_queue_that_nobody_is_waited_for(
    desk: Desk,
) -> None:
    desk.use(REVIEWED)
    document = await desk.routed(None)
    await route_by_hand(document.id, Word(to="no_match"), desk.tools)
    await desk.work()
    assert told(desk) == [("words://unsorted", Meaning.UNMATCHED, 1), ("words://unsorted", Meaning.ROUTED, 2)]
    assert len(desk.bytes.parcels) == 1


# --- a new cut


async def test_the_consumers_of_a_piece_that_is_cut_otherwise_are_told(desk: Desk) -> None:
    desk.use(BY_CATEGORY)
    packet = await split(desk)
    await recut_by_hand(desk, packet, "1-4=contract")
    assert [one.meaning for one in desk.words.parcels] == [Meaning.ROUTED, Meaning.SUPERSEDED]
    piece = await desk.document(desk.words.parcels[1].document.id)
    assert piece.state is DocumentState.WITHDRAWN
    tally = await desk.store.tally()
    assert (tally.balanced, tally.open) == (True, 0)


# --- records of an earlier Mailroom


def as_released(document: Document) -> Document:
    """The document as the released code wrote it: deliveries by the name of their row, without what they said."""
    rows = tuple(
        Delivery(
            id=f"dlv_old{number}", to=one.to, route=one.route, state=one.state, delivered_at=one.delivered_at,
            receipt=Receipt(location=one.receipt.location, checksum=one.receipt.checksum) if one.receipt else None,
        )
        for number, one in enumerate(document.deliveries)
    )  # fmt: skip
    return replace(document, deliveries=rows, sequence=0, placed=False)


async def upgraded(desk: Desk, type_: str | None) -> Document:
    document = await desk.routed(type_)
    await desk.store.apply(Update(as_released(document)))
    desk.bytes.parcels.clear()
    desk.words.parcels.clear()
    return await desk.document(document.id)


async def test_what_the_released_code_delivered_is_not_sent_again(desk: Desk) -> None:
    document = await upgraded(desk, "invoice")
    assert await rerouted(desk, RENAMED) == ["nothing"]
    await replayed(desk, ids=(document.id,))
    assert (told(desk), [one.again for one in desk.bytes.parcels]) == ([], [True])
    after = await desk.document(document.id)
    assert (after.state, [one.id for one in after.deliveries]) == (DocumentState.ROUTED, ["dlv_old0", "dlv_old1"])


async def test_what_the_released_code_told_is_corrected_under_the_id_that_its_consumer_knows(desk: Desk) -> None:
    await upgraded(desk, "invoice")
    assert await rerouted(desk, ELSEWHERE) == ["reroute"]
    assert told(desk) == [("words://accounts", Meaning.CORRECTED, 1), ("words://invoices", Meaning.SUPERSEDED, 1)]
    assert {one.url: one.replaces for one in desk.words.parcels} == {
        "words://accounts": "", "words://invoices": "dlv_old1",
    }  # fmt: skip
    assert desk.bytes.parcels == []


async def test_a_delivery_that_the_released_code_began_is_ended(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    document = await desk.routed("invoice")
    old = as_released(document)
    pending = next(one for one in old.deliveries if one.state is DeliveryState.PENDING)
    task = next(one for one in await desk.tasks("deliver") if one.state is TaskState.READY)
    await desk.store.apply(Update(old), Update(changed(task, details={**task.details, "delivery_id": pending.id})))
    desk.words.broken = None
    desk.later(5)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert [(one.delivery_id, one.meaning) for one in desk.words.parcels] == [(pending.id, Meaning.ROUTED)]
