"""Explains where a result would go, and why: the verdict of each row, and the places with their fields filled in."""

from dataclasses import dataclass, replace

from receiver.core.document import Classification, Document
from receiver.core.object_key import path_fields, render
from receiver.core.plan import Plan, Row
from receiver.core.route import RouteTable, RowResult, decide, decide_failed
from receiver.core.when import document_attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The plan of ``decide``, with all rows and the resulting places in addition."""

    plan: Plan
    rows: tuple[Row, ...]
    places: tuple[str, ...]


def explain(table: RouteTable, result: Classification | str, document: Document, *, now: float) -> Explanation:
    """What would happen to the document; ``result`` is the classification, or the reason why there is none."""
    if isinstance(result, str):
        plan = decide_failed(table, result, now=now)
        return Explanation(plan=plan, rows=_unasked(table, plan.reason), places=_places(plan, document, None))
    plan = decide(table, result, document, now=now)
    if result.type is None:
        return Explanation(plan=plan, rows=_unasked(table, plan.reason), places=_places(plan, document, result))
    rows = _verdicts(table, result, document)
    return Explanation(plan=plan, rows=rows, places=_places(plan, document, result))


def _unasked(table: RouteTable, reason: str) -> tuple[Row, ...]:
    return tuple(Row(route=route.name, matched=False, why=f"not asked: {reason}") for route in table.routes)


def _verdicts(table: RouteTable, result: Classification, document: Document) -> tuple[Row, ...]:
    """The verdict of every row of the table; rows below the winning one do not match."""
    known, judges = document_attributes(document), {id(route): judge for route, judge in table.rows(result.type or "")}
    found, winner = [], ""
    for route in table.routes:
        if (judge := judges.get(id(route))) is None:
            row = Row(route=route.name, matched=False, why=f"type {result.type!r} is not {' or '.join(route.types)}")
        else:
            row = RowResult.of(route, judge, result, known).row(result, known)
        if row.matched and winner:
            row = replace(row, matched=False, why=f"matches too, but {winner} is above it")
        elif row.matched and not route.goes_on:
            winner = route.name
        found.append(row)
    return tuple(found)


def _places(plan: Plan, document: Document, result: Classification | None) -> tuple[str, ...]:
    values = path_fields(document, result)
    return tuple(render(target.url, values) for target in plan.to)
