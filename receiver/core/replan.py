"""Replans: compares a new plan with the deliveries and messages of the earlier ones.

A document that is already at a place is not delivered there again, whichever plan put it there. A message that is still
true is not sent again. A place whose message is outdated gets a new one, and a place that is no longer in the plan gets
a message that says so. Each message of a document has a higher number than the ones before, and a new message a higher
one than a withdrawal: if both reach one consumer, the document counts.

Two spellings of a place (a queue's name, its address) are the same place. It keeps its first spelling, and so its
delivery ids.

A document has at each place at most one delivery that holds it, the last message that arrived, and one in progress.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from receiver.core.decision import sealed
from receiver.core.document import Delivery, DeliveryState, Document, Receipt, SetAside
from receiver.core.ids import claim_id, delivery_id
from receiver.core.message_type import PLACED, Meaning, meaning_of
from receiver.core.object_key import place_beside, rendered_address, url_at
from receiver.core.plan import Plan, Taken, Target, Way

Holds = Callable[[Target], bool]
"""Whether a target's destination stores the document itself."""


class DestinationFacts(Protocol):
    """What is known of targets without a request."""

    def holds(self, target: Target) -> bool:
        """Whether it stores the document itself, and not only a message about it."""
        ...

    def taken(self, target: Target, url: str) -> Taken:
        """The place of this target at this URL, in one spelling."""
        ...


def replanned(document: Document, plan: Plan, facts: DestinationFacts, *, before: Document | None = None) -> Document:
    """The document with this plan and its deliveries, each with a stable id.

    ``before`` is the document with its earlier plan, if its result has changed since.
    """
    earlier = known(before or document, facts.holds).deliveries
    return _Replan(document, plan, facts, earlier).document()


def shelved(document: Document, holds: Holds) -> Document:
    """The document without its plan, which will be made again; what was delivered and decided stays on record."""
    earlier = tuple(replace(item, superseded=True) for item in known(document, holds).deliveries)
    decisions = sealed(document.decisions)
    return replace(
        document, plan=None, set_aside=None, shadow=None, deliveries=earlier, corrected_type="", decisions=decisions
    )


def set_aside(document: Document, holds: Holds) -> Document:
    """The document without its plan until another result makes a new one: what it delivered counts meanwhile."""
    kept = SetAside(plan=document.plan, job_id=document.job_id) if document.plan else None
    return replace(known(document, holds), plan=None, set_aside=kept)


def put_back(document: Document) -> Document:
    """The document with the plan that was set aside, in the state that follows from it."""
    assert document.set_aside is not None
    before = document.set_aside
    return replace(document, plan=before.plan, job_id=before.job_id, set_aside=None).settle()


def with_pointers(document: Document) -> Document:
    """The document with its promised second messages, once there is something to point to."""
    waiting = [item for item in document.messages if item.done and item.owes_pointer]
    if not waiting or document.stored is None:
        return document
    number = document.sequence + 1
    paid = {item.id: replace(item, owes_pointer=False) for item in waiting}
    kept = (paid.get(item.id, item) for item in document.deliveries)
    more = [replace(_available(document, item, number), route=item.route) for item in waiting]
    return replace(document, deliveries=(*kept, *more), sequence=number)


def _available(document: Document, item: Delivery, number: int) -> Delivery:
    """The delivery, to the target as it is written now: a queue's name is another queue in another role's account."""
    place = rendered_address(document, item.to)
    return _message(document, item.to, place, Meaning.AVAILABLE, item.claim, number, item.id)


def known(document: Document, holds: Holds) -> Document:
    """The document with the deliveries of an earlier Mailroom as this one would have written them.

    They keep their ids, which consumers have seen.
    """
    if all(item.place for item in document.deliveries):
        return document
    rows = (item if item.place else _known(item, document, holds) for item in document.deliveries)
    return replace(document, deliveries=tuple(rows))


_MEANINGS = {Way.NO_MATCH: Meaning.UNMATCHED, Way.LOW_CONFIDENCE: Meaning.HELD, Way.FAILED: Meaning.FAILED}


def _known(item: Delivery, document: Document, holds: Holds) -> Delivery:
    plan, place = document.plan, rendered_address(document, item.to)
    if plan is not None and item.route in plan.routes and item.to in plan.to:
        meaning = meaning_of(plan, placed=False)
        claim = "" if holds(item.to) else _claim(document, plan, meaning, holds)
        return replace(item, place=place, meaning=meaning, claim=claim)
    meaning = next((value for way, value in _MEANINGS.items() if way == item.route), Meaning.ROUTED)
    return replace(item, place=place, meaning=meaning, claim="" if holds(item.to) else "unknown", superseded=True)


def _claim(document: Document, plan: Plan, meaning: Meaning, holds: Holds) -> str:
    """A fingerprint of what a consumer acts on in a message of this plan; not of how it came to be.

    It includes the first place at which the plan stores the document, or else that of an earlier plan.
    """
    places = [rendered_address(document, to) for to in plan.to if holds(to)]
    places += [item.place for item in document.copies]
    pieces = [str(item.pages) for item in document.pieces]
    claim = "placed" if meaning in PLACED else meaning
    return claim_id(claim, str(plan.review), document.type or "", document.sha256, *pieces, *places[:1])


def _message(
    document: Document, to: Target, place: str, meaning: Meaning, claim: str, number: int, replaces: str
) -> Delivery:
    identity = delivery_id(document.id, place, document.sha256, meaning, str(number))
    route = document.plan.route if document.plan else ""
    return Delivery(
        id=identity, to=to, route=route, place=place, meaning=meaning, claim=claim, sequence=number, replaces=replaces,
        run=document.version + 1,
    )  # fmt: skip


