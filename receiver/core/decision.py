"""A person's decision about a document. LlamaCloud's result stays beside it, and the newest decision counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from receiver.core.plan import Plan
from receiver.core.short_repr import short_repr

KEPT = 100
"""Decisions that are kept on a document: the first, and the newest others. A record is read and written whole."""
OPERATOR = "operator"
"""Who decides, where nobody says who."""
WHO_LIMIT = 200
"""Characters of a person's name."""
WHY_LIMIT = 1000
"""Characters of a reason or a note."""
UNDOABLE = 10
"""The newest decisions that keep the plan before them, and so can be undone."""


class Choice(StrEnum):
    """What a person decided."""

    TYPE = "type"
    """What the document is: it is routed by that."""
    ROUTE = "route"
    """The row of the table, or the fallback, that it takes."""
    DISMISS = "dismiss"
    """It goes nowhere."""
    UNDO = "undo"
    """An earlier decision is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision: who, when, what, why, and what held before."""

    number: int
    """From 1, one more with each decision about the document."""
    at: float
    who: str
    choice: Choice
    value: str = ""
    """The type, or the name of the route."""
    why: str = ""
    before: str = ""
    """What held before, in words."""
    undoes: int = 0
    """Of an undo: the number of the decision that it takes back."""
    plan: Plan | None = None
    """The plan before, to which an undo returns; None where no undo is possible."""
    typed: str = ""
    """The type that a person had given before."""

    __repr__ = short_repr

    @property
    def text(self) -> str:
        """The decision in words, without the reason."""
        return {
            Choice.TYPE: f"set the type to {self.value}",
            Choice.ROUTE: f"chose route {self.value}",
            Choice.DISMISS: "dismissed it",
            Choice.UNDO: f"undid decision {self.undoes}",
        }[self.choice]


def with_decision(decisions: Sequence[Decision], new: Decision) -> tuple[Decision, ...]:
    """The decisions and the new one, within the bounds of a record."""
    known = (*decisions, new)
    if len(known) > KEPT:
        known = (known[0], *known[-(KEPT - 1) :])
    old = known[:-UNDOABLE]
    return (*(replace(item, plan=None) if item.plan else item for item in old), *known[-UNDOABLE:])


def next_number(decisions: Sequence[Decision]) -> int:
    """The number of the next decision."""
    return decisions[-1].number + 1 if decisions else 1


def sealed(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """The decisions, none of which can be undone any more: the document gets another result, or other pages."""
    return tuple(replace(item, plan=None) if item.plan else item for item in decisions)


def to_undo(decisions: Sequence[Decision]) -> Decision | None:
    """The newest decision that counts still; None where there is none."""
    undone = {item.undoes for item in decisions}
    counting = (item for item in decisions if item.choice is not Choice.UNDO and item.number not in undone)
    return max(counting, key=lambda item: item.number, default=None)


def undoable(decisions: Sequence[Decision]) -> Decision | None:
    """The decision that an undo would take back; None where there is none, or where it cannot be taken back."""
    last = to_undo(decisions)
    return last if last is not None and last.plan is not None else None
