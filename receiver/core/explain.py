"""Where a result would go, and why: every row's verdict, and the places with their fields filled in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.document import Classification, Document
from receiver.core.naming import fields, render
from receiver.core.plan import Plan, Row
from receiver.core.route import RouteTable, decide, decide_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The plan that ``decide`` makes, and what it does not say: all rows, and the places as they would be."""

    plan: Plan
    rows: tuple[Row, ...]
    places: tuple[str, ...]


def explain(table: RouteTable, result: Classification | str, document: Document, *, now: float) -> Explanation:
    """What would become of the document; ``result`` is the classifier's, or why there is none (the job failed)."""
    if isinstance(result, str):
        plan = decide_failed(table, result, now=now)
        return Explanation(plan=plan, rows=_unasked(table, plan.reason), places=_places(plan, document, None))
    plan = decide(table, result, document, now=now)
    if result.type is None:
        return Explanation(plan=plan, rows=_unasked(table, plan.reason), places=_places(plan, document, result))
    rows = _verdicts([route.weigh(result, document)[0] for route in table.routes])
    return Explanation(plan=plan, rows=rows, places=_places(plan, document, result))


def _unasked(table: RouteTable, reason: str) -> tuple[Row, ...]:
    return tuple(Row(route=route.name, matched=False, why=f"not asked: {reason}") for route in table.routes)


def _verdicts(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, of which only the first that fits is the match."""
    winner = next((row for row in rows if row.matched), None)
    return tuple(
        replace(row, matched=False, why=f"fits too, but {winner.route} stands above")
        if winner and row.matched and row is not winner
        else row
        for row in rows
    )


def _places(plan: Plan, document: Document, result: Classification | None) -> tuple[str, ...]:
    values = fields(document, result)
    return tuple(render(target.url, values) for target in plan.to)
