"""React: hand what an event says to whoever registered for its type."""

from collections.abc import Sequence

from receiver.core.change import Write
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.job_result import held_for
from receiver.pipeline.registry import JobUpdate


async def handle_event(task: Task, context: Context) -> StepResult:
    """The reaction to the event that this task is about."""
    event = JobUpdate.of(task)
    if not task.bulk and not event.document_id and not await _is_ours(event, context):
        note = "it names no job on record: it waits until nothing else does"
        return StepResult(note=note, again_at=context.clock(), bulk=True, asked=False)
    return await context.registry.handler_for(event.type)(event, context)


async def _is_ours(event: JobUpdate, context: Context) -> bool:
    """Whether a job on record is named. Anybody who may send events can name others, as many as they like."""
    named = [item for item in (event.job_id, event.other_id) if item]
    return not named or any([await context.store.get(Job, item) for item in named])


async def give_up(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """The document of a job whose result cannot be had waits in review, if the event may speak of that job."""
    event = JobUpdate.of(task)
    for named in (event.job_id, event.other_id):
        job = await context.store.get(Job, named) if named else None
        if job is not None and event.document_id in ("", job.document_id):
            return await held_for(job, error, context)
    return ()


STEP = TaskHandler(run=handle_event, give_up=give_up)
