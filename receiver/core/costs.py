"""What documents cost at LlamaCloud: summed by the day that they were received, and by their type.

LlamaCloud says what a classify job cost (``expand=usage``, since SDK 2.19), and nothing of a split job (reference 1.2,
1.4). Jobs without a price are counted beside the sum, never guessed at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from receiver.core.document import Document
from receiver.core.job import JobReport, JobStatus


@dataclass(frozen=True, slots=True)
class DayCost:
    """The documents of one day (UTC) and type."""

    day: str
    """2026-11-26"""
    type: str
    """The matched type; ``packet`` for packets, ``none`` for documents without a type."""
    documents: int
    credits: float
    unpriced_jobs: int


@dataclass(frozen=True, slots=True)
class Costs:
    rows: list[DayCost]
    documents: int
    """How many were read."""
    complete: bool
    """False when there were more than are read."""

    @property
    def credits(self) -> float:
        return sum(row.credits for row in self.rows)

    @property
    def unpriced_jobs(self) -> int:
        return sum(row.unpriced_jobs for row in self.rows)


def charged(document: Document, report: JobReport) -> Document:
    """The document with what this job of it cost, once it has ended."""
    if report.credits is None:
        return replace(document, unpriced_jobs=document.unpriced_jobs + (report.status is JobStatus.COMPLETED))
    return replace(document, credits=document.credits + report.credits)


def cost_of(document: Document) -> DayCost | None:
    """What this document cost; None if no job was made for it."""
    if not document.credits and not document.unpriced_jobs:
        return None
    day = f"{datetime.fromtimestamp(document.taken_in_at, UTC):%Y-%m-%d}"
    return DayCost(day, cost_type(document), 1, document.credits, document.unpriced_jobs)


def costs_by_day(costs: Iterable[DayCost]) -> list[DayCost]:
    """The sums by day and type, the newest day first."""
    sums: dict[tuple[str, str], DayCost] = {}
    for item in costs:
        known = sums.get((item.day, item.type), DayCost(item.day, item.type, 0, 0.0, 0))
        sums[item.day, item.type] = replace(
            known,
            documents=known.documents + item.documents,
            credits=known.credits + item.credits,
            unpriced_jobs=known.unpriced_jobs + item.unpriced_jobs,
        )
    ordered = sorted(sums.values(), key=lambda row: row.type)
    return sorted(ordered, key=lambda row: row.day, reverse=True)


def cost_type(document: Document) -> str:
    return "packet" if document.packet else document.type or "none"
