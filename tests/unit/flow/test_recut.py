"""A person cuts a packet: the word is kept, pieces that stay are left alone, those that go are withdrawn."""

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed, NotAllowed, NotFound, Uncuttable
from receiver.core.plan import Way
from receiver.flow.pieces import pieces_of
from receiver.flow.recut import Wish, read_piece, recut
from tests.desk import Desk
from tests.papers import packet_bytes
from tests.unit.flow.test_packets import ARCHIVED, LETTERS, classify_all, segments, split

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def archive(desk: Desk) -> None:
    desk.use(ARCHIVED)


async def by_hand(desk: Desk, packet: Document, *pieces: str, **more: tuple[int, ...]) -> Document:
    wish = Wish(pieces=tuple(map(read_piece, pieces)), who="eve", **more)
    await recut(packet.id, wish, desk.tools)
    await desk.work()
    return await desk.document(packet.id)


async def finished(desk: Desk) -> Document:
    packet = await split(desk)
    await classify_all(desk, packet)
    return await desk.document(packet.id)


async def pages_of(desk: Desk, packet: Document) -> list[tuple[int, ...]]:
    return [one.pages for one in await pieces_of(packet, desk.tools)]


async def test_a_held_packet_is_cut_by_hand_and_goes_on(desk: Desk) -> None:
    packet = await split(desk, segments(("invoice", (1, 2))))
    packet = await by_hand(desk, packet, "1-2=invoice", "3-4")
    first, second = await pieces_of(packet, desk.tools)
    assert (first.type, first.state) == ("invoice", DocumentState.ROUTED)
    assert (second.job_id, second.state) == ("job-2", DocumentState.OPEN)
    desk.cloud.classified(second.job_id, "contract")
    await desk.event(second.job_id)
    await desk.work()
    assert (await desk.document(packet.id)).state is DocumentState.ROUTED


async def test_who_when_and_what_was_before_is_kept(desk: Desk) -> None:
    packet = await by_hand(desk, await finished(desk), "1", "2-4")
    before, now = packet.cuts
    assert (before.by, [one.pages for one in before.pieces]) == ("job job-1", [(1, 2), (3, 4)])
    assert (now.by, now.at, [one.pages for one in now.pieces]) == ("eve", desk.now, [(1,), (2, 3, 4)])
    entry = next(one for one in packet.history if one.what == "cut by hand")
    assert entry.detail == "eve: 1 2-4; before: routed, 1-2=invoice 3-4=contract by job job-1"


async def test_pieces_that_are_no_longer_there_go_no_further_and_keep_their_record(desk: Desk) -> None:
    packet = await finished(desk)
    old = await pieces_of(packet, desk.tools)
    packet = await by_hand(desk, packet, "1-2", "3", "4=blank")
    after = [await desk.document(one.id) for one in old]
    assert [one.plan.way for one in after if one.plan] == [Way.MATCHED, Way.RECUT]
    assert [one.state for one in after] == [DocumentState.ROUTED, DocumentState.WITHDRAWN]
    assert [len(one.deliveries) for one in after] == [2, 1]
    books = await desk.store.tally()
    assert books.balanced
    assert (books.taken_in, books.routed, books.open, books.withdrawn) == (4, 2, 2, 1)


async def test_pieces_that_stay_are_left_alone(desk: Desk) -> None:
    packet = await finished(desk)
    stays = (await pieces_of(packet, desk.tools))[0]
    await by_hand(desk, packet, "1-2", "3", "4")
    assert await desk.document(stays.id) == stays


async def test_a_doubtful_piece_that_a_person_confirms_goes_on(desk: Desk) -> None:
    packet = await split(desk, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(desk, packet)
    packet = await by_hand(desk, packet, "1-2", "3-4")
    first, _ = await pieces_of(packet, desk.tools)
    assert (first.state, first.job_id) == (DocumentState.OPEN, "job-3")


async def test_another_type_for_the_same_pages_routes_the_piece_anew(desk: Desk) -> None:
    packet = await by_hand(desk, await finished(desk), "1-2=contract", "3-4")
    first, _ = await pieces_of(packet, desk.tools)
    assert (first.type, first.state) == ("contract", DocumentState.ROUTED)
    assert [one.to.url for one in first.deliveries] == [
        "bytes://contracts/", "words://invoices", "bytes://invoices/",
    ]  # fmt: skip


async def test_pieces_are_merged(desk: Desk) -> None:
    packet = await finished(desk)
    packet = await by_hand(desk, packet, merge=(2, 3))
    assert await pages_of(desk, packet) == [(1, 2, 3, 4)]
    assert packet.pieces[0].category == ""


async def test_a_cut_and_back_again_brings_the_first_pieces_back(desk: Desk) -> None:
    packet = await finished(desk)
    first = [one.id for one in await pieces_of(packet, desk.tools)]
    packet = await by_hand(desk, packet, "1-4=contract")
    packet = await by_hand(desk, packet, "1-2=invoice", "3-4=contract")
    back = await pieces_of(packet, desk.tools)
    assert [one.id for one in back] == first
    assert [one.state for one in back] == [DocumentState.ROUTED, DocumentState.ROUTED]
    assert (await desk.store.tally()).open == 0


async def test_any_pdf_can_be_cut(desk: Desk) -> None:
    letter = await desk.routed("invoice", content=packet_bytes(*LETTERS))
    packet = await by_hand(desk, letter, "1-2=invoice", "3-4=contract")
    assert (packet.packet, packet.state, packet.type) == (True, DocumentState.ROUTED, None)
    assert {one.to.url for one in packet.deliveries} == {"bytes://invoices/", "words://invoices", "bytes://packets/"}


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
    desk: Desk, pieces: list[str], said: str
) -> None:
    packet = await finished(desk)
    with pytest.raises(Malformed, match=said):
        await by_hand(desk, packet, *pieces)
    assert await desk.document(packet.id) == packet


async def test_what_cannot_be_cut_says_why(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await recut("doc_nowhere", Wish(pieces=(read_piece("1"),)), desk.tools)
    at_work = await split(desk)
    with pytest.raises(NotAllowed, match="still being worked on"):
        await by_hand(desk, at_work, "1-4")
    piece = (await pieces_of(at_work, desk.tools))[0]
    with pytest.raises(NotAllowed, match="is a piece"):
        await by_hand(desk, piece, "1")
    text = await desk.routed("invoice", content=b"just a line")
    with pytest.raises(Uncuttable, match="cannot be read as a PDF"):
        await by_hand(desk, text, "1")


@pytest.mark.parametrize("text", ["", "x", "=invoice", "4-1"])
def test_what_is_no_piece_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_piece(text)
