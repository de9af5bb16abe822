"""The document: one file to route, with all that was decided and done about it.

A document is one aggregate: its content, LlamaCloud's result, the plan, and one row per delivery. It is read and
written whole, guarded by its version, so that two workers can never both believe that they finished it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from receiver.core.decision import Choice, Decision
from receiver.core.mail import Part
from receiver.core.message_type import Meaning
from receiver.core.pages import Cut, Segment
from receiver.core.plan import Plan, ShadowVerdict, Target, Way
from receiver.core.short_repr import short_repr
from receiver.core.vendor_input import SCHEME

NAMING = 2
"""How the keys of new documents are made."""
HISTORY_LIMIT = 200
"""Entries of the timeline that are kept on the document; the oldest but the first are dropped."""


class DocumentState(StrEnum):
    """The states in the balance: received = routed + review + failed + open + removed. Withdrawn counts separately."""

    OPEN = "open"
    ROUTED = "routed"
    REVIEW = "review"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """A piece that its packet's new cut does not have: its pages are in other pieces, and it is counted separately."""


def worst(states: Iterable[DocumentState]) -> DocumentState:
    """The order in which the states of several documents make one: open before review before failed before routed."""
    known = set(states)
    order = (DocumentState.OPEN, DocumentState.REVIEW, DocumentState.FAILED)
    return next((item for item in order if item in known), DocumentState.ROUTED)


SETTLED = frozenset({DocumentState.ROUTED, DocumentState.FAILED, DocumentState.WITHDRAWN})
"""The states in which nothing more happens automatically, and nobody is waited for."""


class Step(StrEnum):
    """How far an open document has come."""

    RECEIVED = "taken_in"  # a stored word stays (docs/decisions.md)
    SUBMITTED = "submitted"
    SPLIT = "split"
    DECIDED = "decided"
    SETTLED = "settled"


