"""Archives a packet when all its pieces are settled, by the table's ``packet`` route."""

from collections.abc import Sequence

from receiver.core.alert import Alert
from receiver.core.document import Document, DocumentState, Step
from receiver.core.fingerprint import cause_of
from receiver.core.route import decide_archive
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import planned


def waits_for_pieces(packet: Document) -> bool:
    """Whether the packet is cut and not archived yet.

    While the cut is under way it is not: all its pieces may be settled before those of an earlier cut are withdrawn,
    and before somebody is told which ones are held.
    """
    is_cut = bool(packet.cuts) and not packet.cuts[-1].under_way
    return packet.state is DocumentState.OPEN and packet.step is Step.SPLIT and is_cut


def archived_packet(packet: Document, context: Context) -> Document:
    """The packet with the plan to archive it."""
    return planned(packet, decide_archive(context.config.table, packet, now=context.clock()), context)


PIECES_SHOWN = 5
"""Maximum pieces that an alert names; the packet's page and `mailroom review` list all of them."""


def held_alert(packet: Document, reason: str, now: float, *, pieces: Sequence[str] = ()) -> Alert:
    """The alert that a person must look at the packet, or at those of its ``pieces`` that are held."""
    return Alert(
        kind="packet.held",
        cause=cause_of(reason),
        title=f"a person must look at packet {packet.name}",
        detail=reason,
        subject=packet.id,
        name=packet.name,
        job_id=packet.job_id,
        commands=tuple(f"mailroom review {item} --to ROUTE" for item in pieces[:PIECES_SHOWN]),
        fix=f"mailroom documents {packet.id} shows its pages; mailroom recut {packet.id} 1-4 5-9 … cuts it by hand",
        at=now,
    )
