"""Process: one attempt at a claimed task.

The task's step runs, and one change writes both what the step wants written and the task's end. The step runs once;
only its change is computed again if another worker changed a record in between. The end is conditional on the task's
version: a worker that lost the lease writes nothing at all.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from receiver.alerting import alert as alerting
from receiver.alerting import notify
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Replace, Write, changed, succeeding
from receiver.core.errors import Conflict, MailroomError, OutOfTime, StoreBusy
from receiver.core.follow_up import claimed_in, container_tasks, new_deliveries
from receiver.core.ids import id_parts
from receiver.core.task import Task
from receiver.packets import cut, parents
from receiver.pipeline import deliver, handler_registry, submit, supersede
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.failed_attempt import FailedAttempt, consequences, judge_failure, scheduled_failure
from receiver.pipeline.pause import run_unless_paused
from receiver.tracing import span

STEPS: Mapping[str, TaskHandler] = {
    "submit": submit.STEP,
    "react": handler_registry.HANDLE_EVENT,
    "recheck": handler_registry.RECHECK,
    "cut": cut.STEP,
    "packet": parents.STEP,
    "deliver": deliver.STEP,
    "announce": deliver.ANNOUNCE,
    "supersede": supersede.STEP,
    "alert": alerting.RAISE,
    "notify": notify.NOTIFY,
}
"""Kind of task -> its handler. All kinds that the engine knows are in one dictionary."""

log = logging.getLogger("mailroom.task")
CONFLICTS = 20
"""How often a change is computed again after conflicts before the task is retried later."""
ToWrite = Callable[[], Awaitable[tuple[Sequence[Write], Sequence[Alert]]]]
"""Computes what is written with the end of a task, and the alerts that are raised with it."""
Begin = Callable[[Sequence[Task]], Sequence[Task]]
"""Chooses, of tasks that are about to be written, those that this worker claims and begins at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The outcome of one attempt, for the log line and the metric."""

    task: Task
    outcome: str
    """done, again, retry, parked or lost"""
    note: str
    error: Exception | None = None
    begun: tuple[Task, ...] = ()
    """The deliveries that follow, already claimed: the caller must run them now."""


async def process(
    task: Task,
    context: Context,
    *,
    lease_seconds: float | None = None,
    step_seconds: float | None = None,
    steps: Mapping[str, TaskHandler] = STEPS,
    begin: Begin | None = None,
) -> Done:
    """One attempt at a claimed task, stopped after ``step_seconds``; with ``lease_seconds`` its lease is renewed.

    With ``begin``, deliveries that follow are written as claimed, and returned. An error in the step, in its change or
    in the store's write is a failed attempt. Raises only StoreBusy, if even the failure cannot be written.
    """
    facts = {"task": task.id, "subject": task.subject, "attempt": task.attempts, "partner": task.partner}
    about = task.details.get("document_id") or task.subject  # what asks about a job is about its document
    with span(task.kind, about=about, kind="CONSUMER", **facts) as notes:
        done = await _process(task, context, lease_seconds, step_seconds, steps, begin)
        notes.add(outcome=done.outcome, note=done.note)
        if done.error is not None:
            notes.fail(done.task.cause, done.note)
        return done


async def _process(
    task: Task,
    context: Context,
    lease_seconds: float | None,
    step_seconds: float | None,
    steps: Mapping[str, TaskHandler],
    begin: Begin | None,
) -> Done:
    lease = Lease(task)
    try:
        async with renewed(lease, context, lease_seconds):
            ended: StepResult | Exception | Done = await _run(steps.get(task.kind), task, context, step_seconds)
        if isinstance(ended, StepResult):
            ended = await _write_result(lease.task, ended, context, begin)
        if isinstance(ended, Exception):
            return await write_failure(lease.task, ended, context, steps=steps)
        return ended
    except asyncio.CancelledError:
        await _release(lease.task, context)
        raise


async def _run(step: TaskHandler | None, task: Task, context: Context, seconds: float | None) -> StepResult | Exception:
    """The result of the step, or the error."""
    try:
        if step is None:
            raise MailroomError(f"no step is known for tasks of kind {task.kind!r}")
        try:
            async with asyncio.timeout(seconds) as limit:
                return await run_unless_paused(step.run, task, context)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise OutOfTime(f"the step {task.kind} took longer than {seconds:.0f} seconds") from error
    except Exception as error:  # noqa: BLE001  the task loop is one of the places that catch broadly (CONTRIBUTING.md)
        return error


async def _write_result(task: Task, result: StepResult, context: Context, begin: Begin | None) -> Done | Exception:
    """Writes the step's change, and that the task is done or runs again. Returns the error if that fails."""
    now, keep = context.clock(), context.config.retention.tasks_seconds
    if result.again_at is None:
        moved = task.finish(now=now, keep_seconds=keep, note=result.note)
    else:
        moved = task.retry(at=result.again_at, now=now, error=result.note, cause="again", counted=False)
        moved = changed(moved, bulk=moved.bulk or result.bulk)

    async def to_write() -> tuple[Sequence[Write], Sequence[Alert]]:
        writes = await result.change() if result.change else ()
        if result.change and not writes:
            return (), ()  # everything was written and reported before
        return writes, (*result.alerts, *(result.alerts_of(writes) if result.alerts_of else ()))

    done = Done(task=moved, outcome="done" if result.again_at is None else "again", note=result.note)
    try:
        return await _settle(task, done, to_write, context, begin)
    except StoreBusy:
        raise
    except Exception as error:  # noqa: BLE001  the same place
        return error


