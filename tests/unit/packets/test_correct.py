"""A person cuts a packet: the word is kept, pieces that stay are left alone, those that go are withdrawn."""

from unittest.mock import AsyncMock

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed, NotAllowed, NotFound, StoreBusy, Uncuttable
from receiver.core.follow_up import container_task
from receiver.core.job import JobStatus
from receiver.core.plan import Way
from receiver.core.task import TaskState
from receiver.operations.bulk_replay import replay_all
from receiver.operations.failed_documents import dismiss, resubmit
from receiver.operations.replay import ReplayFilter
from receiver.packets.correct import CutRequest, read_piece, recut
from receiver.packets.cut import cut, cut_task
from receiver.packets.parents import update_parent
from receiver.packets.pieces import pieces_of
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import packet_bytes
from tests.unit.packets.test_packets import ARCHIVED, LETTERS, classify_all, segments, split

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def archive(app: InMemoryApp) -> None:
    app.use(ARCHIVED)


async def by_hand(app: InMemoryApp, packet: Document, *pieces: str, merge: tuple[int, ...] = ()) -> Document:
    wish = CutRequest(pieces=tuple(map(read_piece, pieces)), who="eve", merge=merge)
    await recut(packet.id, wish, app.context)
    await app.work()
    return await app.document(packet.id)


async def finished(app: InMemoryApp) -> Document:
    packet = await split(app)
    await classify_all(app, packet)
    return await app.document(packet.id)


async def pages_of(app: InMemoryApp, packet: Document) -> list[tuple[int, ...]]:
    return [item.pages for item in await pieces_of(packet, app.context)]


async def test_a_held_packet_is_cut_by_hand_and_goes_on(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1, 2))))
    packet = await by_hand(app, packet, "1-2=invoice", "3-4")
    first, second = await pieces_of(packet, app.context)
    assert (first.type, first.state) == ("invoice", DocumentState.ROUTED)
    assert (second.job_id, second.state) == ("job-2", DocumentState.OPEN)
    app.cloud.classified(second.job_id, "contract")
    await app.event(second.job_id)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.ROUTED


async def test_who_when_and_what_was_before_is_kept(app: InMemoryApp) -> None:
    packet = await by_hand(app, await finished(app), "1", "2-4")
    before, now = packet.cuts
    assert (before.by, [item.pages for item in before.pieces]) == ("job job-1", [(1, 2), (3, 4)])
    assert (now.by, now.at, [item.pages for item in now.pieces]) == ("eve", app.now, [(1,), (2, 3, 4)])
    entry = next(item for item in packet.history if item.what == "cut by hand")
    assert entry.detail == "eve: 1 2-4; before: routed, 1-2=invoice 3-4=contract by job job-1"


async def test_pieces_that_are_no_longer_there_go_no_further_and_keep_their_record(app: InMemoryApp) -> None:
    packet = await finished(app)
    old = await pieces_of(packet, app.context)
    packet = await by_hand(app, packet, "1-2", "3", "4=blank")
    after = [await app.document(item.id) for item in old]
    assert [item.plan.way for item in after if item.plan] == [Way.MATCHED, Way.RECUT]
    assert [item.state for item in after] == [DocumentState.ROUTED, DocumentState.WITHDRAWN]
    assert [len(item.deliveries) for item in after] == [2, 1]
    totals = await app.store.tally()
    assert totals.balanced
    assert (totals.received, totals.routed, totals.open, totals.withdrawn) == (4, 2, 2, 1)


async def test_a_check_of_the_packet_that_comes_before_its_new_cut_changes_nothing(app: InMemoryApp) -> None:
    """All pieces of the cut that is restored are there, withdrawn; those of the one before are not withdrawn yet."""
    packet = await finished(app)
    packet = await by_hand(app, packet, "1=invoice", "2-4=contract")
    await recut(packet.id, CutRequest(pieces=(read_piece("1-2=invoice"), read_piece("3-4=contract"))), app.context)
    check = await update_parent(container_task(packet.id, "an earlier change", now=app.now), app.context)
    assert check.change is not None
    assert await check.change() == ()
    await app.work()
    packet = await app.document(packet.id)
    assert [(item.pages, item.state) for item in await pieces_of(packet, app.context)] == [
        ((1, 2), DocumentState.ROUTED), ((3, 4), DocumentState.ROUTED),
    ]  # fmt: skip
    assert (packet.state, (await app.store.tally()).withdrawn) == (DocumentState.ROUTED, 2)


