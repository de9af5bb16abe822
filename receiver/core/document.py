"""The document: one file to route, with all that was decided and done about it.

A document is one aggregate: what it is, what LlamaCloud said, the plan that was made, and one row per delivery. It is
read and written whole, guarded by its version, so that two workers can never both believe they finished it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from receiver.core.mail import Part
from receiver.core.message_type import Meaning
from receiver.core.pages import Cut, Segment
from receiver.core.plan import Plan, ShadowVerdict, Target, Way
from receiver.core.short_repr import short_repr

NAMING = 2
"""How the keys of documents are made that are taken in now."""
HISTORY_LIMIT = 200
"""Entries of the timeline kept on the document; the oldest but the first give way."""


class DocumentState(StrEnum):
    """What the books count: taken in = routed + review + failed + open + forgotten. Withdrawn is counted apart."""

    OPEN = "open"
    ROUTED = "routed"
    REVIEW = "review"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """A piece that its packet's new cut does not have: its pages are in other pieces, and it is counted apart."""


def worst(states: Iterable[DocumentState]) -> DocumentState:
    """What documents in these states amount to together: open before review before failed before routed."""
    known = set(states)
    order = (DocumentState.OPEN, DocumentState.REVIEW, DocumentState.FAILED)
    return next((item for item in order if item in known), DocumentState.ROUTED)


