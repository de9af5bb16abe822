"""A packet has the state of its pieces, whatever becomes of these and in whatever order a person decides."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import show
from receiver.core.change import Replace, changed
from receiver.core.decision import undoable
from receiver.core.document import Document, DocumentState, worst
from receiver.core.errors import Conflict, DestinationBusy, NotAllowed
from receiver.core.job import JobStatus
from receiver.core.task import TaskState
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.replay import ReplayFilter, carry_out, foreseen
from receiver.operations.replay_task import replay_task
from receiver.packets import parents
from receiver.packets.correct import CutRequest, read_piece, recut
from receiver.packets.pieces import pieces_of
from receiver.queue.local import LocalQueue
from tests.in_memory_app import InMemoryApp
from tests.unit.packets.test_packets import ARCHIVED, classify_all, segments, split

pytestmark = pytest.mark.anyio

FOUR = segments(*((f"letter {page}", (page,)) for page in range(1, 5)))
STATES = st.sampled_from(DocumentState)


@pytest.fixture(autouse=True)
def archive(app: InMemoryApp) -> None:
    app.use(ARCHIVED)


@given(st.lists(STATES))
def test_the_worst_state_is_open_then_review_then_failed(states: list[DocumentState]) -> None:
    order = [DocumentState.OPEN, DocumentState.REVIEW, DocumentState.FAILED]
    assert worst(states) == next((item for item in order if item in states), DocumentState.ROUTED)


async def settle(app: InMemoryApp, piece: Document, how: str) -> None:
    """What LlamaCloud says of a piece."""
    if how == "failed":
        app.cloud.finish(piece.job_id, JobStatus.FAILED, error="too crooked")
        await app.event(piece.job_id, "classify.error")
    else:
        app.cloud.classified(piece.job_id, None if how == "no match" else "contract", 0.9)
        await app.event(piece.job_id)


async def amount(app: InMemoryApp, packet: Document) -> DocumentState:
    return worst(item.state for item in await pieces_of(await app.document(packet.id), app.context))


STORIES = st.lists(
    st.one_of(
        st.tuples(st.just("settle"), st.integers(0, 3), st.sampled_from(["contract", "no match", "failed"])),
        st.tuples(st.just("decide"), st.integers(0, 3), st.sampled_from(["contract", "failed"])),
        st.tuples(st.just("undo"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("replay"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("recut"), st.integers(1, 3), st.just("")),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(STORIES)
def test_whatever_happens_the_packet_has_the_state_of_its_pieces(changes: list[tuple[str, int, str]]) -> None:
    asyncio.run(live(changes))


async def live(changes: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = InMemoryApp(Path(folder), ARCHIVED)
        packet = await split(app, FOUR)
        for what, number, how in changes:
            pieces = await pieces_of(await app.document(packet.id), app.context)
            piece = pieces[number % len(pieces)]
            await act(app, packet, piece, what, number, how)
            await app.work()
            now = await app.document(packet.id)
            assert now.state is await amount(app, packet), (what, number, how)
            tally = await app.store.tally()
            assert tally.balanced
            documents = await app.all(Document)
            assert tally.withdrawn == sum(item.state is DocumentState.WITHDRAWN for item in documents)
            assert tally.received == 1 + len(now.pieces)


async def act(app: InMemoryApp, packet: Document, piece: Document, what: str, number: int, how: str) -> None:
    settled = piece.state not in (DocumentState.OPEN, DocumentState.WITHDRAWN)
    if what == "settle" and piece.state is DocumentState.OPEN and piece.job_id:
        await settle(app, piece, how)
    elif what == "decide" and settled:
        await route_by_hand(piece.id, RoutingDecision(to=how, who="ada"), app.context)
    elif what == "undo" and settled and undoable(piece.decisions):
        await route_by_hand(piece.id, RoutingDecision(undo=True, who="ada"), app.context)
    elif what == "replay":
        await carry_out(await foreseen(piece, ReplayFilter(ids=(piece.id,)), app.context), app.context)
    elif what == "recut" and (await app.document(packet.id)).state is not DocumentState.OPEN:
        pieces = tuple(map(read_piece, (f"1-{number}", f"{number + 1}-4")))
        await recut(packet.id, CutRequest(pieces=pieces, who="ada"), app.context)


async def test_a_packet_waits_as_long_as_a_piece_waits_and_is_archived_once(app: InMemoryApp) -> None:
    packet = await split(app)
    for piece, how in zip(await pieces_of(packet, app.context), ("no match", "contract"), strict=True):
        await settle(app, piece, how)
        await app.work()
    waits = await app.document(packet.id)
    assert waits.state is DocumentState.REVIEW
    assert show.reason(waits) == "4 pages in 2 pieces, and at least one of them waits for a person"
    archived = [item for item in app.bytes.requests if item.document.id == packet.id]
    assert [piece["state"] for piece in archived[0].manifest["pieces"]] == ["review", "routed"]
    first = (await pieces_of(packet, app.context))[0]
    await route_by_hand(first.id, RoutingDecision(to="contract", who="ada"), app.context)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.ROUTED
    assert [item for item in app.bytes.requests if item.document.id == packet.id] == archived


async def test_a_failed_piece_is_a_failed_packet(app: InMemoryApp) -> None:
    packet = await split(app)
    for piece, how in zip(await pieces_of(packet, app.context), ("failed", "contract"), strict=True):
        await settle(app, piece, how)
    await app.work()
    after = await app.document(packet.id)
    assert after.state is DocumentState.FAILED
    assert show.reason(after) == "4 pages in 2 pieces, and at least one of them has failed"


async def test_a_packet_is_open_again_while_its_piece_is_delivered_anew(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(app, packet)
    assert (await app.document(packet.id)).state is DocumentState.REVIEW
    app.bytes.broken = DestinationBusy("for a while")
    first = (await pieces_of(packet, app.context))[0]
    await route_by_hand(first.id, RoutingDecision(to="contract", who="ada"), app.context)
    await app.work()
    reopened = await app.document(packet.id)
    assert (reopened.state, reopened.overdue_at) == (DocumentState.OPEN, app.now + 600)
    app.bytes.broken = None
    app.later(2)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.ROUTED


async def test_a_packet_that_waits_for_its_pieces_alone_is_not_routed_by_hand(app: InMemoryApp) -> None:
    packet = await split(app, segments(("invoice", (1, 2), "low"), ("contract", (3, 4))))
    await classify_all(app, packet)
    with pytest.raises(NotAllowed, match="because of its pieces"):
        await route_by_hand(packet.id, RoutingDecision(to="contract", who="ada"), app.context)


async def test_a_look_that_was_overtaken_does_not_write_what_it_saw(app: InMemoryApp) -> None:
    """Two looks at once: the one that read an open piece must not win over the one that saw it settled."""
    packet = await split(app)
    await classify_all(app, packet)
    piece = (await pieces_of(packet, app.context))[0]
    await route_back(app, piece)
    (task,) = [item for item in await app.tasks("packet") if item.state is TaskState.READY]
    slow = await parents.update_parent(task, app.context)
    assert slow.change is not None
    early = await slow.change()
    await app.work()
    with pytest.raises(Conflict):
        await app.store.apply(*early)
    await app.store.apply(*await slow.change())
    assert (await app.document(packet.id)).state is DocumentState.ROUTED


async def route_back(app: InMemoryApp, piece: Document) -> None:
    """Replays the piece: it is open, and a look at its packet is due."""
    assert await carry_out(await foreseen(piece, ReplayFilter(ids=(piece.id,)), app.context), app.context)


async def test_what_is_withdrawn_is_not_replayed(app: InMemoryApp) -> None:
    packet = await split(app)
    await classify_all(app, packet)
    old = (await pieces_of(packet, app.context))[0]
    await recut(packet.id, CutRequest(pieces=(read_piece("1-4"),), who="ada"), app.context)
    await app.work()
    old = await app.document(old.id)
    assert old.state is DocumentState.WITHDRAWN
    assert (await foreseen(old, ReplayFilter(ids=(old.id,)), app.context)).action == "nothing"
    (task, *_) = [item for item in await app.tasks("deliver") if item.subject == old.id]
    await app.store.apply(Replace(changed(task, state=TaskState.PARKED)))
    with pytest.raises(NotAllowed, match="withdrawn"):
        await replay_task(task.id, app.context)


async def test_pieces_stand_in_the_order_of_their_pages_behind_their_packet(app: InMemoryApp) -> None:
    packet = await split(app, FOUR)
    other = await app.submitted(name="letter.pdf", content=b"%PDF-1.7 another")
    listed = show.in_page_order(await app.all(Document))
    where = [item.id for item in listed].index(packet.id)
    assert [item.pages for item in listed[where : where + 5]] == [(), (1,), (2,), (3,), (4,)]
    assert {item.id for item in listed} == {item.id for item in await app.all(Document)}
    assert other.id in {item.id for item in listed}
    shuffled = sorted(listed, key=lambda item: item.sha256)
    assert [item.pages for item in show.in_page_order(shuffled) if item.batch_id == packet.batch_id] == [
        (), (1,), (2,), (3,), (4,),
    ]  # fmt: skip


class RecordingQueue(LocalQueue):
    """Keeps the ids that are enqueued."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        self.ids += task_ids


async def test_whoever_decides_about_a_piece_has_its_packet_looked_at_at_once(app: InMemoryApp) -> None:
    packet = await split(app, FOUR)
    for piece in await pieces_of(await app.document(packet.id), app.context):
        await settle(app, piece, "no match")
    await app.work()
    piece, *_ = await pieces_of(await app.document(packet.id), app.context)
    queue = RecordingQueue()
    context = replace(app.context, queue=queue)
    await route_by_hand(piece.id, RoutingDecision(to="contract", who="ada"), context)
    looks = [task.id for task in await app.tasks("packet") if task.state is TaskState.READY]
    assert looks
    assert set(looks) <= set(queue.ids)
