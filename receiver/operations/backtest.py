"""Backtest: what a changed table would have done with past documents.

The results are stored, so nothing is requested, paid for or written.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.plan import Plan
from receiver.core.redecide import alike, moved, what_moves
from receiver.core.route import RouteTable
from receiver.pipeline.records import PAGE, every_record
from receiver.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """A decided document, and the plan that the table makes for it; None if the document would not move."""

    document: Document
    plan: Plan | None


class Move(NamedTuple):
    """A document, and the plan by the other table."""

    document: Document
    plan: Plan

    def shown(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        document, before = self.document, self.document.plan
        assert before is not None
        return {
            "document_id": document.id,
            "name": document.name,
            "type": document.type,
            "from": _place(before),
            "to": _place(self.plan),
            "why": self.plan.reason,
            "change": what_moves(before, self.plan),
        }


def _place(plan: Plan) -> dict[str, Any]:
    return {"way": plan.way, "route": plan.route, "to": [to.shown for to in plan.to], "review": plan.review}


async def backtest(
    table: RouteTable, store: Store, query: Query, *, now: float, present: RouteTable | None = None
) -> AsyncIterator[BacktestResult]:
    """For every document of the query that has a plan: what ``mailroom replay --reroute`` would do with it.

    A document that a person routed, or whose stored result decides nothing, stays. With the ``present`` table, a
    document that it would route in the same way stays too.
    """
    async for document in every_record(Document, replace(query, limit=PAGE, cursor=None), store):
        if document.plan is not None:
            plan = moved(document, table, now=now)
            if plan is not None and present is not None:
                plan = None if _does_the_same(document, plan, present, now) else plan
            yield BacktestResult(document=document, plan=plan)


def _does_the_same(document: Document, plan: Plan, present: RouteTable, now: float) -> bool:
    already = moved(document, present, now=now)
    return already is not None and alike(already, plan)
