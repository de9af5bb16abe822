"""Process: do what a claimed task promises, write its outcome and the task's end in one change, and say what follows.

The step runs once; only its change is computed again when another worker was faster with a record it needs. The end of
the task is guarded by the task's version: whoever lost the lease meanwhile writes nothing at all.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from receiver.alerting import alert as alerting
from receiver.alerting import notify
from receiver.core.alert import Alert
from receiver.core.change import Insert, InsertIfAbsent, Replace, Write, changed
from receiver.core.document import Document
from receiver.core.errors import CloudRefused, Conflict, MailroomError, OutOfTime, StoreBusy, said_by
from receiver.core.follow_up import container_tasks
from receiver.core.ids import id_parts
from receiver.core.retry import GiveUp, RetryAt, next_attempt
from receiver.core.task import NOTICES, Task, TaskState
from receiver.packets import cut, parents
from receiver.pipeline import deliver, registry, submit, vendor_pause
from receiver.pipeline.context import Change, Context, StepResult, TaskHandler, document_of
from receiver.pipeline.lease_renewal import Lease, renewed

STEPS: Mapping[str, TaskHandler] = {
    "submit": submit.STEP,
    "react": registry.HANDLE_EVENT,
    "recheck": registry.RECHECK,
    "cut": cut.STEP,
    "packet": parents.STEP,
    "deliver": deliver.STEP,
    "announce": deliver.ANNOUNCE,
    "alert": alerting.RAISE,
    "notify": notify.NOTIFY,
}
"""Kind of task -> how it is done. One dictionary: the engine's whole repertoire."""

log = logging.getLogger("mailroom.task")
LONGEST_ERROR = 2000
"""Characters of an error that a task keeps."""
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
    task: Task,
    context: Context,
    *,
    lease_seconds: float | None = None,
    step_seconds: float | None = None,
    steps: Mapping[str, TaskHandler] = STEPS,
) -> Done:
    """One attempt at a claimed task, ended after ``step_seconds``; with ``lease_seconds`` its lease is renewed.

    Whatever goes wrong is an attempt that failed, be it in the step, in the change that it wants written, or in the
    store's writing of it. Raises StoreBusy alone: the store cannot write even that.
    """
    lease = Lease(task)
    try:
        ended = await _stepped(lease, context, lease_seconds, step_seconds, steps)
        return await _recorded(lease.task, ended, context, steps)
    except asyncio.CancelledError:
        await _release(lease.task, context)
        raise


async def _stepped(
    lease: Lease,
    context: Context,
    lease_seconds: float | None,
    step_seconds: float | None,
    steps: Mapping[str, TaskHandler],
) -> StepResult | Exception:
    async with renewed(lease, context, lease_seconds):
        try:
            return await _run(steps.get(lease.task.kind), lease.task, context, step_seconds)
        except Exception as error:  # noqa: BLE001  the task loop is one of the places that catch broadly (CONTRIBUTING.md)
            return error


async def _recorded(
    task: Task, ended: StepResult | Exception, context: Context, steps: Mapping[str, TaskHandler]
) -> Done:
    if isinstance(ended, Exception):
        return await write_failure(task, ended, context, steps=steps)
    try:
        return await _succeeded(task, ended, context)
    except StoreBusy:
        raise
    except Exception as error:  # noqa: BLE001  the same place
        return await write_failure(task, error, context, steps=steps)


async def _release(task: Task, context: Context) -> None:
    """Lets go of a task whose worker stops: any other may begin it at once, and this attempt does not count."""
    with contextlib.suppress(MailroomError):  # what cannot be let go of has failed once its lease is over
        await context.store.apply(Replace(task.release(now=context.clock())))
        await context.enqueue(task.id)


async def write_failure(
    task: Task, error: Exception, context: Context, *, steps: Mapping[str, TaskHandler] = STEPS
) -> Done:
    """Writes that the attempt failed: the task is retried later, or parked with an alert. Raises StoreBusy."""
    step = steps.get(task.kind)
    try:
        failure = await _judged(task, error, context)
        return await _settle(task, failure.moved, _consequences(task, step, failure, context), failure.done, context)
    except StoreBusy:
        raise
    except Exception:  # what a step or a gate makes of a failure must not keep the task from its end
        log.exception("unhandled_exception")
        verdict = next_attempt(error, attempt=task.attempts, now=context.clock(), spread=context.spread())
        failure = _failure(task, error, verdict, now=context.clock())
        return await _settle(task, failure.moved, _consequences(task, None, failure, context), failure.done, context)


async def _run(step: TaskHandler | None, task: Task, context: Context, seconds: float | None) -> StepResult:
    if step is None:
        raise MailroomError(f"no step is known for tasks of kind {task.kind!r}")
    try:
        async with asyncio.timeout(seconds) as limit:
            return await vendor_pause.run_unless_paused(task, context, lambda: step.run(task, context))
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise OutOfTime(f"the step {task.kind} took longer than {seconds:.0f} seconds") from error


