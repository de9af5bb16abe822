"""Wakes channels that have a notice to send. A part of the sweep, for notices that no other task sends."""

import contextlib
from dataclasses import replace

from receiver.alerting import digest
from receiver.alerting.alert import wake
from receiver.alerting.changed_rules import catch_up
from receiver.alerting.notify import LONGEST_HOLD
from receiver.core.change import InsertIfAbsent, Query, Replace
from receiver.core.channel import Channel
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.core.notification import Notification
from receiver.core.task import Task
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.records import every_record

LATE_SECONDS = 30.0
"""A notice that is overdue by so many seconds was missed."""
BACK_SECONDS = 30.0
"""If the clock was set back by more than this, notices are due too far in the future."""
PROBE_SECONDS = 3600.0
"""How often a channel is probed, if it supports that."""
_CLOCK = "alerting:clock"
PAGE = 200


async def wake_channels(context: Context) -> None:
    """Wakes each channel that has missed or overdue notices, and probes each of them once an hour."""
    now = context.clock()
    await catch_up(context)
    if await _set_back(now, context):
        for to in context.channels:
            await bring_forward(to, now, "clock", context)
    for to in context.channels:
        await _recount_others(to, now, context)
        if await _overdue(to, now, context):
            await _wake(wake(to, now, "swept"), context)
        await _wake(wake(to, now // PROBE_SECONDS * PROBE_SECONDS, "probe", probe="true"), context)


async def _wake(task: Task, context: Context) -> None:
    await context.store.apply(InsertIfAbsent(task))
    await context.enqueue(task.id)


async def _overdue(to: str, now: float, context: Context) -> bool:
    channel = await context.store.get(Channel, to)
    if channel is not None and channel.holder and 0 < channel.held_until - now <= LONGEST_HOLD:
        return False  # a time further ahead was written by a wrong clock
    page = await context.store.find(Notification, Query(by="due", key=to, until=now - LATE_SECONDS, limit=1))
    digest_at = channel.digest_at if channel is not None else None
    return bool(page.records) or (digest_at is not None and digest_at < now - LATE_SECONDS)


async def _recount_others(to: str, now: float, context: Context) -> None:
    """Makes a digest due if the channel's last one had another number of causes: a process that held one back may have
    died before it recorded that.
    """
    channel = await context.store.get(Channel, to)
    if channel is None or channel.digest_at is not None:
        return
    held = 0
    async for _ in every_record(Notification, Query(by="held", key=to, limit=PAGE), context.store):
        held += 1
    if held != channel.digest_count:
        with contextlib.suppress(Conflict):  # it is being notified right now; the next pass counts again
            await context.store.apply(Replace(digest.more(channel, now)))


async def _set_back(now: float, context: Context) -> bool:
    """Whether the clock has been set back since the last pass."""
    flag = await context.store.get(Flag, _CLOCK)
    noted = await put_flag(_CLOCK, "", flag, context)  # False: another worker's pass
    return noted and flag is not None and flag.at > now + BACK_SECONDS


async def bring_forward(to: str, now: float, because: str, context: Context) -> None:
    """Checks now what is due later: the decision treats a time in the future as now."""
    async for item in every_record(Notification, Query(by="due", key=to, since=now + 0.001, limit=PAGE), context.store):
        with contextlib.suppress(Conflict):  # it is being checked right now
            await context.store.apply(Replace(replace(item, due_at=now)))
    await _wake(wake(to, now, because), context)
