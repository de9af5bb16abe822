"""A person decides where a document goes. Who, when and the previous decision are stored."""

from dataclasses import dataclass, replace

from receiver.core.change import Replace
from receiver.core.document import Classification, Document, DocumentState, Step
from receiver.core.errors import Malformed, NotAllowed, NotFound
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.plan import Plan, Way
from receiver.core.replan import DestinationFacts, replanned
from receiver.core.route import RouteTable, decide
from receiver.core.routing_choice import choices, plan_of_choice
from receiver.operations.replay import overtaken
from receiver.pipeline.content import refuse_unreadable
from receiver.pipeline.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingDecision:
    """What a person decided: the name of a route (or of a fallback), or the type that the document really is."""

    to: str = ""
    type: str = ""
    who: str = "operator"


async def route_by_hand(document_id: str, word: RoutingDecision, context: Context) -> Document:
    """The document on its new route.

    Raises NotFound, NotAllowed unless it waits in review or has failed and its bytes are there, Malformed for a route
    or type that is not in the table, Conflict when it just changed.
    """
    document = await context.store.get(Document, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}", fix="to list them: mailroom documents")
    now = context.clock()
    after = reroute(document, word, context.config.table, context, now=now)
    if after.waits_for_bytes:
        await refuse_unreadable(document, context)
    after = replace(after, deadline=now + context.config.deadline_seconds)
    context.meter.count("mailroom_decisions", way=Way.BY_HAND, type=after.type or "")
    writes = (Replace(after), *delivery_tasks(after, now=now), *await overtaken(document, context))
    writes = (*writes, *container_tasks([Replace(after)], now=now, reopened=True))
    await context.store.apply(*writes)
    await context.enqueue_written(writes)
    return replace(after, version=after.version + 1)


def reroute(
    document: Document, word: RoutingDecision, table: RouteTable, facts: DestinationFacts, *, now: float
) -> Document:
    """The document with the plan of a person's decision; what was delivered stays delivered, and on record."""
    if document.state not in (DocumentState.REVIEW, DocumentState.FAILED):
        raise NotAllowed(
            f"document {document.id} is {document.state}: only documents in review or failed can be routed by hand"
        )
    if document.parts_state and document.own_state is DocumentState.ROUTED:
        fix = f"route its parts: to list them: mailroom documents {document.id}"
        raise NotAllowed(f"document {document.id} is delivered; it is {document.state} because of its pieces", fix=fix)
    typed = replace(document, classification=_classification(document, word)) if word.type else document
    plan = _by_type(typed, word, table, now) if word.type else _by_name(document, word, table, now)
    detail = f"{word.who}: {plan.reason}; before: {_before(document)}"
    routed = replanned(typed, plan, facts, before=document)
    routed = replace(routed, error="", state=DocumentState.OPEN, step=Step.DECIDED)
    return routed.note(now, "routed by hand", detail).settle()


def _by_name(document: Document, word: RoutingDecision, table: RouteTable, now: float) -> Plan:
    if word.to not in (named := choices(table)):
        raise Malformed(f"there is no route {word.to!r}; known names: {', '.join(named)}")
    return plan_of_choice(document, word.to, table, who=word.who, now=now)


def _by_type(document: Document, word: RoutingDecision, table: RouteTable, now: float) -> Plan:
    assert document.classification is not None
    plan = decide(table, document.classification, document, now=now)
    if plan.way is not Way.MATCHED:
        if plan.way is Way.UNDECIDED:
            raise Malformed(
                f"the type alone does not decide the route: it {plan.reason}; choose one of {', '.join(choices(table))}"
            )
        raise Malformed(f"{plan.reason}; known names: {', '.join(sorted(table.types))}")
    return replace(plan, way=Way.BY_HAND, reason=f"{word.who} set the type to {word.type}", review=False)


def _classification(document: Document, word: RoutingDecision) -> Classification:
    return Classification(type=word.type, confidence=1.0, reasoning=f"{word.who} decided; before: {_before(document)}")


def _before(document: Document) -> str:
    """What was known and decided before, in a few words."""
    found = document.classification
    text = f"{found.type or 'no type'} {found.confidence:.2f}" if found else "not classified"
    if document.plan is None:
        return f"{document.state}, {text}"
    way, route = document.plan.way, document.plan.route
    return f"{document.state}, {text}, {way}" + (f" {route}" if route != way else "")