class DeliveryState(StrEnum):
    """Each destination has its own receipt; one failing never holds another back."""

    PENDING = "pending"
    DELIVERED = "delivered"
    CONFLICT = "conflict"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document came from."""

    kind: str
    """folder, upload, s3, email, piece, adopted, llamacloud"""
    locator: str
    """What identifies it within its kind: a file name, bucket/key, message id, parent and pages, LlamaCloud's id."""
    sender: str = ""
    """Who sent it, as far as the source can tell."""
    by_sender: bool = False
    """The sender is part of the origin, because the source named one."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """LlamaCloud's result. ``type`` is None when no rule matches; ``confidence`` is 0..1.

    Source: SDK 2.19 ``types/classify_*``: result is {type, confidence, reasoning}, type nullable.
    """

    type: str | None
    confidence: float
    reasoning: str = ""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierResult:
    """A result of LlamaCloud's that another one has replaced, because a person had the document reclassified."""

    classification: Classification
    job_id: str
    until: float
    """When the next result replaced it."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """What a reclassification puts aside until its job has a result; without one, it is put back."""

    plan: Plan
    job_id: str

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof of a delivery."""

    location: str
    """Where it is, as a readable URL: s3://bucket/key, sqs://https://host/account/queue#message-id, a path, a URL."""
    checksum: str = ""
    """``sha256:<hex>`` of the stored bytes, where the destination keeps bytes."""
    fresh: bool = True
    """False when it was there already: the same key with the same checksum."""
    manifest: str = ""
    """The URL of the document's manifest, where the destination writes one."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document to one place, or one message about it. Older records lack the fields with defaults."""

    id: str
    to: Target
    route: str
    state: DeliveryState = DeliveryState.PENDING
    receipt: Receipt | None = None
    delivered_at: float | None = None
    error: str = ""
    place: str = ""
    """The destination's URL with its fields filled in."""
    meaning: Meaning | None = None
    """The meaning of the message."""
    claim: str = ""
    """A fingerprint of all that a message claims; "" where the destination holds the bytes."""
    sequence: int = 0
    """Of two messages about a document the one with the higher number is true."""
    replaces: str = ""
    """The id of the previous message to this place."""
    superseded: bool = False
    """The present plan does not include it: it is a receipt of an earlier plan, or reports that."""
    mark: str = ""
    """What the manifest beside the copy says: a fingerprint of the places that count instead; "" where it counts."""
    owes_pointer: bool = False
    """The message went out before the document was stored: another one must say where it is."""
    options_changed: bool = False
    """It was delivered with other options than ``to`` has now: the stored object must get these."""
    run: int = 0
    """The version of the document at which it was started, or started again: a part of its task's id. 0 is not
    included.
    """

    __repr__ = short_repr

    @property
    def is_message(self) -> bool:
        """Whether it is a message about the document, and not the document."""
        return bool(self.claim)

    @property
    def done(self) -> bool:
        return self.state is DeliveryState.DELIVERED

    @property
    def gave_up(self) -> bool:
        return self.state in (DeliveryState.CONFLICT, DeliveryState.FAILED)

    def overtakes(self, other: "Delivery") -> bool:
        """Whether this message invalidates the other one's receipt: it reached the same place later."""
        both = self.is_message and other.is_message and self.done and other.done
        return both and self.place == other.place and self.sequence > other.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One line of a document's timeline."""

    at: float
    what: str
    detail: str = ""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file to route. ``id`` is derived from source and content, so that the same mail twice is one document."""

    id: str
    name: str
    sha256: str
    size: int
    media_type: str
    origin: Origin
    content: str
    """Where the bytes are: ``spool:KEY``, ``s3://bucket/key?versionId=…`` or ``llamacloud:ID`` of a file or parse job;
    "" once they are removed.
    """
    taken_in_at: float
    naming: int = 1
    """How values become parts of its keys (core/object_key.py). The keys of a document never change: new documents get
    NAMING, and older records lack the field."""
    version: int = 0
    state: DocumentState = DocumentState.OPEN
    step: Step = Step.RECEIVED
    packet: bool = False
    """True when it must be split before its pieces can be routed."""
    mail: bool = False
    """True for the record of a mail: its documents have it as their parent."""
    parts: tuple[Part, ...] = ()
    """Of a mail: every part, with its outcome."""
    batch_id: str = ""
    """Shared by a packet and its pieces, or by a mail and its documents; its own id otherwise."""
    parent_id: str = ""
    """The packet that a piece was cut from, or the mail that a document came in."""
    pages: tuple[int, ...] = ()
    """The pages of the parent that a piece holds, 1-based."""
    category: str = ""
    """A piece's category as the split job named it."""
    category_confidence: str = ""
    """high, medium or low, as reported by the split job."""
    page_count: int | None = None
    cuts: tuple[Cut, ...] = ()
    """How a packet was cut, each time; the last cut holds."""
    duplicate_of: str = ""
    """The first document that was received with the same bytes, from another source or place."""
    metadata: dict[str, str] = field(default_factory=dict)
    file_id: str = ""
    """LlamaCloud's id of the uploaded file."""
    file_expires_at: float | None = None
    job_id: str = ""
    """The current job of this document."""
    submissions: int = 0
    """How often it was resubmitted. A part of the transaction id: a resubmission is a new job, a retry is not."""
    uploads: int = 0
    """How often its bytes were uploaded again, under another name: the file at LlamaCloud may be gone, or wrong."""
    installation: str = ""
    """The installation that received it; "" for a document from before installations had ids."""
    transactions: tuple[str, ...] = ()
    """The transaction ids of its submissions, each stored before LlamaCloud was asked."""
    credits: float = 0.0
    """What LlamaCloud charged for the document's jobs, as far as it reported that."""
    unpriced_jobs: int = 0
    """Completed jobs whose price LlamaCloud did not report: split jobs, and those whose bill was not written yet."""
    deadline: float | None = None
    """Past this moment an open document is overdue."""
    classification: Classification | None = None
    """LlamaCloud's result. No decision of a person changes it."""
    earlier_results: tuple[EarlierResult, ...] = ()
    """LlamaCloud's results before a person had it reclassified, the oldest first."""
    corrected_type: str = ""
    """The type that a person gave in its place; "" where nobody did, or took it back."""
    decisions: tuple[Decision, ...] = ()
    """What persons decided, the oldest first."""
    error: str = ""
    """Why it failed or waits, in words for a person; LlamaCloud's own message where it comes from there."""
    plan: Plan | None = None
    set_aside: SetAside | None = None
    """While it is being reclassified: its plan from before. Its deliveries and its type stay as they are meanwhile."""
    shadow: ShadowVerdict | None = None
    """What the shadow table decided when its plan was made; None without one, or where no table decided."""
    deliveries: tuple[Delivery, ...] = ()
    """The deliveries of the plan, in its order; then what earlier plans delivered. No receipt is ever dropped."""
    sequence: int = 0
    """The highest number of a message about it."""
    placed: bool = False
    """An earlier plan had routed it: what follows is a correction."""
    history: tuple[HistoryEntry, ...] = ()
    forgotten_at: float | None = None
    """When its bytes were removed: from then on nothing may rely on them, though they may still exist for a moment."""
    parts_state: DocumentState | None = None
    """The common state of the documents that came out of this one (a packet's pieces); None until all are settled."""
    passed_over_at: float | None = None
    """The ``settled_at`` at which its record could have been removed, had others of its batch not been kept.

    The last of these to settle has the whole batch removed.
    """

    __repr__ = short_repr

    @property
    def type(self) -> str | None:
        """The type that counts, None when there is none (yet)."""
        return self.effective.type if self.effective else None

    @property
    def effective(self) -> Classification | None:
        """The result that counts: the type that a person gave, which is certain, or else LlamaCloud's result."""
        if not self.corrected_type:
            return None if self.cuts else self.classification  # a packet has no type: its pieces do
        given = (item for item in reversed(self.decisions) if item.choice is Choice.TYPE)
        by = next((item for item in given if item.value == self.corrected_type), None)
        reasoning = f"{by.who} {by.text}" + (f": {by.why}" if by.why else "") if by else ""
        return Classification(type=self.corrected_type, confidence=1.0, reasoning=reasoning)

    @property
    def without_result(self) -> bool:
        """Whether no table and no person has decided about it, or that was undone, and no result is known."""
        undecided = self.plan is not None and self.plan.way is Way.UNDECIDED and self.effective is None
        return self.plan is None or undecided

    @property
    def at_llamacloud(self) -> str:
        """LlamaCloud's id of the file or parse job that it is; "" where its bytes are elsewhere."""
        scheme, _, vendor_id = self.content.partition(":")
        return vendor_id if scheme == SCHEME else ""

    @property
    def is_piece(self) -> bool:
        """Whether it was cut from a packet."""
        return bool(self.parent_id and self.pages)

    @property
    def pieces(self) -> tuple[Segment, ...]:
        """What a packet is cut into; () for anything else, and before it is cut."""
        return self.cuts[-1].pieces if self.cuts else ()

    @property
    def overdue_at(self) -> float | None:
        """When an open document becomes overdue; None for all others (a sparse index rests on this)."""
        return self.deadline if self.state is DocumentState.OPEN else None

    @property
    def settled_at(self) -> float | None:
        """When the last thing happened to it, if nothing more will; None while it is open or waits for a person."""
        if self.state not in SETTLED:
            return None
        return self.history[-1].at if self.history else self.taken_in_at

    @property
    def forgettable(self) -> str | None:
        """What is removed next, some time after it settled; None while it must be kept whole."""
        if self.state not in SETTLED:
            return None
        if self.content:
            return "content"
        return "record" if self.passed_over_at != self.settled_at else None

    def note(self, at: float, what: str, detail: str = "") -> "Document":
        """The document with one more line in its timeline."""
        history = (*self.history, HistoryEntry(at=at, what=what, detail=detail[:500]))
        if len(history) > HISTORY_LIMIT:
            history = (history[0], *history[-(HISTORY_LIMIT - 1) :])
        return replace(self, history=history)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """The delivery of this id, None when the plan has moved on."""
        return next((item for item in self.deliveries if item.id == delivery_id), None)

    def with_delivery(self, delivery: Delivery) -> "Document":
        """The document with this delivery updated, and the state that follows."""
        kept = (item for item in self.deliveries if not delivery.overtakes(item))
        deliveries = tuple(delivery if item.id == delivery.id else item for item in kept)
        return replace(self, deliveries=deliveries).settle()

    @property
    def holders(self) -> tuple[Delivery, ...]:
        """The deliveries of the plan that store the document itself."""
        return tuple(item for item in self.deliveries if not item.is_message and not item.superseded)

    @property
    def locations(self) -> tuple[str, ...]:
        """Where it is stored by its plan."""
        return tuple(item.receipt.location for item in self.holders if item.receipt)

    @property
    def waits_for_bytes(self) -> bool:
        """Whether some place is still to get the document itself."""
        return any(item.state is DeliveryState.PENDING for item in self.holders)

    @property
    def messages(self) -> tuple[Delivery, ...]:
        """The messages of the plan, which follow once all holders are done."""
        return tuple(item for item in self.deliveries if item.is_message and not item.superseded)

    @property
    def copies(self) -> tuple[Delivery, ...]:
        """The deliveries, of any plan, that stored the document's present bytes somewhere."""
        whole = ("", f"sha256:{self.sha256}")
        held = (item for item in self.deliveries if not item.is_message and item.receipt)
        return tuple(item for item in held if not self.sha256 or (item.receipt and item.receipt.checksum in whole))

    @property
    def stored(self) -> Receipt | None:
        """The receipt of the first place that holds the document; None when none does yet."""
        return next((item.receipt for item in self.holders if item.receipt), None)

    def settle(self) -> "Document":
        """The document in the state that follows from its plan and deliveries."""
        state = self._state()
        step = self.step if state is DocumentState.OPEN else Step.SETTLED
        return self if (state, step) == (self.state, self.step) else replace(self, state=state, step=step)

    def _state(self) -> DocumentState:
        own = self.own_state
        return worst((own, self.parts_state)) if self.plan and self.parts_state else own

    @property
    def own_state(self) -> DocumentState:
        """The state that follows from its own plan and deliveries, apart from the documents that came out of it."""
        if self.plan is None:
            return self.state
        stuck = any(item.gave_up for item in self.holders)
        waiting = self.messages if stuck else ()  # for a person, who must fix what they point to
        if any(item.state is DeliveryState.PENDING and item not in waiting for item in self.deliveries):
            return DocumentState.OPEN
        if self.plan.way is Way.RECUT:
            return DocumentState.WITHDRAWN
        if self.plan.review or any(item.gave_up for item in self.deliveries):
            return DocumentState.REVIEW
        return DocumentState.FAILED if self.plan.way in (Way.FAILED, Way.DISMISSED) else DocumentState.ROUTED
