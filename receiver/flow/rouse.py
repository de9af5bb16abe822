"""Rouse: no channel sleeps over a notice. A part of the sweep, for what no ring and no task will bring about now."""

import contextlib
from dataclasses import replace

from receiver.core.change import Ensure, Query, Update, put
from receiver.core.channel import Channel
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.core.notification import Notification
from receiver.core.task import Task
from receiver.flow.alert import wake
from receiver.flow.every import every
from receiver.flow.notify import LONGEST_HOLD
from receiver.flow.tools import Tools

LATE_SECONDS = 30.0
"""A notice that is due for so long was forgotten by somebody."""
BACK_SECONDS = 30.0
"""A clock that was set back by more than this has left notices due in a future that will not come for long."""
PROBE_SECONDS = 3600.0
"""How often a channel is asked whether it would take a notice, where that can be asked."""
_CLOCK = "alerting:clock"
PAGE = 200


async def rouse(tools: Tools) -> None:
    """Wakes each channel that has something overdue, and asks each one now and then how it is."""
    now = tools.clock()
    if await _set_back(now, tools):
        for to in tools.channels:
            await _due_now(to, now, tools)
    for to in tools.channels:
        if await _overdue(to, now, tools):
            await _wake(wake(to, now, "swept"), tools)
        await _wake(wake(to, now // PROBE_SECONDS * PROBE_SECONDS, "probe", probe="true"), tools)


async def _wake(task: Task, tools: Tools) -> None:
    await tools.store.apply(Ensure(task))
    await tools.ring(task.id)


async def _overdue(to: str, now: float, tools: Tools) -> bool:
    channel = await tools.store.get(Channel, to)
    if channel is not None and channel.holder and 0 < channel.held_until - now <= LONGEST_HOLD:
        return False  # what lies further ahead was written by a clock that was wrong
    page = await tools.store.find(Notification, Query(by="due", key=to, until=now - LATE_SECONDS, limit=1))
    digest = channel is not None and channel.digest_at is not None and channel.digest_at < now - LATE_SECONDS
    return bool(page.records) or digest


async def _set_back(now: float, tools: Tools) -> bool:
    """Whether the clock shows less than at the last pass."""
    flag = await tools.store.get(Flag, _CLOCK)
    noted = Flag(id=_CLOCK, value="", at=now)
    try:
        await tools.store.apply(put(noted, flag))
    except Conflict:
        return False  # another worker's pass
    return flag is not None and flag.at > now + BACK_SECONDS


async def _due_now(to: str, now: float, tools: Tools) -> None:
    """Whatever is due later is looked at now: who decides what to tell counts a moment in the future as now."""
    async for one in every(Notification, Query(by="due", key=to, since=now + 0.001, limit=PAGE), tools.store):
        with contextlib.suppress(Conflict):  # then it is looked at just now
            await tools.store.apply(Update(replace(one, due_at=now)))
    await _wake(wake(to, now, "clock"), tools)
