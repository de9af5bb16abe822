"""A new plan, held against what was delivered, and said, before.

What lies at a place already is not delivered there again, whichever plan asked for it then; what a place was told and
is still true is not said again. A place that was told something else is told anew, and one that the plan does not name
any more is told that. Each message of a document has a higher number than the ones before.

A document has at each place at most one delivery that holds it, the last message that arrived, and one under way.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from receiver.core.document import Delivery, DeliveryState, Document
from receiver.core.meaning import PLACED, Meaning, meaning_of
from receiver.core.naming import claim_id, delivery_id, place_beside, rendered_address
from receiver.core.plan import Plan, Target, Way

Holds = Callable[[Target], bool]
"""Whether a target's destination holds the document itself."""


def replanned(document: Document, plan: Plan, holds: Holds, *, before: Document | None = None) -> Document:
    """The document with this plan and the deliveries that it asks for, each with its stable id.

    ``before`` is the document as its earlier plan had it, where what was found of it has changed since.
    """
    earlier = known(before or document, holds).deliveries
    return _Replan(document, plan, holds, earlier).document()


def shelved(document: Document, holds: Holds) -> Document:
    """The document without its plan, which will be made anew; what was delivered stays on record."""
    earlier = tuple(replace(item, superseded=True) for item in known(document, holds).deliveries)
    return replace(document, plan=None, shadow=None, deliveries=earlier)


def with_pointers(document: Document) -> Document:
    """The document with the messages that were promised, once there is something to point to."""
    owed = [item for item in document.messages if item.done and item.owes_pointer]
    if not owed or document.stored is None:
        return document
    number = document.sequence + 1
    paid = {item.id: replace(item, owes_pointer=False) for item in owed}
    kept = (paid.get(item.id, item) for item in document.deliveries)
    more = (
        replace(
            _message(document, item.to, item.place, Meaning.AVAILABLE, item.claim, number, item.id), route=item.route
        )
        for item in owed
    )
    return replace(document, deliveries=(*kept, *more), sequence=number)


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
    meaning = next((said for way, said in _MEANINGS.items() if way == item.route), Meaning.ROUTED)
    return replace(item, place=place, meaning=meaning, claim="" if holds(item.to) else "unknown", superseded=True)


def _claim(document: Document, plan: Plan, meaning: Meaning, holds: Holds) -> str:
    """A fingerprint of what a message of this plan says that a consumer acts on; not of how it came to be.

    It points to the first place that the plan stores the document at, or else to where an earlier plan did.
    """
    places = [rendered_address(document, to) for to in plan.to if holds(to)]
    places += [item.place for item in document.copies]
    pieces = [str(item.pages) for item in document.pieces]
    said = "placed" if meaning in PLACED else meaning
    return claim_id(said, str(plan.review), document.type or "", document.sha256, *pieces, *places[:1])


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
    """One new plan and the deliveries that there were before it."""

    def __init__(self, document: Document, plan: Plan, holds: Holds, earlier: tuple[Delivery, ...]) -> None:
        placed = document.placed or any(item.done and item.meaning in PLACED for item in earlier)
        self._document = replace(document, plan=plan, shadow=None, placed=placed, deliveries=earlier)
        self._plan = plan
        self._holds = holds
        self._earlier = earlier
        self._number = document.sequence + 1
        self._meaning = meaning_of(plan, placed=placed)
        self._claim = _claim(self._document, plan, self._meaning, holds)

    def document(self) -> Document:
        asked = self._asked()
        told = list(self._withdrawn({item.place for item in asked}))
        taken = {item.id for item in (*asked, *told)}
        receipts = [_kept(item) for item in self._earlier if item.receipt and item.id not in taken]
        rows = (*asked, *told, *receipts)
        number = max((item.sequence for item in rows), default=0)
        return replace(self._document, deliveries=rows, sequence=max(number, self._document.sequence))

    def _asked(self) -> list[Delivery]:
        """What the plan asks for; each place once."""
        asked: dict[str, Delivery] = {}
        for to, route in zip(self._plan.to, self._plan.routes, strict=True):
            place = self._place(to)
            item = self._held(to, place) if self._holds(to) else self._told(to, place)
            asked.setdefault(place, replace(item, to=to, route=route, superseded=False))
        return list(asked.values())

    def _place(self, to: Target) -> str:
        """Where it goes: beside what was delivered there before a person gave the document other bytes."""
        place, today = rendered_address(self._document, to), ("", f"sha256:{self._document.sha256}")
        others = [
            item for item in self._at(place) if item.receipt and not item.tells and item.receipt.checksum not in today
        ]
        return place_beside(place, self._document.sha256) if others and self._document.sha256 else place

    def _held(self, to: Target, place: str) -> Delivery:
        """The document itself at this place: the bytes that it has today."""
        identity = delivery_id(self._document.id, place, self._document.sha256)
        fresh = Delivery(id=identity, to=to, route="", place=place, run=self._document.version + 1)
        same = [item for item in self._at(place) if item in self._document.copies or item.id == identity]
        item = replace(self._again(same[0] if same else fresh), meaning=self._meaning)
        if item.done and item.to.style != to.style:
            return replace(begun_anew(item, self._document), options_changed=True)
        return item

    def _told(self, to: Target, place: str) -> Delivery:
        """The message to this place: the last one that it was sent, where that says the same."""
        last = _last(self._at(place))
        if last is not None and last.claim == self._claim:
            return self._again(last)
        replaces = last.id if last else ""
        return _message(self._document, to, place, self._meaning, self._claim, self._number, replaces)

    def _withdrawn(self, asked: Collection[str]) -> Iterator[Delivery]:
        """The messages to places that were told something, or may have been, and that the plan does not name."""
        for place in dict.fromkeys(item.place for item in self._earlier if item.tells):
            last = _last(self._at(place))
            if last is None or place in asked or (last.meaning is Meaning.SUPERSEDED and last.done):
                continue
            if last.meaning is not Meaning.SUPERSEDED:
                what = Meaning.SUPERSEDED
                last = _message(self._document, last.to, place, what, what, self._number, last.id)
            yield replace(self._again(last), superseded=True)

    def _again(self, item: Delivery) -> Delivery:
        return begun_anew(item, self._document) if item.gave_up else item

    def _at(self, place: str) -> list[Delivery]:
        return [item for item in self._earlier if item.place == place]


def _last(deliveries: Iterable[Delivery]) -> Delivery | None:
    """The newest message among these."""
    messages = (item for item in deliveries if item.tells)
    return max(messages, key=lambda item: (item.sequence, not item.superseded), default=None)


def _kept(item: Delivery) -> Delivery:
    """The receipt of an earlier plan's delivery, whatever became of a repetition of it."""
    return replace(item, state=DeliveryState.DELIVERED, error="", superseded=True)


def begun_anew(item: Delivery, document: Document) -> Delivery:
    """The delivery, to be made once more: a task of its own does it."""
    return replace(item, state=DeliveryState.PENDING, error="", run=document.version + 1)