async def write_failure(
    task: Task, error: Exception, context: Context, *, steps: Mapping[str, TaskHandler] = STEPS
) -> Done:
    """Writes that the attempt failed: the task is retried later, or parked with an alert. Raises StoreBusy."""
    try:
        failure = await judge_failure(task, error, context)
        return await _settle_failed(failure, steps.get(task.kind), context)
    except StoreBusy:
        raise
    except Exception:  # a bug in a failure handler must not keep the task from ending
        log.exception("unhandled_exception")
        return await _settle_failed(scheduled_failure(task, error, context), None, context)


async def _settle_failed(failure: FailedAttempt, step: TaskHandler | None, context: Context) -> Done:
    outcome = "parked" if failure.final else "retry"
    done = Done(task=failure.moved, outcome=outcome, note=failure.text, error=failure.error)
    return await _settle(failure.task, done, lambda: consequences(failure, step, context), context)


async def _settle(task: Task, done: Done, to_write: ToWrite, context: Context, begin: Begin | None = None) -> Done:
    """Writes the end of the attempt in one change. The tasks that follow are claimed in it, or enqueued afterwards."""
    for _ in range(CONFLICTS):
        planned, alerts = await to_write()
        # An alert is a task of its own in the same change: it cannot get lost, and it cannot delay the attempt's end.
        raised = [InsertIfAbsent(alerting.task_for(alert, *id_parts(task.id))) for alert in alerts]
        writes = [Replace(done.task), *planned, *raised, *container_tasks(planned, now=context.clock())]
        begun = begin(new_deliveries(writes)) if begin else ()
        writes = claimed_in(writes, begun)
        try:
            await context.store.apply(*writes)
        except Conflict as conflict:
            if (conflict.kind, conflict.record_id) == ("task", task.id):
                return replace(done, outcome="lost", note="another worker took over the task")
            if conflict.kind == "task":
                begin = None  # a task that follows exists already, and another worker may have it
            continue
        await _enqueue(writes, begun, context)
        return replace(done, begun=tuple(begun))
    raise StoreBusy(f"task {task.id}: the records it changes keep changing: too many concurrent updates")


async def _enqueue(writes: Sequence[Write], begun: Sequence[Task], context: Context) -> None:
    """Enqueues the tasks that were not begun; all of them if this worker is stopped now."""
    try:
        await context.enqueue_written(writes)
    except asyncio.CancelledError:
        await asyncio.gather(*(_release(item, context) for item in begun))
        raise


async def _release(task: Task, context: Context) -> None:
    """Releases a task whose worker stops: another worker may start it at once, and this attempt is not counted."""
    with contextlib.suppress(MailroomError):  # a task that cannot be released fails when its lease expires
        await context.store.apply(Replace(task.release(now=context.clock())))
        await context.enqueue(task.id)


@dataclass(slots=True)
class Lease:
    """A claimed task, with its current version in the store."""

    task: Task
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during a renewal, so that the end of the lease waits for it and uses the task's true version."""

    async def keep(self, context: Context, lease_seconds: float) -> None:
        """Renews the lease each time a third of it has passed, until cancelled or until another worker has the task."""
        while True:
            await asyncio.sleep(lease_seconds / 3)
            async with self.writing:
                if not await self._renew(context):
                    return

    async def _renew(self, context: Context) -> bool:
        """False if another worker has the task: its version then stops this attempt from writing its end."""
        longer = self.task.hold(now=context.clock())
        try:
            await context.store.apply(Replace(longer))
        except StoreBusy:
            return True  # the next third tries again
        except Conflict:
            return False
        self.task = succeeding(longer)
        return True


@contextlib.asynccontextmanager
async def renewed(lease: Lease, context: Context, lease_seconds: float | None) -> AsyncIterator[None]:
    """Renews the lease while the block lasts; not when ``lease_seconds`` is None."""
    if lease_seconds is None:
        yield
        return
    keeping = asyncio.create_task(lease.keep(context, lease_seconds))
    try:
        yield
    finally:
        async with lease.writing:
            keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
