"""React: hand what an event says to whoever registered for its type."""

from collections.abc import Sequence

from receiver.core.change import Write
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.flow.conclude import held_for
from receiver.flow.reactions import Happening
from receiver.flow.tools import Outcome, StepOf, Tools


async def react(task: Task, tools: Tools) -> Outcome:
    """The reaction to the event that this task is about."""
    event = Happening.of(task)
    return await tools.reactions.find(event.type)(event, tools)


async def give_up(task: Task, error: Exception, tools: Tools) -> Sequence[Write]:
    """The document of a job whose result cannot be had waits in review, if the event may speak of that job."""
    event = Happening.of(task)
    for named in (event.job_id, event.other_id):
        job = await tools.store.get(Job, named) if named else None
        if job is not None and event.document_id in ("", job.document_id):
            return await held_for(job, error, tools)
    return ()


STEP = StepOf(run=react, give_up=give_up)
