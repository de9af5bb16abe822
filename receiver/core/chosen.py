"""A row that a person chose, and what rows that say ``continue`` add to it, as they do where the table decides.

The document goes as if it had a type of the chosen row, and as if that were certain.
"""

from collections.abc import Iterator

from receiver.core.document import Document
from receiver.core.plan import Plan, Way
from receiver.core.route import ANY, Fallback, Route, RouteTable, each_once
from receiver.core.when import Judge, attributes, depends_on


def choices(table: RouteTable) -> dict[str, Route | Fallback]:
    """What a person can choose from, by name: the rows, and the named ways that lead somewhere."""
    named: dict[str, Route | Fallback] = {route.name: route for route in table.routes}
    fallbacks = {"no_match": table.no_match, "low_confidence": table.low_confidence, "failed": table.failed}
    return named | {name: fallback for name, fallback in fallbacks.items() if fallback.to}


def chosen(document: Document, name: str, table: RouteTable, *, who: str, now: float) -> Plan:
    """The plan that follows from the choice of this name, which must be one of ``choices``."""
    end, known = choices(table)[name], attributes(document)
    verdicts = [(one, judge.truth(known), judge) for one, judge in _adding(document, name, table)]
    added = [one for one, holds, _ in verdicts if holds]
    reason = f"{who} chose route {name}" + (f"; also {', '.join(one.name for one in added)}" if added else "")
    for one, holds, judge in verdicts:
        if holds is None:
            reason += f"; without {one.name}, which {depends_on(judge.unknown(known))}"
    to = each_once(target for one in (*added, end) for target in one.to)
    by_row = {target.key: one.name for one in reversed(added) for target in one.to}
    via = tuple(by_row.get(target.key, name) for target in to) if added else ()
    return Plan(way=Way.BY_HAND, route=name, reason=reason, to=to, via=via, table=table.version, decided_at=now)


def _adding(document: Document, name: str, table: RouteTable) -> Iterator[tuple[Route, Judge]]:
    """The rows that say ``continue`` and would be read before this one, whether their conditions hold or not."""
    place = next((at for at, one in enumerate(table.routes) if one.name == name), None)
    if place is not None:
        types, confidence, rows = _types(document, table.routes[place]), 1.0, table.routes[:place]
    elif name == Way.LOW_CONFIDENCE and (found := document.classification) and found.type:
        types, confidence, rows = {found.type}, found.confidence, table.routes
    else:
        return
    for one in rows:
        takes = ANY in one.types or (types and types <= set(one.types))
        if one.goes_on and takes and confidence >= one.min_confidence:
            yield one, Judge(one.when)


def _types(document: Document, end: Route) -> set[str]:
    """The types that it may have in this row: its own, if the row takes it."""
    if document.type and (document.type in end.types or ANY in end.types):
        return {document.type}
    return set(end.types) - {ANY}
