"""The audit: the evidence held against the truth. Every finding names the document, and counts as exactly one thing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.core.document import Document, DocumentState
from receiver.core.job import JobReport, JobStatus
from receiver.core.task import TaskState
from tests.chaos.evidence import Evidence, Message, Object
from tests.chaos.mail import FIFO, STANDARD, WAYS, Letter, Way

FAULTS = ("lost", "doubled", "misplaced", "unexplained")


@dataclass
class Verdict:
    """What was counted. ``findings`` say of each fault what, where and which document."""

    taken_in: int = 0
    routed: int = 0
    review: int = 0
    failed: int = 0
    doubled_messages: int = 0
    """Surplus messages on the standard queue: allowed, and bounded."""
    bound: int = 0
    """How many of these there may be: one per kill, and one per message whose sender got no answer."""
    findings: dict[str, list[str]] = field(default_factory=lambda: {fault: [] for fault in FAULTS})

    @property
    def good(self) -> bool:
        return not any(self.findings.values()) and self.doubled_messages <= self.bound

    def counts(self) -> dict[str, int]:
        """The line that is printed."""
        counted = {name: getattr(self, name) for name in ("taken_in", "routed", "review", "failed")}
        return counted | {fault: len(self.findings[fault]) for fault in FAULTS}


def audit(letters: Mapping[str, Letter], evidence: Evidence, *, bound: int, refused: list[str]) -> Verdict:
    """The verdict over a run; ``letters`` are those that were acknowledged, by document id."""
    verdict = Verdict(taken_in=len(letters), bound=bound)
    states = Counter(one.state for one in evidence.documents.values())
    verdict.routed, verdict.review, verdict.failed = (
        states[state] for state in (DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED)
    )
    _Auditor(letters, evidence, verdict).look()
    verdict.findings["unexplained"] += refused
    return verdict


class _Auditor:
    def __init__(self, letters: Mapping[str, Letter], evidence: Evidence, verdict: Verdict) -> None:
        self._letters = letters
        self._evidence = evidence
        self._verdict = verdict
        self._objects = _by_document(evidence.objects)
        self._messages = _by_document(evidence.messages)

    def look(self) -> None:
        for document_id, letter in self._letters.items():
            self._look_at(document_id, letter)
        self._look_at_events()
        self._look_for_strangers()
        self._look_at_books()

    def _say(self, fault: str, what: str) -> None:
        self._verdict.findings[fault].append(what)

    def _look_at(self, document_id: str, letter: Letter) -> None:
        name = f"{document_id} ({letter.name}, {letter.way})"
        document = self._evidence.documents.get(document_id)
        if document is None:
            return self._say("lost", f"{name}: acknowledged, and not in the store")
        if document.state is DocumentState.OPEN:
            return self._say("lost", f"{name}: still open at {document.step}: {_tail(document)}")
        way = _truth(letter, self._evidence.jobs.get(document_id, []))
        if document.state != way.state:
            self._say("misplaced", f"{name}: is {document.state}, should be {way.state}: {_tail(document)}")
        self._look_at_objects(name, letter, way, self._objects.get(document_id, []))
        return self._look_at_messages(name, way, self._messages.get(document_id, []))

    def _look_at_objects(self, name: str, letter: Letter, way: Way, objects: list[Object]) -> None:
        for prefix in way.prefixes:
            there = [one for one in objects if one.place.startswith(prefix)]
            if not there:
                self._say("lost", f"{name}: nothing lies under {prefix}")
            if len(there) > 1:
                self._say("doubled", f"{name}: {len(there)} objects under {prefix}")
            for one in there:
                if one.sha256 != letter.sha256:
                    self._say("misplaced", f"{name}: other bytes lie at {one.place}")
                if not one.told:
                    self._say("lost", f"{name}: no story lies beside {one.place}")
        for one in objects:
            if not one.place.startswith(way.prefixes):
                self._say("misplaced", f"{name}: lies at {one.place}")

    def _look_at_messages(self, name: str, way: Way, messages: list[Message]) -> None:
        sent = Counter((one.queue, one.delivery_id) for one in messages)
        for queue in way.queues:
            ids = [delivery_id for at, delivery_id in sent if at == queue]
            surplus = sum(sent[queue, each] for each in ids) - 1
            if not ids:
                self._say("lost", f"{name}: no message in {queue}")
            elif queue in FIFO and surplus:
                self._say("doubled", f"{name}: {surplus + 1} messages in {queue}")
            elif len(ids) > 1:
                self._say("doubled", f"{name}: {len(ids)} delivery ids in {queue}")
            else:
                self._verdict.doubled_messages += surplus
        for queue, delivery_id in sent:
            if queue not in way.queues:
                self._say("misplaced", f"{name}: message {delivery_id} in {queue}")

    def _look_at_events(self) -> None:
        for event_id in self._evidence.acknowledged_events - self._evidence.events:
            self._say("lost", f"event {event_id}: acknowledged, and not in the store")

    def _look_for_strangers(self) -> None:
        known = self._letters.keys()
        for stranger in self._evidence.documents.keys() - known:
            self._say("unexplained", f"document {stranger}: nobody was told that it was taken in")
        for one in self._evidence.objects:
            if one.document_id not in known:
                self._say("unexplained", f"object {one.place}")
        for message in self._evidence.messages:
            if message.document_id not in known:
                self._say("unexplained", f"message {message.delivery_id} in {message.queue}")
        for place in self._evidence.strays:
            self._say("unexplained", f"a story without its document at {place}")
        for document_id, jobs in self._evidence.jobs.items():
            if document_id not in known:
                self._say("unexplained", f"{len(jobs)} jobs at LlamaCloud for {document_id or 'nobody'}")
        for task in self._evidence.tasks:
            if task.state is TaskState.PARKED:
                self._say("unexplained", f"task {task.id} is parked: {task.error}")

    def _look_at_books(self) -> None:
        tally = self._evidence.tally
        if not tally.balanced or tally.taken_in != len(self._evidence.documents):
            self._say("unexplained", f"the books do not balance: {tally}, {len(self._evidence.documents)} documents")
        jobs = sum(len(one) for one in self._evidence.jobs.values())
        ids = {job.transaction_id for each in self._evidence.jobs.values() for job in each}
        if jobs != len(ids):
            self._say("doubled", f"{jobs} jobs at LlamaCloud for {len(ids)} submissions")


def _truth(letter: Letter, jobs: list[JobReport]) -> Way:
    """The way of the script, unless LlamaCloud's own books say that the document's last job did not end well."""
    last = jobs[-1].status if jobs else None
    if last is JobStatus.COMPLETED:
        return WAYS[letter.way]
    return WAYS["failed"] if last is JobStatus.FAILED else Way("review")


def _by_document(things: list[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for one in things:
        grouped.setdefault(one.document_id, []).append(one)
    return grouped


def _tail(document: Document) -> str:
    """The end of its timeline, for whoever looks for the cause."""
    return "; ".join(f"{entry.what} {entry.detail}".strip() for entry in document.history[-3:])


assert STANDARD not in FIFO
