"""The harness's own judgement: each fault is named, and a run without faults is good."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from receiver.core.balance import Tally
from receiver.core.document import Document, DocumentState, Step
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.task import Task, TaskState
from tests.builders import a_document
from tests.chaos.audit import Verdict, audit
from tests.chaos.evidence import Evidence, Message, Object
from tests.chaos.letters import Letter

LETTER = Letter("lease.pdf", b"lease", "contract")
KNOWN = {"doc_a": LETTER}
DOCUMENT = a_document(id="doc_a", state=DocumentState.ROUTED, step=Step.SETTLED)
OBJECT = Object("chaos-mail/contracts/doc_a/lease.pdf", LETTER.sha256, "dlv_1", "doc_a", {"delivery_id": "dlv_1"})
MESSAGE = Message("chaos-contracts.fifo", "dlv_2", "doc_a")
WITHDRAWAL = Message("chaos-contracts.fifo", "dlv_3", "doc_a", "mailroom.document.superseded")
JOB = JobReport(
    id="cls-1", kind=JobKind.CLASSIFY, status=JobStatus.COMPLETED, transaction_id="mailroom-classify-doc_a-0"
)
FINE = Evidence(
    objects=[OBJECT],
    strays=[],
    messages=[MESSAGE],
    jobs={"doc_a": [JOB]},
    acknowledged_events={"evt-1"},
    documents={"doc_a": DOCUMENT},
    kept={},
    marks={},
    incidents={},
    notices=Counter(),
    repeated=0,
    events={"evt-1"},
    tasks=[],
    tally=Tally(received=1, routed=1),
)


def verdict(**changes: Any) -> Verdict:
    return audit(KNOWN, replace(FINE, **changes), bound=0, refused=[])


def a_state(state: DocumentState) -> dict[str, Document]:
    return {"doc_a": replace(DOCUMENT, state=state)}


def parked() -> Task:
    return Task(id="t", kind="deliver", subject="doc_a", due_at=0, created_at=0, state=TaskState.PARKED)


def test_a_run_without_faults_is_good() -> None:
    assert verdict().good
    assert verdict().counts() == {
        "taken_in": 1, "packets": 0, "pieces": 0, "routed": 1,
        "review": 0, "failed": 0, "withdrawn": 0, "lost": 0, "doubled": 0, "misplaced": 0, "unexplained": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fault", "said"),
    [
        ({"objects": []}, "lost", "nothing lies under"),
        ({"objects": [replace(OBJECT, manifest=None)]}, "lost", "no manifest"),
        ({"objects": [replace(OBJECT, manifest={"delivery_id": "dlv_9"})]}, "lost", "no manifest"),
        ({"messages": []}, "lost", "no message"),
        ({"documents": a_state(DocumentState.OPEN)}, "lost", "still open"),
        ({"documents": {}}, "lost", "not in the store"),
        ({"events": set()}, "lost", "event evt-1"),
        ({"objects": [OBJECT, replace(OBJECT, place=OBJECT.place + "2")]}, "doubled", "2 objects"),
        ({"messages": [MESSAGE, MESSAGE]}, "doubled", "2 messages"),
        ({"jobs": {"doc_a": [JOB, JOB]}}, "doubled", "2 jobs"),
        ({"objects": [OBJECT, replace(OBJECT, place="chaos-mail/letters/doc_a/x")]}, "misplaced", "letters"),
        ({"objects": [replace(OBJECT, sha256="0")]}, "misplaced", "other bytes"),
        ({"messages": [MESSAGE, replace(MESSAGE, queue="chaos-invoices")]}, "misplaced", "chaos-invoices"),
        ({"messages": [MESSAGE, WITHDRAWAL]}, "misplaced", "was told that it is withdrawn"),
        ({"documents": a_state(DocumentState.REVIEW)}, "misplaced", "should be routed"),
        ({"jobs": {"doc_a": [replace(JOB, status=JobStatus.FAILED)]}}, "misplaced", "should be failed"),
        ({"jobs": {"doc_a": [replace(JOB, status=JobStatus.FAILED)]}}, "lost", "0 alerts"),
        ({"documents": {"doc_a": replace(DOCUMENT, submissions=1)}}, "unexplained", "jobs for submissions [0]"),
        ({"objects": [OBJECT, replace(OBJECT, document_id="doc_x")]}, "unexplained", "object"),
        ({"messages": [MESSAGE, replace(MESSAGE, document_id="doc_x")]}, "unexplained", "message"),
        ({"jobs": {"doc_a": [JOB], "doc_x": []}}, "unexplained", "doc_x"),
        ({"kept": {"doc_a": LETTER.sha256}}, "unexplained", "not forgotten"),
        ({"documents": a_state(DocumentState.REVIEW)}, "lost", "bytes are gone"),
        ({"documents": a_state(DocumentState.REVIEW), "kept": {"doc_a": "0"}}, "misplaced", "other bytes are kept"),
        ({"strays": ["chaos-mail/x"]}, "unexplained", "manifest"),
        ({"tasks": [parked()]}, "unexplained", "parked"),
        ({"tally": Tally(received=2, routed=1)}, "unexplained", "totals"),
    ],
)
def test_each_fault_is_named(changes: dict[str, Any], fault: str, said: str) -> None:
    found = verdict(**changes)
    assert not found.good
    assert any(said in item for item in found.findings[fault])


def test_what_was_submitted_by_id_is_kept_elsewhere_and_waits_when_its_bytes_went_away_there() -> None:
    there, gone = replace(FINE, by_id={"doc_a": True}), replace(FINE, by_id={"doc_a": False})
    assert audit(KNOWN, there, bound=0, refused=[]).good
    in_review = replace(there, documents=a_state(DocumentState.REVIEW))
    found = audit(KNOWN, in_review, bound=0, refused=[]).findings
    assert any("should be routed" in item for item in found["misplaced"])
    assert not any("bytes are gone" in item for item in found["lost"])
    waits = replace(gone, documents=a_state(DocumentState.REVIEW), objects=[], messages=[], tasks=[parked()])
    assert audit(KNOWN, replace(waits, tally=Tally(received=1, review=1)), bound=0, refused=[]).good
    assert not audit(KNOWN, gone, bound=0, refused=[]).good  # delivered from bytes that are nowhere


def test_a_standard_queue_may_see_a_delivery_twice_but_not_more_often_than_was_killed() -> None:
    letter = replace(LETTER, way="invoice")
    objects = [replace(OBJECT, place="chaos-mail/invoices/2026/doc_a/x")]
    messages = [replace(MESSAGE, queue="chaos-invoices")] * 2
    evidence = replace(FINE, objects=objects, messages=messages)
    assert audit({"doc_a": letter}, evidence, bound=1, refused=[]).good
    assert not audit({"doc_a": letter}, evidence, bound=0, refused=[]).good


def test_a_clock_that_was_ahead_keeps_bytes_longer_and_loses_none() -> None:
    kept = replace(FINE, kept={"doc_a": LETTER.sha256})
    assert audit(KNOWN, kept, bound=0, refused=[], clocks_right=False).good
    in_review = replace(FINE, documents=a_state(DocumentState.REVIEW))
    found = audit(KNOWN, in_review, bound=0, refused=[], clocks_right=False)
    assert any("bytes are gone" in item for item in found.findings["lost"])


def test_one_message_more_says_where_a_document_lies_whose_wait_a_wrong_clock_ended() -> None:
    later = Message("chaos-contracts.fifo", "dlv_3", "doc_a", "mailroom.document.available")
    followed, twice = (replace(FINE, messages=[MESSAGE, *[later] * times]) for times in (1, 2))
    assert not audit(KNOWN, followed, bound=0, refused=[]).good
    assert audit(KNOWN, followed, bound=0, refused=[], clocks_right=False).good
    assert not audit(KNOWN, twice, bound=0, refused=[], clocks_right=False).good
    assert not audit(KNOWN, replace(FINE, messages=[later]), bound=0, refused=[], clocks_right=False).good
