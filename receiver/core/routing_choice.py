"""A row that a person chose, with the rows that say ``continue``, as where the table decides.

The document is routed as if it had a type of the chosen row, and as if that were certain.
"""

from collections.abc import Iterator

from receiver.core.document import Document
from receiver.core.plan import Plan, Way
from receiver.core.route import ANY, Fallback, Route, RouteTable, each_once
from receiver.core.when import Judge, depends_on, document_attributes


def choices(table: RouteTable) -> dict[str, Route | Fallback]:
    """What a person can choose from, by name: the rows, and the fallbacks with a destination or review."""
    named: dict[str, Route | Fallback] = {route.name: route for route in table.routes}
    fallbacks = {"no_match": table.no_match, "low_confidence": table.low_confidence, "failed": table.failed}
    return named | {name: fallback for name, fallback in fallbacks.items() if fallback.to}


def plan_of_choice(document: Document, name: str, table: RouteTable, *, who: str, now: float) -> Plan:
    """The plan of this choice, which must be one of ``choices``."""
    end, known = choices(table)[name], document_attributes(document)
    verdicts = [(item, judge.truth(known), judge) for item, judge in _adding(document, name, table)]
    added = [item for item, holds, _ in verdicts if holds]
    reason = f"{who} chose route {name}" + (f"; also {', '.join(item.name for item in added)}" if added else "")
    for item, holds, judge in verdicts:
        if holds is None:
            reason += f"; without {item.name}, which {depends_on(judge.unknown(known))}"
    to = each_once(target for item in (*added, end) for target in item.to)
    by_row = {target.key: item.name for item in reversed(added) for target in item.to}
    via = tuple(by_row.get(target.key, name) for target in to) if added else ()
    return Plan(way=Way.BY_HAND, route=name, reason=reason, to=to, via=via, table=table.version, decided_at=now)


def _adding(document: Document, name: str, table: RouteTable) -> Iterator[tuple[Route, Judge]]:
    """The rows that say ``continue`` and would be read before this one, whether their conditions hold or not."""
    place = next((at for at, item in enumerate(table.routes) if item.name == name), None)
    if place is not None:
        types, confidence, rows = _types(document, table.routes[place]), 1.0, table.routes[:place]
    elif name == Way.LOW_CONFIDENCE and (found := document.effective) and found.type:
        types, confidence, rows = {found.type}, found.confidence, table.routes
    else:
        return
    for item in rows:
        takes = ANY in item.types or (types and types <= set(item.types))
        if item.goes_on and takes and confidence >= item.min_confidence:
            yield item, Judge(item.when)


def _types(document: Document, end: Route) -> set[str]:
    """The types that it may have in this row: its own, if the row is for it."""
    if document.type and (document.type in end.types or ANY in end.types):
        return {document.type}
    return set(end.types) - {ANY}
