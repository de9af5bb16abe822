"""By hand: a person says where a document goes that no machine could place. Who, when and what was before is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.change import Ensure, Update, Write
from receiver.core.document import Classification, DeliveryState, Document, DocumentState, Step
from receiver.core.errors import Malformed, NotAllowed, NotFound
from receiver.core.plan import Plan, Target, Way
from receiver.core.route import RouteTable, decide, deliveries
from receiver.core.task import Task, TaskState
from receiver.flow import family
from receiver.flow.deliver import delivery_tasks, pending_task
from receiver.flow.tools import Tools, refuse_forgotten

HEAD_START = 30.0
"""Seconds that a delivery which was parked before waits now, so that one that it points to can be made first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person said: the name of a route (or of a fallback), or the type that the document really is."""

    to: str = ""
    type: str = ""
    who: str = "operator"


async def route_by_hand(document_id: str, word: Word, tools: Tools) -> Document:
    """The document on its new way.

    Raises NotFound, NotAllowed unless it waits in review or has failed and its bytes are there, Malformed for a route
    or type that is not in the table, Conflict when it just changed.
    """
    document = await tools.store.get(Document, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}", fix="mailroom documents lists them")
    refuse_forgotten(document)
    now = tools.clock()
    after = reroute(document, word, tools.config.table, now=now)
    after = replace(after, deadline=now + tools.config.deadline_seconds)
    tools.meter.count("mailroom_decisions", way=Way.BY_HAND, type=after.type or "")
    writes = await _delivery_writes(after, tools, now)
    await tools.store.apply(Update(after), *writes, *family.news([Update(after)], now=now, reopened=True))
    rung = [write.record.id for write in writes if isinstance(write, Ensure | Update)]
    await tools.ring(*rung)
    return replace(after, version=after.version + 1)


def reroute(document: Document, word: Word, table: RouteTable, *, now: float) -> Document:
    """The document with the plan that a person's word makes; what was delivered stays delivered, and on record."""
    if document.state not in (DocumentState.REVIEW, DocumentState.FAILED):
        raise NotAllowed(
            f"document {document.id} is {document.state}: only one in review, or one that failed, can be routed by hand"
        )
    if document.parts_state and document.own_state is DocumentState.ROUTED:
        fix = f"decide what came out of it: mailroom documents {document.id} lists it"
        raise NotAllowed(f"document {document.id} has its place; it is {document.state} because of its pieces", fix=fix)
    typed = replace(document, classification=_said(document, word)) if word.type else document
    plan = _by_type(typed, word, table, now) if word.type else _by_name(word, table, now)
    made = deliveries(document.id, plan)
    done = {one.id: one for one in document.deliveries if one.state is DeliveryState.DELIVERED}
    rows = (*(done.pop(one.id, one) for one in made), *done.values())
    detail = f"{word.who}: {plan.reason}; before: {_before(document)}"
    routed = replace(typed, plan=plan, deliveries=rows, error="", state=DocumentState.OPEN, step=Step.DECIDED)
    return routed.note(now, "routed by hand", detail).settle()


def choices(table: RouteTable) -> dict[str, Sequence[Target]]:
    """The names that a person can choose from, and where each leads."""
    named: dict[str, Sequence[Target]] = {route.name: route.to for route in table.routes}
    fallbacks = {"no_match": table.no_match, "low_confidence": table.low_confidence, "failed": table.failed}
    return named | {name: fallback.to for name, fallback in fallbacks.items() if fallback.to}


def _by_name(word: Word, table: RouteTable, now: float) -> Plan:
    named = choices(table)
    if word.to not in named:
        raise Malformed(f"there is no route {word.to!r}; known are {', '.join(named)}")
    reason = f"{word.who} chose route {word.to}"
    return Plan(
        way=Way.BY_HAND, route=word.to, reason=reason, to=tuple(named[word.to]), table=table.version, decided_at=now
    )  # fmt: skip


def _by_type(document: Document, word: Word, table: RouteTable, now: float) -> Plan:
    assert document.classification is not None
    plan = decide(table, document.classification, document, now=now)
    if plan.way is not Way.MATCHED:
        if plan.way is Way.UNDECIDED:
            raise Malformed(
                f"the type alone does not say where: it {plan.reason}; choose one of {', '.join(choices(table))}"
            )
        raise Malformed(f"{plan.reason}; known are {', '.join(sorted(table.types))}")
    return replace(plan, way=Way.BY_HAND, reason=f"{word.who} says it is {word.type}", review=False)


def _said(document: Document, word: Word) -> Classification:
    return Classification(type=word.type, confidence=1.0, reasoning=f"{word.who} said so; before: {_before(document)}")


def _before(document: Document) -> str:
    """What was known and decided until now, in a few words."""
    found = document.classification
    said = f"{found.type or 'no type'} {found.confidence:.2f}" if found else "not classified"
    if document.plan is None:
        return f"{document.state}, {said}"
    way, route = document.plan.way, document.plan.route
    return f"{document.state}, {said}, {way}" + (f" {route}" if route != way else "")


async def _delivery_writes(document: Document, tools: Tools, now: float) -> list[Write]:
    """The tasks of the plan. One that was parked under the same delivery before is promised anew."""
    writes: list[Write] = list(delivery_tasks(document, tools))
    for delivery in document.deliveries:
        if delivery.state is not DeliveryState.PENDING:
            continue
        task = pending_task(document, delivery, now=now)
        old = await tools.store.get(Task, task.id)
        if old is not None and old.state in (TaskState.PARKED, TaskState.DONE):
            first = Ensure(task) in writes
            writes = [write for write in writes if write != Ensure(task)]
            writes.append(Update(old.replay(now=now if first else now + HEAD_START)))
    return writes
