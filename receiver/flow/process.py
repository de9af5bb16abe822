"""Process: do what a claimed task promises, write its outcome and the task's end in one change, and say what follows.

The step runs once; only its change is computed again when another worker was faster with a record it needs. The end of
the task is guarded by the task's version: whoever lost the lease meanwhile writes nothing at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Insert, Update, Write
from receiver.core.errors import Conflict, MailroomError, StoreBusy
from receiver.core.naming import id_parts
from receiver.core.retry import RetryAt, decide
from receiver.core.task import Task
from receiver.flow import alert as alerting
from receiver.flow import deliver, packet, react, split, submit
from receiver.flow.lease import renewed
from receiver.flow.tools import Change, Outcome, StepOf, Tools

STEPS: Mapping[str, StepOf] = {
    "submit": submit.STEP,
    "react": react.STEP,
    "cut": split.STEP,
    "packet": packet.STEP,
    "deliver": deliver.STEP,
    "alert": alerting.RAISE,
    "notify": alerting.NOTIFY,
}
"""Kind of task -> how it is done. One dictionary: the engine's whole repertoire."""

CONFLICTS = 20
"""How often a change is computed anew before the task is put back for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one attempt, for the log line and the metric."""

    task: Task
    outcome: str
    """done, again, retry, parked or lost"""
    note: str
    error: Exception | None = None


async def process(
    task: Task, tools: Tools, *, lease_seconds: float | None = None, steps: Mapping[str, StepOf] = STEPS
) -> Done:
    """One attempt at a claimed task; with ``lease_seconds`` the lease is renewed while the step lasts.

    Never raises for what the step did; only a store that cannot write gets out.
    """
    step = steps.get(task.kind)
    async with renewed(task, tools, lease_seconds) as lease:
        try:
            outcome = await _run(step, task, tools)
        except Exception as error:  # noqa: BLE001  the task loop is one of the two places that catch broadly
            failure: Exception | None = error
        else:
            failure = None
    if failure is not None:
        return await _failed(lease.task, step, failure, tools)
    return await _succeeded(lease.task, outcome, tools)


async def _run(step: StepOf | None, task: Task, tools: Tools) -> Outcome:
    if step is None:
        raise MailroomError(f"no step is known for tasks of kind {task.kind!r}")
    return await step.run(task, tools)


async def _succeeded(task: Task, outcome: Outcome, tools: Tools) -> Done:
    async def change() -> Sequence[Write]:
        writes = await outcome.change() if outcome.change else ()
        told_before = outcome.change is not None and not writes
        return writes if told_before else (*writes, *_raised(outcome.alerts, task))

    if outcome.again_at is not None:
        moved = task.retry(at=outcome.again_at, error=outcome.note, cause="again", counted=False)
        word = "again"
    else:
        moved = task.finish(now=tools.clock(), keep_seconds=tools.keep_task_seconds)
        word = "done"
    return await _settle(task, moved, change, Done(task=moved, outcome=word, note=outcome.note), tools)


async def _failed(task: Task, step: StepOf | None, error: Exception, tools: Tools) -> Done:
    now = tools.clock()
    cause = error.code if isinstance(error, MailroomError) else type(error).__name__
    text = str(error) or cause
    verdict = decide(error, attempt=task.attempts, now=now, spread=tools.spread())
    if isinstance(verdict, RetryAt):
        moved, word = task.retry(at=verdict.at, error=text, cause=cause), "retry"
        after = step.attempt_failed if step else None
        alerts: tuple[Alert, ...] = ()
    else:
        moved, word = task.give_up(now=now, error=text, cause=cause), "parked"
        after = step.give_up if step else None
        alerts = (_parked_alert(task, step, error, cause, now),) if task.kind not in alerting.KINDS else ()

    async def change() -> Sequence[Write]:
        writes = await after(task, error, tools) if after else ()
        return (*writes, *_raised(alerts, task))

    return await _settle(task, moved, change, Done(task=moved, outcome=word, note=text, error=error), tools)


async def _settle(task: Task, moved: Task, change: Change, done: Done, tools: Tools) -> Done:
    for _ in range(CONFLICTS):
        planned = await change()
        writes = (*planned, *packet.news(planned, now=tools.clock()))
        try:
            await tools.store.apply(Update(moved), *writes)
        except Conflict as conflict:
            if (conflict.kind, conflict.record_id) == ("task", task.id):
                return replace(done, outcome="lost", note="another worker took the task over")
            continue
        await _ring([*writes, Update(moved)], tools)
        return done
    raise StoreBusy(f"task {task.id}: the records it changes are changed by others all the time")


def _raised(alerts: Sequence[Alert], task: Task) -> list[Write]:
    """An alert is a task of its own, written with what it is about: it cannot get lost, and cannot hold it back."""
    return [Ensure(alerting.task_for(alert, *id_parts(task.id))) for alert in alerts]


def _parked_alert(task: Task, step: StepOf | None, error: Exception, cause: str, now: float) -> Alert:
    fix = error.fix if isinstance(error, MailroomError) else ""
    if step and step.alert:
        return step.alert(task, error, fix, cause, now)
    return Alert(
        kind="task.parked",
        cause=f"{task.kind}:{cause}",
        title=f"{task.kind} gave up after {task.attempts} attempts",
        detail=str(error),
        subject=task.subject,
        fix=fix or f"mailroom replay {task.subject}",
        at=now,
    )


async def _ring(writes: Sequence[Write], tools: Tools) -> None:
    """Rings for the tasks that were just written, for each when it is due."""
    now = tools.clock()
    tasks = [w.record for w in writes if isinstance(w, Insert | Ensure | Update) and isinstance(w.record, Task)]
    waits = {task.id: task.claimable_at - now for task in tasks if task.claimable_at is not None}
    await tools.ring(*(task_id for task_id, seconds in waits.items() if seconds <= 0))
    for task_id, seconds in waits.items():
        if seconds > 0:
            await tools.ring(task_id, delay_seconds=seconds)
