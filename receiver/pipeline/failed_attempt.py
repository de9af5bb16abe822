"""Failed attempt: decides whether the task is retried or parked, and what is written with that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote

from receiver.core.alert import Alert
from receiver.core.change import Write, changed, written_records
from receiver.core.document import Document
from receiver.core.errors import CloudRefused, MailroomError, error_text
from receiver.core.quantity import quantity
from receiver.core.retry import GiveUp, RetryAt, next_attempt
from receiver.core.task import NOTICES, Task, TaskState
from receiver.pipeline.context import Context, TaskHandler, document_of
from receiver.pipeline.pause import GATES, RESULTS, note_why_it_waits, pause_after_refusal

LONGEST_ERROR = 2000
"""Maximum characters of an error that a task stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """The task, its error as text that every store accepts, and the task as it is afterwards."""

    task: Task
    error: Exception
    text: str
    cause: str
    now: float
    verdict: RetryAt | GiveUp
    moved: Task

    @property
    def final(self) -> bool:
        """Whether the task is parked."""
        return self.moved.state is TaskState.PARKED


async def judge_failure(task: Task, error: Exception, context: Context) -> FailedAttempt:
    """Retries by the schedule, or after the pause that begins if LlamaCloud refused us."""
    failure = scheduled_failure(task, error, context)
    if isinstance(error, CloudRefused):
        verdict, counts = await pause_after_refusal(
            GATES.get(task.kind, RESULTS),
            task.id,
            error,
            context,
            subject=task.subject,
            verdict=failure.verdict,
        )
        failure = _failed(task, error, verdict, now=failure.now, counts=counts)
    if failure.final and await document_of(task, context.store) is None:
        # No document waits for it, so it expires. A parked task of a document stays until a person acts.
        expires_at = failure.now + context.config.retention.tasks_seconds
        return replace(failure, moved=changed(failure.moved, expires_at=expires_at))
    return failure


def scheduled_failure(task: Task, error: Exception, context: Context) -> FailedAttempt:
    """Retries by the schedule alone."""
    now = context.clock()
    verdict = next_attempt(error, attempt=task.attempts, now=now, spread=context.spread())
    return _failed(task, error, verdict, now=now)


def _failed(
    task: Task, error: Exception, verdict: RetryAt | GiveUp, *, now: float, counts: bool = True
) -> FailedAttempt:
    text = error_text(error).encode(errors="replace").decode()[:LONGEST_ERROR] or type(error).__name__
    cause = error.code if isinstance(error, MailroomError) else type(error).__name__
    if isinstance(verdict, RetryAt):
        moved = task.retry(at=verdict.at, now=now, error=text, cause=cause, counted=counts)
    else:
        moved = task.give_up(now=now, error=text, cause=cause)
    return FailedAttempt(task=task, error=error, text=text, cause=cause, now=now, verdict=verdict, moved=moved)


async def consequences(
    failure: FailedAttempt, step: TaskHandler | None, context: Context
) -> tuple[Sequence[Write], Sequence[Alert]]:
    """What is written with the end of the attempt, and the alert; without a step, only the alert."""
    task, error, writes = failure.task, failure.error, list[Write]()
    after = (step.give_up if failure.final else step.attempt_failed) if step else None
    if after is not None:
        writes += await after(task, error, context)
    if step and isinstance(error, CloudRefused) and not failure.final:
        writes += await note_why_it_waits(task, error, context)
    alerts = failure.final and task.kind not in NOTICES
    return writes, [_parked_alert(failure, step, writes)] if alerts else []


def _parked_alert(failure: FailedAttempt, step: TaskHandler | None, writes: Sequence[Write]) -> Alert:
    """The alert about a parked task, with the document that is written in the same change."""
    task, fix = failure.task, failure.error.fix if isinstance(failure.error, MailroomError) else ""
    if step and step.alert:
        alert = step.alert(task, failure.error, fix, failure.cause, failure.now)
    else:
        alert = Alert(
            kind="task.parked",
            cause=f"{task.kind}:{failure.cause}",
            title=f"{task.kind} failed after {quantity(task.attempts, 'attempt')}",
            detail=failure.text,
            subject=task.subject,
            fix=fix or f"mailroom replay {quote(task.id if failure.moved.expires_at else task.subject)}",
            at=failure.now,
        )
    alert = replace(alert, task_id=task.id)
    for document in written_records(writes, Document):
        return replace(alert, subject=document.id, name=document.name, job_id=document.job_id)
    return alert
