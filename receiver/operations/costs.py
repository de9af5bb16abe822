"""Costs: reads the documents of some days, and sums what they cost."""

from receiver.core.change import Query
from receiver.core.costs import Costs, costs_by_day
from receiver.core.document import Document
from receiver.pipeline.records import find_records
from receiver.ports import Store

MOST = 100_000
"""Documents that are read at most, the newest first."""


async def read_costs(store: Store, *, since: float, until: float | None = None, limit: int = MOST) -> Costs:
    """The costs of the documents that were received in this time; those whose records were removed are not in them."""
    query = Query(since=since, until=until, newest_first=True)
    found = await find_records(store, Document, query, limit=limit)
    return Costs(costs_by_day(found), len(found), len(found) < limit)
