"""A packet has the state of its pieces, whatever becomes of these and in whatever order a person decides."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import show
from receiver.core.change import Update, changed
from receiver.core.document import Document, DocumentState, worst
from receiver.core.errors import Conflict, DestinationBusy, NotAllowed
from receiver.core.job import JobStatus
from receiver.core.task import TaskState
from receiver.flow import family
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.pieces import pieces_of
from receiver.flow.recut import Wish, read_piece, recut
from receiver.flow.replay import Choice, carry_out, foreseen
from receiver.flow.replay_task import replay_task
from tests.desk import Desk
from tests.unit.flow.test_packets import ARCHIVED, classify_all, segments, split

pytestmark = pytest.mark.anyio

FOUR = segments(*((f"letter {page}", (page,)) for page in range(1, 5)))
STATES = st.sampled_from(DocumentState)


@pytest.fixture(autouse=True)
def archive(desk: Desk) -> None:
    desk.use(ARCHIVED)


@given(st.lists(STATES))
def test_the_worst_state_is_open_then_review_then_failed(states: list[DocumentState]) -> None:
    order = [DocumentState.OPEN, DocumentState.REVIEW, DocumentState.FAILED]
    assert worst(states) == next((one for one in order if one in states), DocumentState.ROUTED)


async def settle(desk: Desk, piece: Document, how: str) -> None:
    """What LlamaCloud says of a piece."""
    if how == "failed":
        desk.cloud.finish(piece.job_id, JobStatus.FAILED, error="too crooked")
        await desk.event(piece.job_id, "classify.error")
    else:
        desk.cloud.classified(piece.job_id, None if how == "no match" else "contract", 0.9)
        await desk.event(piece.job_id)


async def amount(desk: Desk, packet: Document) -> DocumentState:
    return worst(one.state for one in await pieces_of(await desk.document(packet.id), desk.tools))


STORIES = st.lists(
    st.one_of(
        st.tuples(st.just("settle"), st.integers(0, 3), st.sampled_from(["contract", "no match", "failed"])),
        st.tuples(st.just("decide"), st.integers(0, 3), st.sampled_from(["contract", "failed"])),
        st.tuples(st.just("replay"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("recut"), st.integers(1, 3), st.just("")),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(STORIES)
def test_whatever_happens_the_packet_has_the_state_of_its_pieces(story: list[tuple[str, int, str]]) -> None:
    asyncio.run(live(story))


async def live(story: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), ARCHIVED)
        packet = await split(desk, FOUR)
        for what, number, how in story:
            pieces = await pieces_of(await desk.document(packet.id), desk.tools)
            piece = pieces[number % len(pieces)]
            await act(desk, packet, piece, what, number, how)
            await desk.work()
            now = await desk.document(packet.id)
            assert now.state is await amount(desk, packet), (what, number, how)
            tally = await desk.store.tally()
            assert tally.balanced
            documents = await desk.all(Document)
            assert tally.withdrawn == sum(one.state is DocumentState.WITHDRAWN for one in documents)
            assert tally.taken_in == 1 + len(now.pieces)


async def act(desk: Desk, packet: Document, piece: Document, what: str, number: int, how: str) -> None:
    waits = piece.state in (DocumentState.REVIEW, DocumentState.FAILED)
    if what == "settle" and piece.state is DocumentState.OPEN and piece.job_id:
        await settle(desk, piece, how)
    elif what == "decide" and waits:
        await route_by_hand(piece.id, Word(to=how, who="ada"), desk.tools)
    elif what == "replay":
        await carry_out(await foreseen(piece, Choice(ids=(piece.id,)), desk.tools), desk.tools)
    elif what == "recut" and (await desk.document(packet.id)).state is not DocumentState.OPEN:
        pieces = tuple(map(read_piece, (f"1-{number}", f"{number + 1}-4")))
        await recut(packet.id, Wish(pieces=pieces, who="ada"), desk.tools)


async def test_a_packet_waits_as_long_as_a_piece_waits_and_is_archived_once(desk: Desk) -> None:
    packet = await split(desk)
    for piece, how in zip(await pieces_of(packet, desk.tools), ("no match", "contract"), strict=True):
        await settle(desk, piece, how)
        await desk.work()
    waits = await desk.document(packet.id)
    assert waits.state is DocumentState.REVIEW
    assert show.reason(waits) == "4 pages in 2 pieces, and at least one of them waits for a person"
    archived = [one for one in desk.bytes.parcels if one.document.id == packet.id]
    assert [piece["state"] for piece in archived[0].manifest["pieces"]] == ["review", "routed"]
    first = (await pieces_of(packet, desk.tools))[0]
    await route_by_hand(first.id, Word(to="contract", who="ada"), desk.tools)
    await desk.work()
    assert (await desk.document(packet.id)).state is DocumentState.ROUTED
    assert [one for one in desk.bytes.parcels if one.document.id == packet.id] == archived


async def test_a_failed_piece_is_a_failed_packet(desk: Desk) -> None:
    packet = await split(desk)
    for piece, how in zip(await pieces_of(packet, desk.tools), ("failed", "contract"), strict=True):
        await settle(desk, piece, how)
    await desk.work()
    after = await desk.document(packet.id)
    assert after.state is DocumentState.FAILED
    assert show.reason(after) == "4 pages in 2 pieces, and at least one of them has failed"


async def test_a_packet_is_open_again_while_its_piece_is_delivered_anew(desk: Desk) -> None:
    packet = await split(desk, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(desk, packet)
    assert (await desk.document(packet.id)).state is DocumentState.REVIEW
    desk.bytes.broken = DestinationBusy("for a while")
    first = (await pieces_of(packet, desk.tools))[0]
    await route_by_hand(first.id, Word(to="contract", who="ada"), desk.tools)
    await desk.work()
    reopened = await desk.document(packet.id)
    assert (reopened.state, reopened.overdue_at) == (DocumentState.OPEN, desk.now + 600)
    desk.bytes.broken = None
    desk.later(2)
    await desk.work()
    assert (await desk.document(packet.id)).state is DocumentState.ROUTED


async def test_a_packet_that_waits_for_its_pieces_alone_is_not_routed_by_hand(desk: Desk) -> None:
    packet = await split(desk, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(desk, packet)
    with pytest.raises(NotAllowed, match="because of its pieces"):
        await route_by_hand(packet.id, Word(to="contract", who="ada"), desk.tools)


async def test_a_look_that_was_overtaken_does_not_write_what_it_saw(desk: Desk) -> None:
    """Two looks at once: the one that read an open piece must not win over the one that saw it settled."""
    packet = await split(desk)
    await classify_all(desk, packet)
    piece = (await pieces_of(packet, desk.tools))[0]
    await route_back(desk, piece)
    (task,) = [one for one in await desk.tasks("packet") if one.state is TaskState.READY]
    slow = await family.look(task, desk.tools)
    assert slow.change is not None
    early = await slow.change()
    await desk.work()
    with pytest.raises(Conflict):
        await desk.store.apply(*early)
    await desk.store.apply(*await slow.change())
    assert (await desk.document(packet.id)).state is DocumentState.ROUTED


async def route_back(desk: Desk, piece: Document) -> None:
    """Replays the piece: it is open, and a look at its packet is due."""
    assert await carry_out(await foreseen(piece, Choice(ids=(piece.id,)), desk.tools), desk.tools)


async def test_what_is_withdrawn_is_not_replayed(desk: Desk) -> None:
    packet = await split(desk)
    await classify_all(desk, packet)
    old = (await pieces_of(packet, desk.tools))[0]
    await recut(packet.id, Wish(pieces=(read_piece("1-4"),), who="ada"), desk.tools)
    await desk.work()
    old = await desk.document(old.id)
    assert old.state is DocumentState.WITHDRAWN
    assert (await foreseen(old, Choice(ids=(old.id,)), desk.tools)).deed == "nothing"
    (task, *_) = [one for one in await desk.tasks("deliver") if one.subject == old.id]
    await desk.store.apply(Update(changed(task, state=TaskState.PARKED)))
    with pytest.raises(NotAllowed, match="withdrawn"):
        await replay_task(task.id, desk.tools)


async def test_pieces_stand_in_the_order_of_their_pages_behind_their_packet(desk: Desk) -> None:
    packet = await split(desk, FOUR)
    other = await desk.submitted(name="letter.pdf", content=b"%PDF-1.7 another")
    listed = show.in_page_order(await desk.all(Document))
    where = [one.id for one in listed].index(packet.id)
    assert [one.pages for one in listed[where : where + 5]] == [(), (1,), (2,), (3,), (4,)]
    assert {one.id for one in listed} == {one.id for one in await desk.all(Document)}
    assert other.id in {one.id for one in listed}
    shuffled = sorted(listed, key=lambda one: one.sha256)
    assert [one.pages for one in show.in_page_order(shuffled) if one.batch_id == packet.batch_id] == [
        (), (1,), (2,), (3,), (4,),
    ]  # fmt: skip
