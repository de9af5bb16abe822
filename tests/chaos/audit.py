"""The audit: the evidence held against the truth. Every finding names the document, and counts as exactly one thing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.core.document import SETTLED, Document, DocumentState
from receiver.core.task import TaskState
from tests.chaos import accounting
from tests.chaos.evidence import Evidence, Message, Object, submission
from tests.chaos.expected import Expected, expected
from tests.chaos.letters import FIFO, STANDARD, Letter, Way
from tests.chaos.packets import Packet

FAULTS = ("lost", "doubled", "misplaced", "unexplained")


@dataclass
class Verdict:
    """What was counted. ``findings`` say of each fault what, where and which document."""

    taken_in: int = 0
    packets: int = 0
    """How many of them are packets,"""
    pieces: int = 0
    """and how many were cut from these."""
    routed: int = 0
    review: int = 0
    failed: int = 0
    withdrawn: int = 0
    """Pieces that a person's cut did away with."""
    doubled_messages: int = 0
    """Surplus messages on the standard queue and the topic: allowed, and bounded."""
    bound: int = 0
    """How many of these there may be: one per kill, and one per message whose sender got no answer."""
    findings: dict[str, list[str]] = field(default_factory=lambda: {fault: [] for fault in FAULTS})

    @property
    def settled(self) -> int:
        """Documents that came to an end, those among them that a person's cut did away with."""
        return self.routed + self.review + self.failed + self.withdrawn

    @property
    def good(self) -> bool:
        return not any(self.findings.values()) and self.doubled_messages <= self.bound

    def counts(self) -> dict[str, int]:
        """The line that is printed."""
        told = ("taken_in", "packets", "pieces", "routed", "review", "failed", "withdrawn")
        counted = {name: getattr(self, name) for name in told}
        return counted | {fault: len(self.findings[fault]) for fault in FAULTS}


def audit(
    letters: Mapping[str, Letter],
    evidence: Evidence,
    *,
    bound: int,
    refused: list[str],
    forgets: bool = True,
    clocks_right: bool = True,
) -> Verdict:
    """The verdict over a run; ``letters`` are those that were acknowledged, by document id.

    ``forgets`` is whether the bytes of settled documents must be forgotten by now; they are all kept otherwise.
    ``clocks_right`` is whether the times in the store can be held against each other.
    """
    verdict = Verdict(bound=bound)
    states = Counter(item.state for item in evidence.documents.values())
    verdict.routed, verdict.review = states[DocumentState.ROUTED], states[DocumentState.REVIEW]
    verdict.failed, verdict.withdrawn = states[DocumentState.FAILED], states[DocumentState.WITHDRAWN]
    _Auditor(letters, evidence, verdict, forgets=forgets, clocks_right=clocks_right).look()
    verdict.findings["unexplained"] += refused
    return verdict


