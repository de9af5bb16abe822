"""Packet: when all its pieces are settled it is archived, by the table's ``packet`` way."""

from receiver.core.alert import Alert
from receiver.core.document import Document, DocumentState, Step
from receiver.core.fingerprint import cause_of
from receiver.core.plan import Plan, Way
from receiver.core.route import RouteTable
from receiver.flow.conclude import planned
from receiver.flow.tools import Tools


def waits_for_pieces(packet: Document) -> bool:
    """Whether it is cut and not archived yet."""
    return packet.state is DocumentState.OPEN and packet.step is Step.SPLIT and bool(packet.cuts)


def finished(packet: Document, tools: Tools) -> Document:
    """The packet with the plan to archive it."""
    return planned(packet, archive(packet, tools.config.table, now=tools.clock()), tools)


def archive(packet: Document, table: RouteTable, *, now: float) -> Plan:
    """The plan to archive it."""
    way = table.packet
    pages, pieces = packet.page_count, len(packet.pieces)
    return Plan(
        way=Way.PACKET,
        route=Way.PACKET,
        reason=f"{pages} page{'s' if pages != 1 else ''} in {pieces} piece{'s' if pieces != 1 else ''}",
        to=way.to if way else (),
        review=way.review if way else False,
        table=table.version,
        decided_at=now,
    )


def held_alert(packet: Document, reason: str, now: float) -> Alert:
    """The one alert of a packet that a person must look at."""
    return Alert(
        kind="packet.held",
        cause=cause_of(reason, packet.name),
        title=f"a person must look at packet {packet.name}",
        detail=reason,
        subject=packet.id,
        name=packet.name,
        job_id=packet.job_id,
        fix=f"mailroom documents {packet.id} shows its pages; mailroom recut {packet.id} 1-4 5-9 … cuts it by hand",
        at=now,
    )
