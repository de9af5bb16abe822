"""Resolve: what was told and is over is told once more, as resolved. A part of the sweep.

A group of alerts is over when none came for its window, nothing of it is wrong now, and no task waits parked for it.
"""

import contextlib
from collections.abc import Mapping, Set
from dataclasses import replace

import msgspec

from receiver.core.alert import Alert, AlertRule, AlertState, state_parts
from receiver.core.change import Ensure, Query, Update
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict
from receiver.core.naming import task_id
from receiver.core.task import Task, TaskState
from receiver.flow.pause import RESULTS, SUBMISSION, read
from receiver.flow.tools import Tools

LOOKED_AT = 200


async def resolve(tools: Tools, wrong: Set[str]) -> int:
    """Tells of each group that is over; how many. ``wrong`` are the groups of what is wrong now (watch.py)."""
    now = tools.clock()
    rules = {rule.to: rule for rule in tools.config.alerts}
    query = Query(since=now - tools.config.retention.alerts_seconds, newest_first=True, limit=LOOKED_AT)
    page = await tools.store.find(AlertState, query)
    silent = [one for one in page.records if _silent(one, rules, now)]
    if not silent:
        return 0
    causes = await _parked_causes(tools)
    paused = any([(await read(what, tools)).until for what in (SUBMISSION, RESULTS)])
    over = [
        one
        for one in silent
        if _group(one) not in wrong
        and not (paused and one.kind == "submission.paused")
        and not any(cause in _group(one) for cause in causes)
        and not await _still_held(one, tools)
    ]
    for state in over:
        await _tell(state, rules[_channel(state)], tools)
    return len(over)


def _silent(state: AlertState, rules: Mapping[str, AlertRule], now: float) -> bool:
    """Whether it was told, not resolved yet, and then nothing came for the window of its rule."""
    rule = rules.get(_channel(state))
    if rule is None or state.resolved_at is not None or state.notified_at is None:
        return False
    return now - state.last_at >= rule.window_seconds


async def _still_held(state: AlertState, tools: Tools) -> bool:
    """Whether it is about a packet of which something waits for a person, the packet itself or a piece."""
    packet = await tools.store.get(Document, state.example) if state.kind == "packet.held" else None
    if packet is None:
        return False
    batch = await tools.store.find(Document, Query(by="batch", key=packet.batch_id, limit=LOOKED_AT))
    return any(one.state is DocumentState.REVIEW for one in (packet, *batch.records))


async def _parked_causes(tools: Tools) -> set[str]:
    page = await tools.store.find(Task, Query(by="state", key=TaskState.PARKED, limit=LOOKED_AT))
    return {task.cause for task in page.records if task.cause}


async def _tell(state: AlertState, rule: AlertRule, tools: Tools) -> None:
    now = tools.clock()
    notice = Task(
        id=task_id("notify", "resolved", state.version, state.id),
        kind="notify",
        subject=state.example,
        due_at=now,
        created_at=now,
        details={
            "alert": msgspec.json.encode(_notice(state, rule, now)).decode(),
            "to": rule.to,
            "count": str(state.count),
            "suppressed": str(state.suppressed),
        },
    )
    with contextlib.suppress(Conflict):  # then it has just come again, or another worker told it
        await tools.store.apply(Update(replace(state, resolved_at=now)), Ensure(notice))
        await tools.ring(notice.id)


def _notice(state: AlertState, rule: AlertRule, now: float) -> Alert:
    return Alert(
        kind=state.kind,
        cause=_group(state).partition(":")[2],
        title=f"resolved: {state.title}",
        detail=f"it has not happened again for {rule.window_seconds / 60:.0f} minutes",
        subject=state.example,
        at=now,
    )


def _group(state: AlertState) -> str:
    return state_parts(state.id)[0]


def _channel(state: AlertState) -> str:
    return state_parts(state.id)[1]
