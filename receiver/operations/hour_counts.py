"""Counts the documents of each hour when it has ended, for the charts, and again while some of them are unsettled.

It runs with the sweep, so that no event and no document waits for it. A pass reads READ documents at most, and goes on
where the last one stopped. The counts of a day are one flag, of KEPT_DAYS + 1 that are used in turn.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.flag import Flag
from receiver.core.job import Job
from receiver.core.series import HOUR, Counts, by_frequent_names, counts_of, total
from receiver.operations.gauges import read_gauges
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.ports import Store

READ = 5000
"""Documents that one pass reads, about."""
PAGE = 250
KEPT_DAYS = 35
DAY = 24 * HOUR
SETTLE = 60.0
"""Seconds after its end that an hour is counted: an index may lag, and two machines' clocks may differ."""
PROGRESS = "hours:progress"
UNSETTLED = ("open", "review")


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """The documents that were received in one hour, as they were when they were counted."""

    counts: dict[str, int]
    """By the keys of core/series.py."""
    counted_at: float
    queue: dict[str, int] | None = None
    """What waited when it was counted: open, review, parked, overdue; None if that was long after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """The hours of one day (UTC) that had documents."""

    day: int
    """Days since 1970."""
    hours: dict[int, HourCount] = field(default_factory=dict)
    """By the hour of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursProgress:
    """How far the hours are counted."""

    counted_to: float = 0.0
    """The start of the first hour that was not counted yet."""
    again_at: float = 0.0
    """When there is something to count next, at the latest."""
    hour: float | None = None
    """The start of the hour that is being counted."""
    cursor: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """What was counted of it until ``cursor``."""

    def ended(self, hour: float) -> "HoursProgress":
        """After an hour was counted to its end."""
        return HoursProgress(counted_to=max(self.counted_to, hour + HOUR))


def ended_before(now: float) -> float:
    """The end of the last hour that may be counted."""
    return (now - SETTLE) // HOUR * HOUR


Days = dict[int, tuple[Flag | None, DayCount]]
"""By the number of the day; a flag may still hold an older day."""


async def count_hours(context: Context) -> None:
    """One pass. Another process that does the same at the same time counts the same."""
    now, store = context.clock(), context.store
    flag = await store.get(Flag, PROGRESS)
    progress = msgspec.json.decode(flag.value, type=HoursProgress) if flag else HoursProgress()
    if now < progress.again_at <= now + HOUR + SETTLE:  # beyond that a clock was wrong
        return
    days, left = await read_days(store, now), READ
    while left > 0:
        if progress.hour is None:
            hour = await _next_hour(progress, days, now, store)
            if hour is None:
                progress = HoursProgress(counted_to=ended_before(now), again_at=_again_at(days, now))
                break
            progress = replace(progress, hour=hour)
        progress, read = await _count_on(progress, left, store)
        left -= max(read, PAGE)
        if progress.cursor is None:
            progress = await _keep(progress, days, now, context)
    await put_flag(PROGRESS, msgspec.json.encode(progress).decode(), flag, context)


async def read_days(store: Store, now: float) -> Days:
    """The days that are kept, the newest first."""
    numbers = [int(now // DAY) - ago for ago in range(KEPT_DAYS + 1)]
    flags = await asyncio.gather(*(store.get(Flag, _flag_id(number)) for number in numbers))
    return {number: (flag, _day_in(flag, number)) for number, flag in zip(numbers, flags, strict=True)}


def _flag_id(day: int) -> str:
    return f"hours:{day % (KEPT_DAYS + 1)}"


def _day_in(flag: Flag | None, number: int) -> DayCount:
    day = msgspec.json.decode(flag.value, type=DayCount) if flag else None
    return day if day is not None and day.day == number else DayCount(day=number)


def hours_of(days: Mapping[int, tuple[Flag | None, DayCount]]) -> dict[float, HourCount]:
    """The hours of these days, by their start."""
    return {day.day * DAY + number * HOUR: item for _, day in days.values() for number, item in day.hours.items()}


async def _next_hour(progress: HoursProgress, days: Days, now: float, store: Store) -> float | None:
    """The oldest hour that has ended, was not counted and has documents; else one that is to be counted again."""
    until = ended_before(now)
    trusted = progress.counted_to <= until + HOUR  # beyond that a clock was ahead, and nobody knows for how long
    since = max(progress.counted_to if trusted else 0.0, min(days) * DAY)
    if since < until:
        page = await store.find(Document, Query(since=since, until=until, limit=1))
        if page.records:
            return float(page.records[0].taken_in_at // HOUR * HOUR)
    return min((hour for hour, again in _due_again(days) if again <= now), default=None)


def _due_again(days: Days) -> Iterable[tuple[float, float]]:
    """Each hour with unsettled documents, and when it is counted again: at twice the age that it had."""
    for hour, item in hours_of(days).items():
        if total(item.counts, *UNSETTLED):
            yield hour, hour + 2 * max(item.counted_at - hour, HOUR)


def _again_at(days: Days, now: float) -> float:
    next_hour = ended_before(now) + HOUR + SETTLE
    return min((next_hour, *(again for _, again in _due_again(days))))


async def _count_on(progress: HoursProgress, most: int, store: Store) -> tuple[HoursProgress, int]:
    """Counts more documents of the hour, about ``most``; how many. The cursor is None at its end."""
    assert progress.hour is not None
    counts, read, cursor = Counts(progress.counts), 0, progress.cursor
    while read < most:
        query = Query(since=progress.hour, until=progress.hour + HOUR, limit=PAGE, cursor=cursor)
        page = await store.find(Document, query)
        read += len(page.records)
        counts.update(await counts_of_all(page.records, store))
        cursor = page.cursor
        if cursor is None:
            break
    return replace(progress, cursor=cursor, counts=dict(by_frequent_names(counts))), read


async def counts_of_all(documents: Sequence[Document], store: Store) -> Counts:
    """What these documents count, each with its job."""
    jobs = await asyncio.gather(*(store.get(Job, item.job_id) for item in documents if item.job_id))
    known = {job.id: job for job in jobs if job is not None}
    counts = Counts()
    for document in documents:
        counts.update(counts_of(document, known.get(document.job_id)))
    return counts


async def _keep(progress: HoursProgress, days: Days, now: float, context: Context) -> HoursProgress:
    """Stores the hour that was counted; not where records were removed since it was counted before."""
    hour = progress.hour
    assert hour is not None
    number, of_day = int(hour // DAY), int(hour % DAY // HOUR)
    flag, day = days[number]
    before = day.hours.get(of_day)
    is_latest = hour + HOUR == ended_before(now)
    counted = HourCount(
        counts=progress.counts,
        counted_at=now,
        queue=before.queue if before else await read_queue(context) if is_latest else None,
    )
    if before is not None and sum_of(counted) < sum_of(before):
        counted = replace(before, counted_at=now)
    day = replace(day, hours=day.hours | {of_day: counted})
    kept = await put_flag(_flag_id(number), msgspec.json.encode(day).decode(), flag, context)
    flag = await context.store.get(Flag, _flag_id(number))
    days[number] = flag, _day_in(flag, number)
    return progress.ended(hour) if kept else HoursProgress(counted_to=progress.counted_to)


def sum_of(item: HourCount) -> int:
    """How many documents an hour had."""
    return total(item.counts, "routed", "review", "failed", "open", "withdrawn")


async def read_queue(context: Context) -> dict[str, int]:
    """What waits now."""
    found = await read_gauges(context)
    return {
        "open": found.tally.open, "review": found.tally.review, "parked": found.parked, "overdue": found.overdue,
    }  # fmt: skip