SETTLED = frozenset({DocumentState.ROUTED, DocumentState.FAILED, DocumentState.WITHDRAWN})
"""The states in which nothing more happens by itself, and nobody is waited for."""


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
    """folder, upload, s3, email, piece, adopted"""
    locator: str
    """What tells it apart within its kind: a file name, bucket/key, message id, parent and pages."""
    sender: str = ""
    """Who sent it, as far as the way in can say."""
    by_sender: bool = False
    """The sender is part of where it came from, because whoever handed it over named one."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What LlamaCloud found. ``type`` is None when no rule fits; ``confidence`` is 0..1.

    Source: SDK 2.19 ``types/classify_*``: result is {type, confidence, reasoning}, type nullable.
    """

    type: str | None
    confidence: float
    reasoning: str = ""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof of a delivery."""

    location: str
    """Where it lies, readable back: s3://bucket/key, sqs://https://host/account/queue#message-id, a path, a URL."""
    checksum: str = ""
    """``sha256:<hex>`` of the bytes that lie there, where the destination keeps bytes."""
    fresh: bool = True
    """False when it was there already: the same key with the same checksum."""
    manifest: str = ""
    """Where the document's manifest lies, where the destination writes one."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document to one place, or one message about it. Records of an earlier Mailroom lack what has a default."""

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
    """What it says of the document."""
    claim: str = ""
    """A fingerprint of all that a message claims; "" where the destination holds the bytes."""
    sequence: int = 0
    """Of two messages about a document the one with the higher number is true."""
    replaces: str = ""
    """The id of the message that this place got before."""
    superseded: bool = False
    """The present plan does not ask for it: it is a receipt of an earlier one, or tells of that."""
    owes_pointer: bool = False
    """The message went out before the document lay anywhere: another one must say where, once it does."""
    options_changed: bool = False
    """It was delivered with other options than ``to`` has now: what is there must get these."""
    run: int = 0
    """The version of the document that it was begun, or begun anew, with: a part of its task's id. 0 says nothing."""

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
        """Whether this message makes the other one's receipt worthless: it reached the same place later."""
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
    """Where the bytes lie: ``spool:KEY``, ``s3://bucket/key?versionId=…`` or ``llamacloud:FILE_ID``; "" once they are
    forgotten."""
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
    """Of a mail: every part, and what became of it."""
    batch_id: str = ""
    """Shared by a packet and its pieces, or by a mail and its documents; its own id otherwise."""
    parent_id: str = ""
    """The packet that a piece was cut from, or the mail that a document came in."""
    pages: tuple[int, ...] = ()
    """The pages of the parent that a piece holds, 1-based."""
    category: str = ""
    """A piece's category as the split job named it."""
    category_confidence: str = ""
    """high, medium or low, as the split job said."""
    page_count: int | None = None
    cuts: tuple[Cut, ...] = ()
    """How a packet was cut, each time; the last cut holds."""
    duplicate_of: str = ""
    """The first document that came in with the same bytes, by another way or from another place."""
    metadata: dict[str, str] = field(default_factory=dict)
    file_id: str = ""
    """LlamaCloud's id of the uploaded file."""
    file_expires_at: float | None = None
    job_id: str = ""
    """The job that speaks for this document now."""
    submissions: int = 0
    """How often it was submitted anew. A part of the transaction id: a resubmission is a new job, a retry is not."""
    uploads: int = 0
    """How often its bytes were given to LlamaCloud anew, under another name: the file there may be gone, or wrong."""
    installation: str = ""
    """The installation that took it in; "" for a document from before installations had ids."""
    transactions: tuple[str, ...] = ()
    """The transaction ids that it was submitted under, each written down before LlamaCloud was asked."""
    deadline: float | None = None
    """Past this moment an open document is overdue."""
    classification: Classification | None = None
    error: str = ""
    """Why it failed or waits, in words for a person; the vendor's message where it came from there."""
    plan: Plan | None = None
    shadow: ShadowVerdict | None = None
    """What the shadow table made of it when its plan was made; None where there was none, or no table decided."""
    deliveries: tuple[Delivery, ...] = ()
    """Those that the plan asks for, in its order; then what earlier plans delivered. No receipt is ever forgotten."""
    sequence: int = 0
    """The highest number that a message about it has."""
    placed: bool = False
    """An earlier plan had given it a place: what follows is a correction."""
    history: tuple[HistoryEntry, ...] = ()
    forgotten_at: float | None = None
    """When its bytes were forgotten: from then on nothing may count on them, though they may be there for a moment."""
    parts_state: DocumentState | None = None
    """What the documents that came out of this one amount to (a packet's pieces); None before they are all settled."""
    passed_over_at: float | None = None
    """The ``settled_at`` at which its record might have been forgotten, had others of its batch not been kept. The last
    of these to settle takes the whole batch along."""

    __repr__ = short_repr

    @property
    def type(self) -> str | None:
        """The matched type, None when there is none (yet)."""
        return self.classification.type if self.classification else None

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
        """When the last thing happened to it, if nothing more will; None while it is open or a person must look."""
        if self.state not in SETTLED:
            return None
        return self.history[-1].at if self.history else self.taken_in_at

    @property
    def forgettable(self) -> str | None:
        """What of it is the next to be forgotten, some time after it settled; None while it must be kept whole."""
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
        """The document with this delivery in the place of its earlier self, and the state that follows."""
        kept = (item for item in self.deliveries if not delivery.overtakes(item))
        deliveries = tuple(delivery if item.id == delivery.id else item for item in kept)
        return replace(self, deliveries=deliveries).settle()

    @property
    def holders(self) -> tuple[Delivery, ...]:
        """The deliveries of the plan that put the document itself somewhere."""
        return tuple(item for item in self.deliveries if not item.is_message and not item.superseded)

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
        """The deliveries, of whatever plan, that put its bytes somewhere: those that it has today."""
        whole = ("", f"sha256:{self.sha256}")
        held = (item for item in self.deliveries if not item.is_message and item.receipt)
        return tuple(item for item in held if not self.sha256 or (item.receipt and item.receipt.checksum in whole))

    @property
    def stored(self) -> Receipt | None:
        """The receipt of the first place that holds the document now; None when none does yet."""
        return next((item.receipt for item in self.holders if item.receipt), None)

    def settle(self) -> "Document":
        """The document in the state that its plan and deliveries amount to."""
        state = self._state()
        step = self.step if state is DocumentState.OPEN else Step.SETTLED
        return replace(self, state=state, step=step)

    def _state(self) -> DocumentState:
        own = self.own_state
        return worst((own, self.parts_state)) if self.plan and self.parts_state else own

    @property
    def own_state(self) -> DocumentState:
        """The state that its own plan and deliveries amount to, whatever became of what came out of it."""
        if self.plan is None:
            return self.state
        stuck = any(item.gave_up for item in self.holders)
        waiting = self.messages if stuck else ()  # for a person, who must mend what they point to
        if any(item.state is DeliveryState.PENDING and item not in waiting for item in self.deliveries):
            return DocumentState.OPEN
        if self.plan.way is Way.RECUT:
            return DocumentState.WITHDRAWN
        if self.plan.review or any(item.gave_up for item in self.deliveries):
            return DocumentState.REVIEW
        return DocumentState.FAILED if self.plan.way in (Way.FAILED, Way.DISMISSED) else DocumentState.ROUTED