async def _succeeded(task: Task, outcome: StepResult, context: Context) -> Done:
    async def change() -> Sequence[Write]:
        writes = await outcome.change() if outcome.change else ()
        if outcome.change is not None and not writes:
            return writes  # all of it was written, and told, before
        alerts = (*outcome.alerts, *(outcome.alerts_of(writes) if outcome.alerts_of else ()))
        return (*writes, *_raised(alerts, task))

    if outcome.again_at is not None:
        moved = task.retry(at=outcome.again_at, now=context.clock(), error=outcome.note, cause="again", counted=False)
        moved, word = changed(moved, bulk=moved.bulk or outcome.bulk), "again"
    else:
        keep = context.config.retention.tasks_seconds
        moved = task.finish(now=context.clock(), keep_seconds=keep, note=outcome.note)
        word = "done"
    return await _settle(task, moved, change, Done(task=moved, outcome=word, note=outcome.note), context)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A failed attempt: its error in words that every store takes, and the task as it is after it."""

    error: Exception
    text: str
    cause: str
    now: float
    moved: Task

    @property
    def final(self) -> bool:
        return self.moved.state is TaskState.PARKED

    @property
    def done(self) -> Done:
        return Done(task=self.moved, outcome="parked" if self.final else "retry", note=self.text, error=self.error)


async def _judged(task: Task, error: Exception, context: Context) -> _Failure:
    now = context.clock()
    verdict, counts = next_attempt(error, attempt=task.attempts, now=now, spread=context.spread()), True
    if isinstance(error, CloudRefused):
        what = vendor_pause.pause_name(task)
        verdict, counts = await vendor_pause.pause_after_refusal(
            what, task.id, error, context, subject=task.subject, verdict=verdict
        )
    failure = _failure(task, error, verdict, now=now, counts=counts)
    if failure.final and not await _waited_for(task, context):
        expires_at = now + context.config.retention.tasks_seconds
        return replace(failure, moved=changed(failure.moved, expires_at=expires_at))
    return failure


def _failure(task: Task, error: Exception, verdict: RetryAt | GiveUp, *, now: float, counts: bool = True) -> _Failure:
    text, cause = _words(error), error.code if isinstance(error, MailroomError) else type(error).__name__
    if isinstance(verdict, RetryAt):
        moved = task.retry(at=verdict.at, now=now, error=text, cause=cause, counted=counts)
    else:
        moved = task.give_up(now=now, error=text, cause=cause)
    return _Failure(error=error, text=text, cause=cause, now=now, moved=moved)


def _words(error: Exception) -> str:
    """What the error says, as text that every store takes: never empty, never long, and Unicode."""
    return said_by(error).encode(errors="replace").decode()[:LONGEST_ERROR] or type(error).__name__


def _consequences(task: Task, step: TaskHandler | None, failure: _Failure, context: Context) -> Change:
    """What is written beside the end of a failed attempt; without a step, the alert alone."""
    told = failure.final and task.kind not in NOTICES

    async def change() -> Sequence[Write]:
        after = (step.give_up if failure.final else step.attempt_failed) if step else None
        writes = await after(task, failure.error, context) if after else ()
        if step and isinstance(failure.error, CloudRefused) and not failure.final:
            writes = (*writes, *await vendor_pause.note_why_it_waits(task, failure.error, context))
        return (*writes, *_raised([_parked_alert(task, step, failure, writes)] if told else [], task))

    return change


async def _waited_for(task: Task, context: Context) -> bool:
    """Whether something waits for this parked task for as long as it takes: a document that nothing else moves."""
    return await document_of(task, context.store) is not None


async def _settle(task: Task, moved: Task, change: Change, done: Done, context: Context) -> Done:
    for _ in range(CONFLICTS):
        planned = await change()
        writes = (*planned, *container_tasks(planned, now=context.clock()))
        try:
            await context.store.apply(Replace(moved), *writes)
        except Conflict as conflict:
            if (conflict.kind, conflict.record_id) == ("task", task.id):
                return replace(done, outcome="lost", note="another worker took over the task")
            continue
        await _ring([*writes, Replace(moved)], context)
        return done
    raise StoreBusy(f"task {task.id}: the records it changes keep changing: too many concurrent updates")


def _raised(alerts: Sequence[Alert], task: Task) -> list[Write]:
    """An alert is a task of its own, written with what it is about: it cannot get lost, and cannot hold it back."""
    return [InsertIfAbsent(alerting.task_for(alert, *id_parts(task.id))) for alert in alerts]


def _parked_alert(task: Task, step: TaskHandler | None, failure: _Failure, writes: Sequence[Write]) -> Alert:
    """The alert of a task that was given up, about the document that is written with its end."""
    fix = failure.error.fix if isinstance(failure.error, MailroomError) else ""
    if step and step.alert:
        alert = step.alert(task, failure.error, fix, failure.cause, failure.now)
    else:
        alert = Alert(
            kind="task.parked",
            cause=f"{task.kind}:{failure.cause}",
            title=f"{task.kind} failed after {task.attempts} attempt{'s' if task.attempts != 1 else ''}",
            detail=failure.text,
            subject=task.subject,
            fix=fix or f"mailroom replay {quote(task.id if failure.moved.expires_at else task.subject)}",
            at=failure.now,
        )
    alert = replace(alert, task_id=task.id)
    written = (write.record for write in writes if isinstance(write, Insert | InsertIfAbsent | Replace))
    document = next((record for record in written if isinstance(record, Document)), None)
    if document is None:
        return alert
    return replace(alert, subject=document.id, name=document.name, job_id=document.job_id)


async def _ring(writes: Sequence[Write], context: Context) -> None:
    """Rings for the tasks that were just written, for each when it is due."""
    now = context.clock()
    tasks = [
        w.record for w in writes if isinstance(w, Insert | InsertIfAbsent | Replace) and isinstance(w.record, Task)
    ]
    waits = {task.id: task.claimable_at - now for task in tasks if task.claimable_at is not None}
    await context.enqueue(*(task_id for task_id, seconds in waits.items() if seconds <= 0))
    for task_id, seconds in waits.items():
        if seconds > 0:
            await context.enqueue(task_id, delay_seconds=seconds)
