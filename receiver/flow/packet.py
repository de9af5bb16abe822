"""Packet: it learns of its pieces, and is archived when none of them is open any more.

When a piece settles, a task to look at its packet is written in the same change; so of the two last pieces at least one
sees that nothing is open, whatever crashes in between.
"""

from collections.abc import Iterator, Sequence

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Insert, Update, Write
from receiver.core.document import Document, DocumentState, Step
from receiver.core.naming import task_id
from receiver.core.plan import Plan, Way
from receiver.core.task import Task
from receiver.flow.conclude import planned
from receiver.flow.deliver import delivery_tasks
from receiver.flow.pieces import piece_ids
from receiver.flow.tools import Outcome, StepOf, Tools


def news(writes: Sequence[Write], *, now: float) -> list[Write]:
    """The tasks to look at the packets whose pieces settle by these writes; they belong into the same change."""
    return [Ensure(look_at(one.parent_id, one.id, one.version, now=now)) for one in _settled(writes)]


def _settled(writes: Sequence[Write]) -> Iterator[Document]:
    for write in writes:
        record = write.record if isinstance(write, Insert | Ensure | Update) else None
        if isinstance(record, Document) and record.parent_id and record.state is not DocumentState.OPEN:
            yield record


def look_at(packet_id: str, *because: str | int, now: float) -> Task:
    """The task to see whether a packet is finished; ``because`` (a piece, and which change of it) tells it apart."""
    return Task(
        id=task_id("packet", packet_id, *because),
        kind="packet",
        subject=packet_id,
        due_at=now,
        created_at=now,
        details={"piece": str(because[0])},
    )


async def look(task: Task, tools: Tools) -> Outcome:
    """Archives the packet when none of its pieces is open."""
    packet = await tools.store.get(Document, task.subject)
    if packet is None or not _waits_for_pieces(packet):
        return Outcome(note="it waits for no pieces")
    for one in _nearest_first(piece_ids(packet), task.details["piece"]):
        piece = await tools.store.get(Document, one)
        if piece is None or piece.state is DocumentState.OPEN:
            return Outcome(note=f"{one} is still open")

    async def change() -> Sequence[Write]:
        fresh = await tools.store.get(Document, task.subject)
        if fresh is None or not _waits_for_pieces(fresh) or len(fresh.cuts) != len(packet.cuts):
            return ()
        finished = _finished(fresh, tools)
        return Update(finished), *delivery_tasks(finished, tools, mark=("cut", len(fresh.cuts)))

    return Outcome(note="all its pieces are settled", change=change)


def _waits_for_pieces(packet: Document) -> bool:
    return packet.state is DocumentState.OPEN and packet.step is Step.SPLIT and bool(packet.cuts)


def _nearest_first(ids: list[str], piece: str) -> list[str]:
    """The neighbours of the piece that just settled come first: pieces settle in a row, so the next one may be open."""
    at = ids.index(piece) if piece in ids else 0
    return [ids[place] for place in sorted(range(len(ids)), key=lambda place: abs(place - at))]


def _finished(packet: Document, tools: Tools) -> Document:
    table, now = tools.config.table, tools.clock()
    archive = table.packet
    plan = Plan(
        way=Way.PACKET,
        route=Way.PACKET,
        reason=f"{packet.page_count} pages in {len(packet.pieces)} pieces, and none of them is open",
        to=archive.to if archive else (),
        review=archive.review if archive else False,
        table=table.version,
        decided_at=now,
    )
    return planned(packet, plan, now)


def held_alert(packet: Document, reason: str, now: float) -> Alert:
    """The one alert of a packet that a person must look at."""
    return Alert(
        kind="packet.held",
        cause=packet.id,
        title=f"a person must look at packet {packet.name}",
        detail=reason,
        subject=packet.id,
        fix=f"mailroom documents {packet.id} shows its pages; mailroom recut {packet.id} 1-4 5-9 … cuts it by hand",
        at=now,
    )


STEP = StepOf(run=look)
