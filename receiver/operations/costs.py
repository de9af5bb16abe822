"""Costs: reads the documents of some days, and sums what they cost."""

from receiver.core.change import Query
from receiver.core.costs import Costs, DayCost, cost_of, costs_by_day
from receiver.core.document import Document
from receiver.pipeline.records import PAGE, every_page
from receiver.ports import Store

MOST = 100_000
"""Maximum documents to read, newest first."""


async def read_costs(store: Store, *, since: float, until: float | None = None, limit: int = MOST) -> Costs:
    """The costs of the documents that were received in this period, except those whose records were removed.

    One page of documents is in memory at a time.
    """
    query = Query(since=since, until=until, newest_first=True, limit=min(limit, PAGE))
    costs: list[DayCost] = []
    read = 0
    async for page in every_page(Document, query, store):
        documents = page.records[: limit - read]
        read += len(documents)
        costs = costs_by_day([*costs, *filter(None, map(cost_of, documents))])
        if read == limit:
            break
    return Costs(costs, read, read < limit)
