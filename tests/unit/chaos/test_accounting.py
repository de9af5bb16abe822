"""The accounting of packets: each fault of a cut is named, and a packet that was cut well is fine."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from receiver.core.balance import Tally
from receiver.core.document import Document, DocumentState, Step
from receiver.core.ids import piece_id
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.plan import Plan, Way
from receiver.core.task import Task
from tests.builders import a_document
from tests.chaos.audit import Verdict, audit
from tests.chaos.evidence import Evidence, Object
from tests.chaos.letters import Letter
from tests.chaos.packets import KINDS, Packet, Piece, answers, dealt, marks, packet

PIECES = (Piece((1, 2), "low_confidence"), Piece((3,), "no_match"))
PACKET = Packet(
    name="packet 7.pdf",
    content=b"packet",
    way="packet",
    number=7,
    kind="whole",
    page_count=3,
    pieces=PIECES,
    said=PIECES,
)
ONE, OTHER = (piece_id("doc_p", each.pages) for each in PIECES)
PLACE = "chaos-mail/unsorted/doc/packet 7-p3.pdf"


def settled(identity: str, state: DocumentState, at: float, **more: Any) -> Document:
    plan = Plan(way=Way.MATCHED, route="", reason="", decided_at=at)
    return a_document(id=identity, state=state, step=Step.SETTLED, plan=plan, **more)


def a_job(document_id: str, kind: JobKind = JobKind.CLASSIFY, status: JobStatus = JobStatus.COMPLETED) -> JobReport:
    name = f"mailroom-{kind}-{document_id}-0"
    return JobReport(id=f"job-{document_id}", kind=kind, status=status, transaction_id=name)


DOCUMENTS = {
    "doc_p": settled("doc_p", DocumentState.REVIEW, 9),
    ONE: settled(ONE, DocumentState.REVIEW, 5, parent_id="doc_p", pages=(1, 2)),
    OTHER: settled(OTHER, DocumentState.REVIEW, 6, parent_id="doc_p", pages=(3,), sha256="s3"),
}
MANIFEST: dict[str, Any] = {
    "delivery_id": "dlv_p",
    "pieces": [
        {"id": ONE, "state": "review", "locations": []},
        {"id": OTHER, "state": "review", "locations": [f"s3://{PLACE}"]},
    ],
}
ARCHIVED = Object("chaos-mail/packets/doc_p/packet 7.pdf", PACKET.sha256, "dlv_p", "doc_p", MANIFEST)
FINE = Evidence(
    objects=[ARCHIVED, Object(PLACE, "s3", "dlv_3", OTHER, {"delivery_id": "dlv_3"})],
    strays=[],
    messages=[],
    jobs={"doc_p": [a_job("doc_p", JobKind.SPLIT)], ONE: [a_job(ONE)], OTHER: [a_job(OTHER)]},
    acknowledged_events=set(),
    documents=DOCUMENTS,
    kept={"doc_p": PACKET.sha256, ONE: DOCUMENTS[ONE].sha256, OTHER: "s3"},
    marks={ONE: ("7.1", "7.2"), OTHER: ("7.3",)},
    incidents={},
    notices=Counter(),
    repeated=0,
    events=set(),
    tasks=[],
    tally=Tally(received=3, review=3),
)


def verdict(evidence: Evidence, letter: Letter = PACKET) -> Verdict:
    return audit({"doc_p": letter}, evidence, bound=0, refused=[])


def with_document(identity: str, **changes: Any) -> dict[str, Document]:
    return {**DOCUMENTS, identity: replace(DOCUMENTS[identity], **changes)}


def archived(**changes: Any) -> list[Object]:
    return [replace(ARCHIVED, manifest={**MANIFEST, **changes}), FINE.objects[1]]


def test_a_packet_that_was_cut_well_is_fine() -> None:
    found = verdict(FINE)
    assert found.good, found.findings
    assert (found.taken_in, found.packets, found.pieces) == (3, 1, 2)


@pytest.mark.parametrize(
    ("changes", "fault", "said"),
    [
        ({"documents": {key: DOCUMENTS[key] for key in ("doc_p", ONE)}}, "lost", "page 3 is in no piece"),
        ({"documents": {key: DOCUMENTS[key] for key in ("doc_p", ONE)}}, "lost", "not in the store"),
        ({"marks": {ONE: ("7.1",), OTHER: ("7.3",)}}, "lost", "page 2 is in no piece"),
        ({"marks": {ONE: ("7.1", "7.2"), OTHER: ("7.2", "7.3")}}, "doubled", "page 2 is in 2 pieces"),
        ({"marks": {ONE: ("7.2", "7.1"), OTHER: ("7.3",)}}, "misplaced", "holds pages"),
        ({"marks": {ONE: ("7.1", "7.2"), OTHER: ("7.3", "8.1")}}, "misplaced", "page 8.1"),
        ({"documents": with_document("doc_p", plan=Plan(way=Way.PACKET, route="", reason="", decided_at=5.5))},
         "misplaced", "before its piece"),
        ({"objects": FINE.objects[1:]}, "lost", "nothing lies under chaos-mail/packets/"),
        ({"objects": archived(pieces=MANIFEST["pieces"][:1])}, "misplaced", "lists the pieces"),
        ({"objects": archived(pieces=[MANIFEST["pieces"][0], {**MANIFEST["pieces"][1], "locations": []}])},
         "lost", "does not list"),
        ({"objects": archived(pieces=[{**MANIFEST["pieces"][0], "state": "open"}, MANIFEST["pieces"][1]])},
         "misplaced", "open pieces"),
        ({"jobs": {**FINE.jobs, "doc_p": FINE.jobs["doc_p"] * 2}}, "doubled", "2 jobs for 1 submissions"),
        ({"jobs": {**FINE.jobs, OTHER: []}}, "unexplained", "jobs for submissions []"),
    ],
)  # fmt: skip
def test_each_fault_of_a_cut_is_named(changes: dict[str, Any], fault: str, said: str) -> None:
    found = verdict(replace(FINE, **changes))
    assert any(said in item for item in found.findings[fault]), found.findings


def test_the_order_of_ends_is_not_asked_of_clocks_that_were_wrong() -> None:
    early = with_document("doc_p", plan=Plan(way=Way.MATCHED, route="", reason="", decided_at=5.5))
    found = audit({"doc_p": PACKET}, replace(FINE, documents=early), bound=0, refused=[], clocks_right=False)
    assert found.good, found.findings


def held(letter: Packet) -> Evidence:
    document = settled("doc_p", DocumentState.REVIEW, 9)
    return replace(
        FINE, objects=[], documents={"doc_p": document}, marks={}, jobs={"doc_p": [a_job("doc_p", JobKind.SPLIT)]},
        tasks=[an_alert("cut:doc_p:job")], incidents={("packet.held", "doc_p"): "inc"}, notices=Counter({"inc": 1}),
        tally=Tally(received=1, review=1),
    )  # fmt: skip


def an_alert(origin: str) -> Task:
    return Task(id=f"alert:packet.held:{origin}:doc_p", kind="alert", subject="doc_p", due_at=0, created_at=0)


HELD = replace(PACKET, way="held", kind="missing", pieces=())


def test_a_packet_that_does_not_add_up_has_one_alert_and_somebody_was_told() -> None:
    assert verdict(held(HELD), HELD).good
    assert "0 alerts" in verdict(replace(held(HELD), tasks=[]), HELD).findings["lost"][0]
    assert "nobody was told" in verdict(replace(held(HELD), notices=Counter()), HELD).findings["lost"][0]
    twice = [an_alert("cut:doc_p:job"), an_alert("cut:doc_p:other")]
    assert "2 alerts" in verdict(replace(held(HELD), tasks=twice), HELD).findings["doubled"][0]


def test_a_packet_whose_job_failed_is_owed_no_pieces() -> None:
    jobs = {"doc_p": [a_job("doc_p", JobKind.SPLIT, JobStatus.FAILED)]}
    found = verdict(replace(FINE, jobs=jobs))
    assert found.taken_in == 1
    assert any("should be failed" in item for item in found.findings["misplaced"])


def test_what_was_delivered_of_a_piece_that_a_person_did_away_with_stays_and_is_no_page_of_the_packet() -> None:
    whole = Piece((1, 2, 3), "low_confidence", "by hand")
    merged = replace(PACKET, kind="merged", pieces=(whole,), first=PIECES)
    identity = piece_id("doc_p", whole.pages)
    recut = Plan(way=Way.RECUT, route=Way.RECUT, reason="", decided_at=7)
    withdrawn = {item: replace(DOCUMENTS[item], state=DocumentState.WITHDRAWN, plan=recut) for item in (ONE, OTHER)}
    made = settled(identity, DocumentState.REVIEW, 8, parent_id="doc_p", pages=(1, 2, 3))
    evidence = replace(
        FINE,
        documents={**DOCUMENTS, **withdrawn, identity: made},
        kept={"doc_p": PACKET.sha256, identity: made.sha256},
        marks={**FINE.marks, identity: ("7.1", "7.2", "7.3")},
        tally=Tally(received=2, review=2, withdrawn=2),
    )  # fmt: skip
    found = verdict(evidence, merged)
    assert found.good, found.findings
    still_there = replace(evidence, documents={**evidence.documents, ONE: DOCUMENTS[ONE]})
    assert any("page 1 is in 2 pieces" in item for item in verdict(still_there, merged).findings["doubled"])


def test_all_kinds_of_packets_are_drawn_and_each_page_has_its_mark() -> None:
    rng = random.Random(3)
    kinds = dealt(rng)
    drawn = [packet(number, next(kinds), rng) for number in range(sum(KINDS.values()))]
    assert {item.kind for item in drawn} == set(KINDS)
    for item in drawn:
        if item.judged:
            assert marks(item.content) == tuple(item.mark(page) for page in range(1, item.page_count + 1))
        if item.pieces:
            assert [page for piece in item.pieces for page in piece.pages] == list(range(1, item.page_count + 1))
    assert len(answers(drawn)) == len(drawn) + sum(len({*item.pieces, *item.first}) for item in drawn)
