"""Calibrates: reads what LlamaCloud said of past documents, and what persons made of it."""

from receiver.core.calibration import CalibrationReport, Judged, calibrations, outcome_of
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.route import RouteTable
from receiver.pipeline.records import PAGE, every_record
from receiver.ports import Store

MOST = 100_000
"""Documents that are read at most, the newest first."""


async def calibrate(
    table: RouteTable, store: Store, *, target: float, since: float | None = None, limit: int = MOST
) -> CalibrationReport:
    """The report on the documents since then; of each only type, confidence and outcome are kept in memory."""
    items: list[Judged] = []
    read, complete = 0, True
    async for document in every_record(Document, Query(since=since, newest_first=True, limit=PAGE), store):
        if read == limit:
            complete = False
            break
        read += 1
        if (item := outcome_of(document)) is not None:
            items.append(item)
    types = calibrations(items, table, target=target)
    return CalibrationReport(types=types, target=target, documents=read, complete=complete)