async def test_a_cut_that_was_given_up_does_not_come_back_after_a_later_one(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet = await finished(app)
    with monkeypatch.context() as broken:
        broken.setattr("receiver.packets.cut._withdraw", AsyncMock(side_effect=StoreBusy("503")))
        await recut(packet.id, CutRequest(pieces=(read_piece("1"), read_piece("2-4"))), app.context)
        for _ in range(20):
            app.later(100_000)
            await app.work()
    parked = [task for task in await app.tasks("cut") if task.state is TaskState.PARKED]
    assert len(parked) == 1
    packet = await by_hand(app, packet, "1-3=invoice", "4=contract")
    assert all(task.state is TaskState.DONE for task in await app.tasks("cut"))
    await replay_all(ReplayFilter(parked=True), app.context, who="eve", dry_run=False)
    await app.work()
    packet = await app.document(packet.id)
    assert (packet.state, await pages_of(app, packet)) == (DocumentState.ROUTED, [(1, 2, 3), (4,)])


async def test_a_task_of_an_earlier_cut_changes_nothing_while_the_later_one_waits(app: InMemoryApp) -> None:
    packet = await by_hand(app, await finished(app), "1=invoice", "2-4=contract")
    await recut(packet.id, CutRequest(pieces=(read_piece("1-3"), read_piece("4"))), app.context)
    packet = await app.document(packet.id)
    earlier = cut_task(packet.id, because="hand-2", now=app.now)
    assert (await cut(earlier, app.context)).note == "the packet was cut again since"
    assert await app.document(packet.id) == packet


async def test_a_packet_that_was_resubmitted_is_not_archived_by_its_earlier_cut(app: InMemoryApp) -> None:
    packet = await split(app)
    first, second = await pieces_of(packet, app.context)
    app.cloud.finish(first.job_id, JobStatus.FAILED, error="damaged")
    app.cloud.classified(second.job_id, "contract")
    for piece in (first, second):
        await app.event(piece.job_id)
    await app.work()
    await dismiss(packet.id, "wrong", app.context, who="eve")
    await resubmit(packet.id, app.context, who="eve")
    await app.work()
    packet = await app.document(packet.id)
    app.cloud.finish(packet.job_id, segments=segments(("invoice", (1,)), ("contract", (2, 3, 4))))
    await app.event(packet.job_id, "split.success")
    await app.do((await app.tasks("react"))[-1].id)
    check = await update_parent(container_task(packet.id, "an earlier change", now=app.now), app.context)
    assert check.change is not None
    assert await check.change() == ()
    await app.work()
    packet = await app.document(packet.id)
    assert await pages_of(app, packet) == [(1,), (2, 3, 4)]
    await classify_all(app, packet)
    assert (await app.document(packet.id)).state is DocumentState.ROUTED


async def test_pieces_that_stay_are_left_alone(app: InMemoryApp) -> None:
    packet = await finished(app)
    stays = (await pieces_of(packet, app.context))[0]
    await by_hand(app, packet, "1-2", "3", "4")
    assert await app.document(stays.id) == stays


async def test_a_doubtful_piece_that_a_person_confirms_goes_on(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(app, packet)
    packet = await by_hand(app, packet, "1-2", "3-4")
    first, _ = await pieces_of(packet, app.context)
    assert (first.state, first.job_id) == (DocumentState.OPEN, "job-3")


async def test_another_type_for_the_same_pages_routes_the_piece_anew(app: InMemoryApp) -> None:
    packet = await by_hand(app, await finished(app), "1-2=contract", "3-4")
    first, _ = await pieces_of(packet, app.context)
    assert (first.type, first.state) == ("contract", DocumentState.ROUTED)
    assert [item.to.url for item in first.deliveries] == [
        "bytes://contracts/", "words://invoices", "bytes://invoices/",
    ]  # fmt: skip


async def test_pieces_are_merged(app: InMemoryApp) -> None:
    packet = await finished(app)
    packet = await by_hand(app, packet, merge=(2, 3))
    assert await pages_of(app, packet) == [(1, 2, 3, 4)]
    assert packet.pieces[0].category == ""


async def test_a_cut_and_back_again_brings_the_first_pieces_back(app: InMemoryApp) -> None:
    packet = await finished(app)
    first = [item.id for item in await pieces_of(packet, app.context)]
    packet = await by_hand(app, packet, "1-4=contract")
    packet = await by_hand(app, packet, "1-2=invoice", "3-4=contract")
    back = await pieces_of(packet, app.context)
    assert [item.id for item in back] == first
    assert [item.state for item in back] == [DocumentState.ROUTED, DocumentState.ROUTED]
    assert (await app.store.tally()).open == 0


async def test_any_pdf_can_be_cut(app: InMemoryApp) -> None:
    letter = await app.routed("invoice", content=packet_bytes(*LETTERS))
    packet = await by_hand(app, letter, "1-2=invoice", "3-4=contract")
    assert (packet.packet, packet.state, packet.type) == (True, DocumentState.ROUTED, None)
    assert {item.to.url for item in packet.deliveries} == {"bytes://invoices/", "words://invoices", "bytes://packets/"}


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["1-3"], "no piece holds page 4"),
        (["1-3", "3-4"], "more than one piece holds page 3"),
        (["1-5"], "a piece holds page 5"),
        (["1-2=invoce", "3-4"], "no route takes type 'invoce'"),
    ],
)
async def test_a_cut_that_does_not_add_up_is_refused_and_changes_nothing(
    app: InMemoryApp, pieces: list[str], said: str
) -> None:
    packet = await finished(app)
    with pytest.raises(Malformed, match=said):
        await by_hand(app, packet, *pieces)
    assert await app.document(packet.id) == packet


async def test_what_cannot_be_cut_says_why(app: InMemoryApp) -> None:
    with pytest.raises(NotFound):
        await recut("doc_nowhere", CutRequest(pieces=(read_piece("1"),)), app.context)
    at_work = await split(app)
    with pytest.raises(NotAllowed, match="still being processed"):
        await by_hand(app, at_work, "1-4")
    piece = (await pieces_of(at_work, app.context))[0]
    with pytest.raises(NotAllowed, match="is a piece"):
        await by_hand(app, piece, "1")
    text = await app.routed("invoice", content=b"just a line")
    with pytest.raises(Uncuttable, match="cannot be read as a PDF"):
        await by_hand(app, text, "1")


@pytest.mark.parametrize("text", ["", "x", "=invoice", "4-1"])
def test_what_is_no_piece_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_piece(text)
