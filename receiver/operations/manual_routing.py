"""A person corrects a document: its type, its route, or a decision that was made before.

Any settled document can be corrected. LlamaCloud's result stays beside the decision, which is recorded with who, when,
why and what was decided before. The effects of the new plan can be shown before it is carried out.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from receiver.core.change import Replace, Write
from receiver.core.decision import OPERATOR, Choice, to_undo, undoable
from receiver.core.document import DeliveryState, Document, DocumentState, Step
from receiver.core.effects import PlaceEffect, effects_of
from receiver.core.errors import Malformed, NotAllowed
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.plan import Plan, Way
from receiver.core.problem import meant_or_known
from receiver.core.replan import DestinationFacts, replanned
from receiver.core.route import RouteTable, decide
from receiver.core.routing_choice import choices, plan_of_choice
from receiver.core.statements import ROUTED_BY_HAND, state_in_words, with_statement
from receiver.operations.replay import overtaken
from receiver.pipeline.content import refuse_unreadable
from receiver.pipeline.context import Context
from receiver.pipeline.records import document_named
from receiver.pipeline.shadow import with_shadow_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingDecision:
    """What a person decided: a route (or a fallback) by its name, the type that the document really is, or an undo."""

    to: str = ""
    type: str = ""
    undo: bool = False
    """Whether the last decision that still counts is undone."""
    who: str = OPERATOR
    why: str = ""
    version: int | None = None
    """The version of the document that the person saw. The decision is refused if the document has another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A decision, and what it would do; nothing is written yet."""

    before: Document
    after: Document
    writes: tuple[Write, ...]

    @property
    def effects(self) -> tuple[PlaceEffect, ...]:
        """What happens at each place."""
        return effects_of(self.after)


async def route_by_hand(document_id: str, decision: RoutingDecision, context: Context) -> Document:
    """The document on its new route. Raises what ``foreseen_correction`` raises, Conflict when it just changed."""
    return await carry_out_correction(await foreseen_correction(document_id, decision, context), context)


async def foreseen_correction(document_id: str, decision: RoutingDecision, context: Context) -> Correction:
    """What this decision would do to the document.

    Raises NotFound; NotAllowed while it is being worked on, for a container (its parts are corrected), without
    anything to undo, or if its bytes are gone; Malformed for a route or type that is not in the table; Conflict if it
    is not the version that the person saw.
    """
    document = await document_named(document_id, context.store, version=decision.version)
    now = context.clock()
    after = reroute(document, decision, context.config.table, context, now=now)
    if after.waits_for_bytes:
        await refuse_unreadable(document, context)
    after = replace(after, deadline=now + context.config.deadline_seconds)
    if context.shadow is not None:
        after = with_shadow_verdict(after, context.shadow, context)
    writes = (Replace(after), *delivery_tasks(after, now=now), *await overtaken(document, context))
    writes = (*writes, *container_tasks([Replace(after)], now=now, reopened=True))
    return Correction(before=document, after=after, writes=writes)


async def carry_out_correction(correction: Correction, context: Context) -> Document:
    """The document as it is stored. Raises Conflict if it changed in between."""
    after = correction.after
    await context.store.apply(*correction.writes)
    context.meter.count("mailroom_decisions", way=Way.BY_HAND, type=after.type or "")
    await context.enqueue_written(correction.writes)
    return replace(after, version=after.version + 1)


def reroute(
    document: Document, decision: RoutingDecision, table: RouteTable, facts: DestinationFacts, *, now: float
) -> Document:
    """The document with the plan of a person's decision. Earlier deliveries stay on record."""
    refuse_correction(document)
    if decision.undo:
        decided, plan = _undone(document, decision, now)
    else:
        decided = _decided(document, decision, now)
        plan = _by_type(decided, decision, table, now) if decision.type else _by_name(document, decision, table, now)
    what = _undo_text(document) + _because(decision) if decision.undo else plan.reason
    detail = f"{decision.who}: {what}; before: {state_in_words(document)}"
    routed = replanned(decided, plan, facts, before=document)
    routed = replace(routed, error="", state=DocumentState.OPEN, step=Step.DECIDED)
    return routed.note(now, ROUTED_BY_HAND, detail).settle()


