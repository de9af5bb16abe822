"""The accounting of packets: each page in one piece, an end after that of the pieces, an archive, and one alert."""

from collections import Counter
from collections.abc import Iterator

from receiver.core.document import Document
from receiver.core.ids import id_parts, piece_id
from receiver.core.job import JobStatus
from receiver.core.plan import Way
from tests.chaos.evidence import Evidence, Object
from tests.chaos.expected import truth
from tests.chaos.letters import WAYS
from tests.chaos.packets import Packet

Finding = tuple[str, str]
"""The fault, and what it is."""
ARCHIVE = WAYS["packet"].prefixes


def look(packet_id: str, packet: Packet, evidence: Evidence, *, clocks_right: bool = True) -> Iterator[Finding]:
    """What is wrong with this packet as a packet; the order of its ends is looked at where ``clocks_right``."""
    document = evidence.documents.get(packet_id)
    pieces = [item for item in evidence.documents.values() if item.parent_id == packet_id and not _withdrawn(item)]
    if document is not None and document.plan is not None and _is_cut(packet_id, packet, evidence):
        yield from _pages(packet, pieces, evidence)
        if clocks_right:
            yield from _end(document, pieces)
        yield from _archive(document, packet, evidence)
    yield from _alerts(packet_id, packet, evidence)


def alerts_of_jobs(document_id: str, evidence: Evidence) -> Iterator[tuple[str, int, set[int]]]:
    """The document's jobs that came to nothing, how many alerts were raised of each, and how many may be.

    One that was followed by another was mended by Mailroom itself, which pages nobody, or by a person who had heard.
    """
    ids = [id_parts(task.id) for task in evidence.tasks]
    raised = Counter(item[3] for item in ids if item[:2] == ("alert", "job.failed") and item[2] in ("react", "recheck"))
    jobs = evidence.jobs.get(document_id, [])
    for job in jobs:
        if job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
            yield job.id, raised[job.id], {1} if job is jobs[-1] else {0, 1}


def _is_cut(packet_id: str, packet: Packet, evidence: Evidence) -> bool:
    return packet.judged and truth(packet.way, evidence.jobs.get(packet_id, [])) == WAYS["packet"]


def _withdrawn(piece: Document) -> bool:
    return piece.plan is not None and piece.plan.way is Way.RECUT


def _pages(packet: Packet, pieces: list[Document], evidence: Evidence) -> Iterator[Finding]:
    """Each page in exactly one piece, by the marks on the pages themselves."""
    held = Counter(mark for item in pieces for mark in evidence.marks[item.id])
    for page in range(1, packet.page_count + 1):
        times = held.pop(packet.mark(page), 0)
        if not times:
            yield "lost", f"page {page} is in no piece"
        if times > 1:
            yield "doubled", f"page {page} is in {times} pieces"
    for stranger in held:
        yield "misplaced", f"page {stranger} is in a piece of it"
    for item in pieces:
        if evidence.marks[item.id] != tuple(map(packet.mark, item.pages)):
            yield "misplaced", f"piece {item.name} holds pages {evidence.marks[item.id]}"


def _end(document: Document, pieces: list[Document]) -> Iterator[Finding]:
    """It is finished when none of its pieces is open any more, and not before."""
    assert document.plan is not None
    for item in pieces:
        ends = [item.plan.decided_at] if item.plan else []
        ends += [delivery.delivered_at for delivery in item.deliveries if delivery.delivered_at]
        if max(ends, default=0.0) > document.plan.decided_at:
            yield "misplaced", f"it was finished before its piece {item.name}"


def _archive(document: Document, packet: Packet, evidence: Evidence) -> Iterator[Finding]:
    """The manifest beside the archived packet names its pieces in order, with their places; of two cuts, the first."""
    ids = [piece_id(document.id, item.pages) for item in packet.first or packet.pieces]
    for item in evidence.objects:
        if item.document_id != document.id or not item.place.startswith(ARCHIVE) or item.manifest is None:
            continue
        listed = {piece["id"]: piece for piece in item.manifest["pieces"]}
        if list(listed) != ids:
            yield "misplaced", f"its manifest at {item.place} lists the pieces {list(listed)}, not {ids}"
        for piece in evidence.objects:
            if piece.document_id in listed and not _lists(listed[piece.document_id], piece):
                yield "lost", f"its manifest at {item.place} does not list {piece.place}"
        if any(piece["state"] == "open" for piece in listed.values()):
            yield "misplaced", f"its manifest at {item.place} lists open pieces"


def _lists(listed: dict[str, list[str]], piece: Object) -> bool:
    return f"s3://{piece.place}" in listed["locations"]


def _alerts(packet_id: str, packet: Packet, evidence: Evidence) -> Iterator[Finding]:
    """One alert when a person must look at it, and somebody was told."""
    last = [job.status for job in evidence.jobs.get(packet_id, [])][-1:]
    heard = not packet.judged or last == [JobStatus.COMPLETED]
    raised = sum(task.id.startswith("alert:packet.held:") and task.subject == packet_id for task in evidence.tasks)
    wanted = int(heard and packet.doubted)
    if raised != wanted:
        yield "lost" if raised < wanted else "doubled", f"{raised} alerts that it is held, not {wanted}"
    seen = bool(packet.hand)  # the operator may cut it before the notice goes out; then no notice is sent
    if wanted and not seen and not evidence.notices[evidence.incidents.get(("packet.held", packet_id), "")]:
        yield "lost", "nobody was told that it is held"