class _Replan:
    """One new plan and the previous deliveries."""

    def __init__(self, document: Document, plan: Plan, facts: DestinationFacts, earlier: tuple[Delivery, ...]) -> None:
        placed = document.placed or any(item.done and item.meaning in PLACED for item in earlier)
        self._document = replace(document, plan=plan, set_aside=None, shadow=None, placed=placed, deliveries=earlier)
        self._plan = plan
        self._facts = facts
        self._earlier = [(item, self._spellings(item.to, item.place, item.receipt)) for item in earlier]
        self._meaning = meaning_of(plan, placed=placed)
        self._claim = _claim(self._document, plan, self._meaning, facts.holds)

    def document(self) -> Document:
        number = self._document.sequence + 1
        withdrawn = list(self._withdrawn(number))
        asked = self._asked(number + any(item.sequence == number for item in withdrawn))
        taken = {item.id for item in (*asked, *withdrawn)}
        receipts = [_kept(item) for item, _ in self._earlier if item.receipt and item.id not in taken]
        rows = (*asked, *withdrawn, *receipts)
        number = max((item.sequence for item in rows), default=0)
        return replace(self._document, deliveries=rows, sequence=max(number, self._document.sequence))

    def _asked(self, number: int) -> list[Delivery]:
        """The deliveries of the plan; each place once. Messages get this number."""
        asked: dict[str, Delivery] = {}
        for to, route in zip(self._plan.to, self._plan.routes, strict=True):
            place = self._place(to)
            item = self._held(to, place) if self._facts.holds(to) else self._message_to(to, place, number)
            asked.setdefault(item.id, replace(item, to=to, route=route, superseded=False))
        return list(asked.values())

    def _place(self, to: Target) -> str:
        """The place: beside the earlier delivery if a person has replaced the document's bytes since."""
        place, today = rendered_address(self._document, to), ("", f"sha256:{self._document.sha256}")
        others = [
            item
            for item in self._at(to, place)
            if item.receipt and not item.is_message and item.receipt.checksum not in today
        ]
        return place_beside(place, self._document.sha256) if others and self._document.sha256 else place

    def _held(self, to: Target, place: str) -> Delivery:
        """The document itself, with its present bytes, at this place."""
        identity = delivery_id(self._document.id, place, self._document.sha256)
        fresh = Delivery(id=identity, to=to, route="", place=place, run=self._document.version + 1)
        same = [item for item in self._at(to, place) if item in self._document.copies or item.id == identity]
        item = replace(self._again(same[0] if same else fresh), meaning=self._meaning)
        if item.done and item.to.style != to.style:
            return replace(begun_anew(item, self._document), options_changed=True)
        # It did not count meanwhile, and somebody may have removed it: the delivery looks, and stores it again.
        return begun_anew(item, self._document) if item.done and item.superseded else item

    def _message_to(self, to: Target, place: str, number: int) -> Delivery:
        """The message to this place: the previous one, if it says the same."""
        last = _last(self._at(to, place))
        if last is not None and last.claim == self._claim:
            return self._again(last)
        replaces = last.id if last else ""
        return _message(self._document, to, place, self._meaning, self._claim, number, replaces)

    def _withdrawn(self, number: int) -> Iterator[Delivery]:
        """The messages to places that got one, or may have got one, and that are not in the plan."""
        if not self._earlier:
            return
        named = {item.id for to in self._plan.to for item in self._at(to, rendered_address(self._document, to))}
        for item, spellings in self._earlier:
            there = self._written(spellings)
            last = _last(there)
            if last is None or item.id in named or (last.meaning is Meaning.SUPERSEDED and last.done):
                continue
            named |= {other.id for other in there}
            if last.meaning is not Meaning.SUPERSEDED:
                what = Meaning.SUPERSEDED
                last = _message(self._document, last.to, last.place, what, what, number, last.id)
            yield replace(self._again(last), superseded=True)

    def _again(self, item: Delivery) -> Delivery:
        return begun_anew(item, self._document) if item.gave_up else item

    def _at(self, to: Target, place: str) -> list[Delivery]:
        """The deliveries at this place, in any spelling."""
        return self._written(self._spellings(to, place)) if self._earlier else []

    def _written(self, spellings: frozenset[str]) -> list[Delivery]:
        """The deliveries at a place with this spelling, or with that of their receipts."""
        while more := frozenset().union(*(its for _, its in self._earlier if its & spellings)) - spellings:
            spellings |= more
        return [item for item, its in self._earlier if its & spellings]

    def _spellings(self, to: Target, place: str, receipt: Receipt | None = None) -> frozenset[str]:
        """The place as it is written, in the destination's normal form, and as in the receipt."""
        taken = self._facts.taken(to, url_at(place, to.scheme))
        spelled = self._facts.taken(to, receipt.location.partition("#")[0]) if receipt else taken
        return frozenset({place, taken.place} | ({spelled.place} if taken.place in spelled.perhaps else set()))


def _last(deliveries: Iterable[Delivery]) -> Delivery | None:
    """The newest message among these."""
    messages = (item for item in deliveries if item.is_message)
    return max(messages, key=lambda item: (item.sequence, not item.superseded), default=None)


def _kept(item: Delivery) -> Delivery:
    """The receipt of an earlier plan's delivery, whatever happened to a repetition of it."""
    return replace(item, state=DeliveryState.DELIVERED, error="", superseded=True)


def begun_anew(item: Delivery, document: Document) -> Delivery:
    """The delivery, started again by a task of its own."""
    return replace(item, state=DeliveryState.PENDING, error="", run=document.version + 1)
