"""What is owed: what must have become of each document that was acknowledged, and of each piece of a packet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from receiver.core.document import DocumentState, worst
from receiver.core.ids import piece_id
from receiver.core.job import JobReport, JobStatus
from receiver.core.pages import spans
from tests.chaos.evidence import Evidence
from tests.chaos.letters import WAYS, Letter, Way
from tests.chaos.packets import Packet, Piece


@dataclass(frozen=True, slots=True)
class Expected:
    """One document's truth."""

    name: str
    way: Way
    sha256: str
    judged: bool = True
    """Whether LlamaCloud was asked about it."""
    known_by: str = "acknowledged"
    elsewhere: bool = False
    """Whether its bytes are at LlamaCloud: Mailroom keeps none."""


def expected(letters: Mapping[str, Letter], evidence: Evidence) -> dict[str, Expected]:
    """The truth of each letter and packet that was acknowledged, and of each piece, by document id."""
    truths: dict[str, Expected] = {}
    for document_id, letter in letters.items():
        way = truth(letter.way, evidence.jobs.get(document_id, [])) if letter.judged else WAYS[letter.way]
        elsewhere = document_id in evidence.by_id
        if elsewhere and not evidence.by_id[document_id]:
            way = Way("review")  # the only copy went away at LlamaCloud: there is nothing to deliver
        name = f"{letter.name}, {letter.way}{' by id' if elsewhere else ''}"
        truths[document_id] = Expected(name, way, letter.sha256, letter.judged, elsewhere=elsewhere)
        if isinstance(letter, Packet) and way == WAYS["packet"]:
            pieces = dict(_pieces(document_id, letter, evidence))
            state = worst(DocumentState(item.way.state) for item in pieces.values())
            truths |= pieces | {document_id: replace(truths[document_id], way=replace(way, state=state))}
    return truths


def truth(way: str, jobs: Sequence[JobReport]) -> Way:
    """The way of the script, unless LlamaCloud's own books say that the document's last job did not end well."""
    last = jobs[-1].status if jobs else None
    if last is JobStatus.COMPLETED:
        return WAYS[way]
    return WAYS["failed"] if last is JobStatus.FAILED else Way("review")


def _pieces(packet_id: str, packet: Packet, evidence: Evidence) -> Iterator[tuple[str, Expected]]:
    """The pieces that the packet must have been cut into. Whether their bytes are right, the marks on them tell."""
    for piece in packet.pieces:
        yield _piece(packet_id, packet, piece, evidence)
    for piece in packet.withdrawn:
        identity, item = _piece(packet_id, packet, piece, evidence)
        yield identity, replace(item, way=replace(item.way, state="withdrawn"))


def _piece(packet_id: str, packet: Packet, piece: Piece, evidence: Evidence) -> tuple[str, Expected]:
    identity = piece_id(packet_id, piece.pages)
    document = evidence.documents.get(identity)
    judged = piece.sure == "high"
    way = truth(piece.way, evidence.jobs.get(identity, [])) if judged else WAYS["held" if piece.doubted else piece.way]
    name = f"{packet.name} pages {spans(piece.pages)}, {piece.way}"
    return identity, Expected(name, way, document.sha256 if document else "", judged, f"a piece of {packet_id}")
