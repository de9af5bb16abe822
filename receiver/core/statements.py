"""LlamaCloud's result for a document, and the decisions of persons."""

import re
from dataclasses import replace

from receiver.core.decision import Choice, Decision, next_number, with_decision
from receiver.core.document import Classification, Document
from receiver.core.plan import Plan, Way

OVERWRITTEN = re.compile(r"(?P<who>.+?) (?:decided|said so); before: (?P<before>.*)", re.DOTALL)
"""The reasoning that releases without ``decisions`` put in the place of LlamaCloud's, with a confidence of 1."""
ROUTED_BY_HAND = "routed by hand"
"""The entry of the timeline for a person's decision."""


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
    return f"{document.state}, {text}, {way}" + (f" {route}" if route != way else "")