def refuse_correction(document: Document) -> None:
    """Raises NotAllowed for a document that cannot be corrected now, saying when or what else."""
    if document.state is DocumentState.WITHDRAWN:
        fix = f"correct these pieces; to list them: mailroom documents {document.parent_id}"
        raise NotAllowed(f"document {document.id} is withdrawn: its pages are in other pieces of its packet", fix=fix)
    if document.parts_state and document.own_state is DocumentState.ROUTED:
        fix = f"route its parts: to list them: mailroom documents {document.id}"
        raise NotAllowed(f"document {document.id} is delivered; it is {document.state} because of its pieces", fix=fix)
    if document.state is DocumentState.OPEN:
        due = f", by {datetime.fromtimestamp(document.deadline, UTC):%Y-%m-%d %H:%M}Z" if document.deadline else ""
        raise NotAllowed(
            f"document {document.id} is open: {_work_on(document)}; it can be corrected when that is done{due}",
            fix=f"to see what it waits for: mailroom documents {document.id}",
        )


def _work_on(document: Document) -> str:
    """What is being done with an open document, in words."""
    if document.error:
        return document.error
    if document.plan is not None:
        waiting = [item.to.shown for item in document.deliveries if item.state is DeliveryState.PENDING]
        return f"it is being delivered to {', '.join(waiting) or 'its destinations'}"
    return {
        Step.RECEIVED: "it is being submitted to LlamaCloud",
        Step.SUBMITTED: "LlamaCloud has not returned its result yet",
        Step.SPLIT: "it is being cut into pieces",
    }.get(document.step, "it is being processed")


def _decided(document: Document, decision: RoutingDecision, now: float) -> Document:
    choice, value = (Choice.TYPE, decision.type) if decision.type else (Choice.ROUTE, decision.to)
    return with_statement(document, who=decision.who, choice=choice, value=value, why=decision.why, now=now)


def _undone(document: Document, decision: RoutingDecision, now: float) -> tuple[Document, Plan]:
    """The document with its last decision undone, and the plan from before that decision."""
    last = undoable(document.decisions)
    if last is None or last.plan is None:
        raise NotAllowed(
            f"document {document.id} has no decision that can be undone",
            fix=f"decide again: mailroom correct {document.id} --type TYPE or --to ROUTE",
        )
    noted = with_statement(
        document, who=decision.who, choice=Choice.UNDO, why=decision.why, undoes=last.number, now=now
    )
    return replace(noted, corrected_type=last.typed), replace(last.plan, decided_at=now)


def _undo_text(document: Document) -> str:
    last = to_undo(document.decisions)
    return f"undid that {last.who} {last.text}" if last else ""


def _by_name(document: Document, decision: RoutingDecision, table: RouteTable, now: float) -> Plan:
    if decision.to not in (named := choices(table)):
        raise Malformed(f"there is no route {decision.to!r}; {meant_or_known(decision.to, named)}")
    plan = plan_of_choice(document, decision.to, table, who=decision.who, now=now)
    return replace(plan, reason=plan.reason + _because(decision))


def _by_type(document: Document, decision: RoutingDecision, table: RouteTable, now: float) -> Plan:
    assert document.effective is not None
    plan = decide(table, document.effective, document, now=now)
    if plan.way is not Way.MATCHED:
        if plan.way is Way.UNDECIDED:
            raise Malformed(
                f"the type alone does not decide the route: it {plan.reason}; choose one of {', '.join(choices(table))}"
            )
        raise Malformed(f"{plan.reason}; {meant_or_known(decision.type, sorted(table.types))}")
    reason = f"{decision.who} set the type to {decision.type}{_because(decision)}"
    return replace(plan, way=Way.BY_HAND, reason=reason, review=False)


def _because(decision: RoutingDecision) -> str:
    return f": {decision.why}" if decision.why else ""