class _Auditor:
    def __init__(
        self, letters: Mapping[str, Letter], evidence: Evidence, verdict: Verdict, *, forgets: bool, clocks_right: bool
    ) -> None:
        self._forgets = forgets
        self._clocks_right = clocks_right
        self._owed = expected(letters, evidence)
        self._packets = {item: packet for item, packet in letters.items() if isinstance(packet, Packet)}
        self._evidence = evidence
        self._verdict = verdict
        self._objects = _by_document(evidence.objects)
        self._messages = _by_document(evidence.messages)
        verdict.taken_in, verdict.packets = len(self._owed), len(self._packets)
        verdict.pieces = len(self._owed) - len(letters)

    def look(self) -> None:
        for document_id, item in self._owed.items():
            self._look_at(document_id, item)
        for document_id, packet in self._packets.items():
            self._look_at_packet(document_id, packet)
        self._verdict.doubled_messages += self._evidence.repeated
        self._look_at_events()
        self._look_for_strangers()
        self._look_at_books()

    def _say(self, fault: str, what: str) -> None:
        self._verdict.findings[fault].append(what)

    def _look_at(self, document_id: str, item: Expected) -> None:
        name, way = f"{document_id} ({item.name})", item.way
        document = self._evidence.documents.get(document_id)
        if document is None:
            return self._say("lost", f"{name}: {item.known_by}, and not in the store")
        if document.state is DocumentState.OPEN:
            return self._say("lost", f"{name}: still open at {document.step}: {_tail(document)}")
        if document.state != way.state:
            self._say("misplaced", f"{name}: is {document.state}, should be {way.state}: {_tail(document)}")
        self._look_at_bytes(name, item, document)
        self._look_at_jobs(name, item, document)
        self._look_at_objects(name, item, self._objects.get(document_id, []))
        return self._look_at_messages(name, way, self._messages.get(document_id, []))

    def _look_at_bytes(self, name: str, item: Expected, document: Document) -> None:
        """They are there for as long as somebody may need them, and no longer."""
        if item.elsewhere:
            return
        kept = self._evidence.kept.get(document.id)
        if self._forgets and document.state in SETTLED:
            if kept is not None and self._clocks_right:  # what a clock ahead settled is kept for that much longer
                self._say("unexplained", f"{name}: its bytes were not forgotten")
        elif kept is None:
            self._say("lost", f"{name}: is in {document.state}, and its bytes are gone")
        elif kept != item.sha256:
            self._say("misplaced", f"{name}: other bytes are kept")

    def _look_at_packet(self, document_id: str, packet: Packet) -> None:
        for fault, what in accounting.look(document_id, packet, self._evidence, clocks_right=self._clocks_right):
            self._say(fault, f"{document_id} ({packet.name}, {packet.kind}): {what}")

    def _look_at_jobs(self, name: str, item: Expected, document: Document) -> None:
        made = [submission(job) for job in self._evidence.jobs.get(document.id, [])]
        asked = list(range(document.submissions + 1)) if item.judged else []
        if len(set(made)) < len(made):
            self._say("doubled", f"{name}: {len(made)} jobs for {len(set(made))} submissions")
        elif made != asked:
            self._say("unexplained", f"{name}: jobs for submissions {made}, not {asked}")
        for job, raised, right in accounting.alerts_of_jobs(document.id, self._evidence):
            if raised not in right:
                self._say("doubled" if raised else "lost", f"{name}: {raised} alerts that job {job} came to nothing")

    def _look_at_objects(self, name: str, owes: Expected, objects: list[Object]) -> None:
        for prefix in owes.way.prefixes:
            there = [item for item in objects if item.place.startswith(prefix)]
            if not there:
                self._say("lost", f"{name}: nothing lies under {prefix}")
            if len(there) > 1:
                self._say("doubled", f"{name}: {len(there)} objects under {prefix}")
            for item in there:
                if item.sha256 != owes.sha256:
                    self._say("misplaced", f"{name}: other bytes lie at {item.place}")
                if not item.told:
                    self._say("lost", f"{name}: no manifest beside {item.place}")
        for item in objects:
            if not item.place.startswith(owes.way.prefixes):
                self._say("misplaced", f"{name}: lies at {item.place}")

    def _look_at_messages(self, name: str, way: Way, messages: list[Message]) -> None:
        self._look_at_withdrawals(name, way, messages)
        told = [item for item in messages if not item.withdraws]
        # By a clock that went ahead the document took too long to be stored: then one more message says where it lies.
        later = [] if self._clocks_right else [item for item in told if item.follows]
        self._look_at_sent(name, way, [item for item in told if item not in later])
        self._look_at_sent(name, way, later, required=False)

    def _look_at_sent(self, name: str, way: Way, messages: list[Message], *, required: bool = True) -> None:
        sent = Counter((item.queue, item.delivery_id) for item in messages)
        for queue in way.queues:
            ids = [delivery_id for at, delivery_id in sent if at == queue]
            surplus = sum(sent[queue, each] for each in ids) - 1
            if not ids:
                if required:
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

    def _look_at_withdrawals(self, name: str, way: Way, messages: list[Message]) -> None:
        """Whoever was told of a piece that was withdrawn is told that too, once; nobody else is."""
        said = Counter((item.queue, item.delivery_id) for item in messages if item.withdraws)
        told = (
            {item.queue for item in messages if not item.withdraws} if way.state == DocumentState.WITHDRAWN else set()
        )
        for queue in told - {queue for queue, _ in said}:
            self._say("lost", f"{name}: it is withdrawn, and {queue} was not told")
        for queue in {queue for queue, _ in said} - told:
            self._say("misplaced", f"{name}: {queue} was told that it is withdrawn")
        if len(said) > len({queue for queue, _ in said}):
            self._say("doubled", f"{name}: told to be withdrawn under several delivery ids: {sorted(said)}")
        self._verdict.doubled_messages += said.total() - len(said)

    def _look_at_events(self) -> None:
        for event_id in self._evidence.acknowledged_events - self._evidence.events:
            self._say("lost", f"event {event_id}: acknowledged, and not in the store")

    def _look_for_strangers(self) -> None:
        known = self._owed.keys()
        for stranger in self._evidence.documents.keys() - known:
            self._say("unexplained", f"document {stranger}: nobody was told that it was taken in")
        for item in self._evidence.objects:
            if item.document_id not in known:
                self._say("unexplained", f"object {item.place}")
        for message in self._evidence.messages:
            if message.document_id not in known:
                self._say("unexplained", f"message {message.delivery_id} in {message.queue}")
        for place in self._evidence.strays:
            self._say("unexplained", f"a manifest without its document at {place}")
        for document_id, jobs in self._evidence.jobs.items():
            if document_id not in known:
                self._say("unexplained", f"{len(jobs)} jobs at LlamaCloud for {document_id or 'nobody'}")
        for task in self._evidence.tasks:
            if task.state is TaskState.PARKED and self._evidence.by_id.get(task.subject) is not False:
                self._say("unexplained", f"task {task.id} is parked: {task.error}")

    def _look_at_books(self) -> None:
        tally = self._evidence.tally
        if not tally.balanced or tally.ever != len(self._evidence.documents):
            self._say("unexplained", f"the totals do not balance: {tally}, {len(self._evidence.documents)} documents")


def _by_document(things: list[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for item in things:
        grouped.setdefault(item.document_id, []).append(item)
    return grouped


def _tail(document: Document) -> str:
    """The end of its timeline, for whoever looks for the cause."""
    return "; ".join(f"{entry.what} {entry.detail}".strip() for entry in document.history[-3:])


assert STANDARD not in FIFO
