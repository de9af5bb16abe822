"""Recheck: look at a job on record though no event came. The sweep's word is a reason to look, never a result."""

from collections.abc import Sequence

from receiver.core.change import Write
from receiver.core.job import Job, SweepVerdict
from receiver.core.naming import task_id
from receiver.core.task import Task
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.job_result import held_for
from receiver.pipeline.registry import Command

FIRST_POLL = 1.0
"""Seconds after which a job without events is looked at first: the rhythm of the vendor's own SDK (reference 3.3)."""


def recheck_of(job: Job, verdict: SweepVerdict, *, now: float) -> Task:
    """The task to look at this job. Each time the sweep asks about a job (``checks``) is another one."""
    poll = verdict is SweepVerdict.POLL
    return Task(
        id=task_id("recheck", job.id, verdict, *(() if poll else (job.checks,))),
        kind="recheck",
        subject=job.id,
        due_at=now + FIRST_POLL if poll else now,
        created_at=now,
        details={"verdict": verdict},
    )


async def recheck(task: Task, context: Context) -> StepResult:
    """Does what the command asks for, if it still holds."""
    job = await context.store.get(Job, task.subject)
    if job is None:
        return StepResult(note="the job is no longer on record")
    return await context.registry.command_handler_for(job.kind)(Command.of(task), context)


async def give_up(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """The document of a job whose result cannot be had waits in review."""
    job = await context.store.get(Job, task.subject)
    return await held_for(job, error, context) if job else ()


STEP = TaskHandler(run=recheck, give_up=give_up)
