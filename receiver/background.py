"""Background loops: the periodic work of a worker's process. Each part has its own loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from receiver.core import timers
from receiver.core.errors import MailroomError, StoreBusy
from receiver.log import log_line
from receiver.operations import clock_skew as skews
from receiver.operations.future_dates import FutureDates
from receiver.operations.leader_lock import LeaderLock
from receiver.operations.lease_takeover import ExpiredLeases
from receiver.operations.missed_webhooks import ask_overdue
from receiver.operations.receiving_gap import ReceivingGap
from receiver.operations.retention import RetentionResult, apply_retention_steadily
from receiver.operations.stalled_queue import alert_of_silence, overlooked
from receiver.operations.sweep import SweepResult, sweep
from receiver.pipeline.context import Context
from receiver.pipeline.process import Done
from receiver.ports import Meter
from receiver.supervisor import Background

log = logging.getLogger("mailroom.task")
retention_log = logging.getLogger("mailroom.retention")
OVERDUE_SECONDS = 5.0
"""Seconds between two checks of the jobs past their deadline: how late a job is asked about at most."""
STAGGER = 0.2
"""The random part of each pause. Without it, workers that started together would always ask LlamaCloud about the same
jobs at the same moment. With it, the first worker asks, and the job is not overdue for the others."""
LONGEST_SWEEP = 600.0
"""Maximum seconds of a sweep, because LlamaCloud may return page after page."""


class BackgroundLoops:
    """Takes over tasks of dead workers and checks the clock; when it has the lock, it sweeps and applies retention.

    Each loop checks more often than its work is due, so that another process soon does the work of one that died. No
    loop waits for another, which may be waiting for LlamaCloud, a disk or a bucket.
    """

    def __init__(
        self,
        context: Context,
        owner: str,
        *,
        lease_seconds: float,
        sweep_seconds: float,
        begin: Callable[[Sequence[str]], Awaitable[int]] | None = None,
    ) -> None:
        """``begin`` starts tasks that the queue should have delivered, and returns how many if the queue is silent."""
        self._context = context
        self._begin = begin
        self._sweep_seconds = sweep_seconds
        self._every = timers.look_every(lease_seconds, sweep_seconds)
        self._owner = owner
        self._takeover, self._ahead, self._clock = ExpiredLeases(), FutureDates(), skews.SkewMonitor()
        self._missed = ReceivingGap(longest_pause=sweep_seconds)
        self._sweep_turn, self._tidy_turn = (
            LeaderLock(what, owner, every_seconds=sweep_seconds) for what in ("sweep", "retention")
        )

    def loops(self) -> Mapping[str, Background]:
        """The loops, by name, which run as long as the worker."""
        return {
            "takeover": partial(self._again, "takeover", self._take_over),
            "sweep": partial(self._again, "sweep", self._sweep),
            "missed": partial(self._again, "missed", self._look_for_missed),
            "overdue": partial(self._again, "overdue", self._ask_overdue, every=min(OVERDUE_SECONDS, self._every)),
            "clock": partial(self._again, "clock", self._look_at_clock),
            "retention": partial(self._again, "retention", self._tidy),
        }

    async def _again(self, what: str, look: Callable[[], Awaitable[None]], *, every: float | None = None) -> None:
        while True:
            try:
                await look()
            except Exception as error:  # noqa: BLE001 - the next pass may succeed, and comes soon
                if isinstance(error, StoreBusy):
                    self._missed.interrupted()
                log_error(f"{what}.failed", error)
            pause = self._every if every is None else every
            await asyncio.sleep(pause * (1 - STAGGER * self._context.spread()))

    async def _take_over(self) -> None:
        for done in await self._takeover.take_over(self._context):
            count_attempt(done, self._context.meter)

    async def _sweep(self) -> None:
        if await self._sweep_turn.acquired(self._context):
            async with asyncio.timeout(LONGEST_SWEEP):
                await self._bring_back()
                result = await sweep(self._context)
            log_sweep(result)
            await self._recover()

    async def _look_for_missed(self) -> None:
        async with asyncio.timeout(LONGEST_SWEEP):
            found = await self._missed.check(self._context)
        if found:
            log_line(log, logging.INFO, "events.recovered", finished=found)

    async def _ask_overdue(self) -> None:
        found = await ask_overdue(self._context)
        if found.finished:
            log_line(log, logging.INFO, "events.recovered", finished=found.finished, asked=found.asked)

    async def _recover(self) -> None:
        if self._begin is not None:
            silent = await self._begin(await overlooked(self._context, sweep_seconds=self._sweep_seconds))
            if silent:
                await alert_of_silence(silent, self._context)
                log_line(log, logging.WARNING, "queue.silent", tasks=silent)

    async def _bring_back(self) -> None:
        ahead = await self._ahead.bring_back(self._context)
        if ahead >= skews.APART:
            await skews.alert_of_skew(skews.Skew(skews.STORE, -ahead), self._owner, self._context)

    async def _look_at_clock(self) -> None:
        turn = self._sweep_turn
        lasting = await skews.apart(self._context, ahead_of_other=turn.ahead(), other=turn.other)
        for skew in (self._clock.check(self._context), self._clock.unreported(lasting)):
            if skew is not None:
                await skews.alert_of_skew(skew, self._owner, self._context)
        if lasting is not None:
            await skews.still(lasting, self._owner, self._context)

    async def _tidy(self) -> None:
        if await self._tidy_turn.acquired(self._context):
            report_tidied(await apply_retention_steadily(self._context, every_seconds=self._sweep_seconds))


def log_sweep(result: SweepResult) -> None:
    """Logs what a pass found, and why no heartbeat was sent, if none was."""
    log_line(
        log,
        logging.INFO,
        "sweep",
        enqueued=result.enqueued,
        overdue=result.overdue,
        finished=result.finished,
        over=result.over,
    )
    if result.heartbeat_withheld:
        log_line(log, logging.WARNING, "heartbeat", error=result.heartbeat_withheld)


def report_tidied(tidied: RetentionResult) -> None:
    """Logs what was removed, if anything, and what could not be removed."""
    if counts := {name: count for name, count in tidied.counts.items() if count}:
        log_line(retention_log, logging.INFO, "retention", **counts)
    for trouble in tidied.troubles:
        log_line(retention_log, logging.WARNING, "retention.incomplete", error=trouble)


def log_error(what: str, error: Exception) -> None:
    """Logs an error; with its traceback if Mailroom did not raise it on purpose, because that is a bug."""
    if isinstance(error, MailroomError):
        log_line(log, logging.ERROR, what, error=str(error), fix=error.fix)
    else:
        log.error(what, exc_info=error)


def count_attempt(done: Done, meter: Meter, seconds: float = 0.0) -> None:
    """Counts and logs an attempt, and its error as ``log_error`` does."""
    meter.count("mailroom_tasks", kind=done.task.kind, outcome=done.outcome)
    ours = done.error is None or isinstance(done.error, MailroomError)
    level = logging.INFO if done.error is None else logging.WARNING
    if not ours:
        log.error("unhandled_exception", exc_info=done.error)
    log_line(
        log, level, f"task.{done.outcome}", task=done.task.id, kind=done.task.kind, subject=done.task.subject,
        attempt=done.task.attempts, note=done.note, ms=round(seconds * 1000, 1),
    )  # fmt: skip
