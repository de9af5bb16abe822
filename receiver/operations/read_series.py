"""Reads the series for the charts: the hours that were counted, and the present one as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import msgspec

from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.flag import Flag
from receiver.core.series import HOUR, Counts, by_frequent_names
from receiver.operations.hour_counts import (
    DAY,
    PAGE,
    PROGRESS,
    READ,
    HourCount,
    HoursProgress,
    counts_of_all,
    hours_of,
    read_days,
    read_queue,
)
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_page

PERIODS = {"24h": (HOUR, 24), "7d": (6 * HOUR, 28), "30d": (DAY, 30)}
"""The length of a bucket in seconds, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The documents that were received from ``at`` on, as they were when they were counted."""

    at: float
    counts: Counts
    complete: bool
    """False where some of them are not counted yet."""
    counted_at: float | None
    """When the hour that was counted longest ago was counted; None without one."""
    queue: dict[str, int] | None
    """What waited at its end: open, review, parked, overdue; None where nobody looked then."""


async def read_series(period: str, context: Context) -> list[Bucket]:
    """The buckets of one of PERIODS, the oldest first; the last one is not over."""
    now, store = context.clock(), context.store
    step, number = PERIODS[period]
    flag = await store.get(Flag, PROGRESS)
    counted_to = msgspec.json.decode(flag.value, type=HoursProgress).counted_to if flag else 0.0
    this_hour = now // HOUR * HOUR
    present = min(max(counted_to, this_hour - HOUR), this_hour)
    live, whole = await _count_now(present, context)
    kept = {hour: item for hour, item in hours_of(await read_days(store, now)).items() if hour < present}
    unknown = (counted_to, present if whole else now)
    last = now // step * step
    return [_bucket(last - step * ago, step, kept | live, unknown) for ago in range(number - 1, -1, -1)]


def _bucket(at: float, step: float, hours: Mapping[float, HourCount], unknown: tuple[float, float]) -> Bucket:
    own = [item for hour, item in sorted(hours.items()) if at <= hour < at + step]
    counts = Counts()
    for item in own:
        counts.update(item.counts)
    return Bucket(
        at=at,
        counts=by_frequent_names(counts),
        complete=max(at, unknown[0]) >= min(at + step, unknown[1]),
        counted_at=min((item.counted_at for item in own), default=None),
        queue=next((item.queue for item in reversed(own) if item.queue), None),
    )


async def _count_now(since: float, context: Context) -> tuple[dict[float, HourCount], bool]:
    """The hours since then, as far as the newest READ documents show them; and whether these are all."""
    now, counts, read, store = context.clock(), dict[float, Counts](), 0, context.store
    this_hour = now // HOUR * HOUR
    async for page in every_page(Document, Query(since=since, newest_first=True, limit=PAGE), store):
        read += len(page.records)
        for hour, of_hour in groupby(page.records, lambda item: min(item.taken_in_at // HOUR * HOUR, this_hour)):
            counts.setdefault(hour, Counts()).update(await counts_of_all(list(of_hour), store))
        if read >= READ and page.cursor:
            break
    else:
        read = 0
    counts.setdefault(this_hour, Counts())
    queue = await read_queue(context)
    return {
        hour: HourCount(counts=found, counted_at=now, queue=queue if hour == this_hour else None)
        for hour, found in counts.items()
    }, read == 0
