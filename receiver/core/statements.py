"""LlamaCloud's result for a document, and the decisions of persons."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from receiver.core.decision import Choice, Decision, next_number, sealed, to_undo, with_decision
from receiver.core.document import Classification, Document, EarlierResult
from receiver.core.plan import Plan, Way

OVERWRITTEN = re.compile(r"(?P<who>.+?) (?:decided|said so); before: (?P<before>.*)", re.DOTALL)
"""The reasoning that releases without ``decisions`` put in the place of LlamaCloud's, with a confidence of 1."""
ROUTED_BY_HAND = "routed by hand"
"""The entry of the timeline for a person's decision."""
EARLIER_KEPT = 100
"""Earlier results that are kept on a document: the first, and the newest others. A record is read and written whole."""


def overwritten(document: Document) -> tuple[str, str] | None:
    """Who corrected the type in a release that did not keep what LlamaCloud said, and what that release noted of it.

    None for all other documents.
    """
    found = document.classification
    if found is None or found.confidence != 1.0 or (match := OVERWRITTEN.fullmatch(found.reasoning)) is None:
        return None
    who, before = match["who"], match["before"]
    texts = (f"{who}: {who} set the type to {found.type}", f"{who}: {who} says it is {found.type}")
    by_hand = (entry.detail for entry in document.history if entry.what == ROUTED_BY_HAND)
    return (who, before) if any(detail.startswith(texts) for detail in by_hand) else None


def said_by_llamacloud(document: Document) -> Classification | None:
    """LlamaCloud's result; None while there is none, and where an earlier release overwrote it."""
    return None if overwritten(document) else document.classification


def corrected_by(document: Document) -> str:
    """The person whose type counts; "" where LlamaCloud's does."""
    if not document.corrected_type:
        return old[0] if (old := overwritten(document)) else ""
    given = (item for item in reversed(document.decisions) if item.choice is Choice.TYPE)
    return next((item.who for item in given if item.value == document.corrected_type), "")


def decided_by_person(document: Document) -> str:
    """What a person decided, and when, if that counts now; "" where LlamaCloud's result and the table decide."""
    by_hand = document.plan is not None and document.plan.way in (Way.BY_HAND, Way.DISMISSED)
    if not (by_hand or document.corrected_type or overwritten(document)):
        return ""
    if (last := to_undo(document.decisions)) is None:
        return f"{corrected_by(document) or 'a person'} decided"  # an earlier release kept no more
    return f"{last.who} decided on {datetime.fromtimestamp(last.at, UTC):%Y-%m-%d}: {last.text}"


def with_result(document: Document, found: Classification, *, now: float) -> Document:
    """The document with this result of LlamaCloud's. Its plan is made by the caller.

    After a reclassification it counts instead of the earlier result, which stays on record, and of persons' decisions.
    """
    if (before := document.set_aside) is None:
        return replace(document, classification=found)
    results = document.earlier_results
    if (said := said_by_llamacloud(document)) is not None:
        past = EarlierResult(classification=said, job_id=before.job_id, until=now)
        results = (*results[:1], *results[1:][-(EARLIER_KEPT - 2) :], past)
    decisions = sealed(document.decisions)
    return replace(document, classification=found, earlier_results=results, corrected_type="", decisions=decisions)


def with_statement(
    document: Document,
    *,
    who: str,
    choice: Choice,
    now: float,
    value: str = "",
    why: str = "",
    undoes: int = 0,
    final: bool = False,
) -> Document:
    """The document with this decision on record, and with what held before it. Its plan is made by the caller.

    A ``final`` decision cannot be undone: nothing held before it.
    """
    decision = Decision(
        number=next_number(document.decisions),
        at=now,
        who=who,
        choice=choice,
        value=value,
        why=why,
        before=state_in_words(document),
        undoes=undoes,
        plan=None if final or choice is Choice.UNDO else document.plan or _waiting(document),
        typed=document.corrected_type,
    )
    corrected = value if choice is Choice.TYPE else document.corrected_type
    return replace(document, decisions=with_decision(document.decisions, decision), corrected_type=corrected)


def _waiting(document: Document) -> Plan:
    """What holds for a document that waits for a person without a plan."""
    return Plan(way=Way.UNDECIDED, route=Way.UNDECIDED, reason=document.error or "it has no result", review=True)


def state_in_words(document: Document) -> str:
    """What is known and decided, in a few words."""
    found = document.effective
    text = f"{found.type or 'no type'} {found.confidence:.2f}" if found else "not classified"
    if document.plan is None:
        return f"{document.state}, {text}"
    way, route = document.plan.way, document.plan.route
    if way is Way.BY_HAND:
        return f"{document.state}, {text}, by hand to {route}"
    return f"{document.state}, {text}, {way}" + (f" {route}" if route != way else "")
