"""Backtest: what a changed table would have done with past documents.

The results are stored, so nothing is requested, paid for or written.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.plan import Plan
from receiver.core.redecide import moved
from receiver.core.route import RouteTable
from receiver.pipeline.records import PAGE, every_record
from receiver.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """A decided document, and the plan that the table makes for it; None if the document would not move."""

    document: Document
    plan: Plan | None


async def backtest(table: RouteTable, store: Store, query: Query, *, now: float) -> AsyncIterator[BacktestResult]:
    """For every document of the query that has a plan: what ``mailroom replay --reroute`` would do with it.

    A document that a person routed, or whose stored result decides nothing, stays.
    """
    async for document in every_record(Document, replace(query, limit=PAGE, cursor=None), store):
        if document.plan is not None:
            yield BacktestResult(document=document, plan=moved(document, table, now=now))
