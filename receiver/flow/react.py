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
    if not task.bulk and not event.document_id and not await _is_ours(event, tools):
        note = "it names no job on record: it waits until nothing else does"
        return Outcome(note=note, again_at=tools.clock(), bulk=True, asked=False)
    return await tools.reactions.find(event.type)(event, tools)


async def _is_ours(event: Happening, tools: Tools) -> bool:
    """Whether a job on record is named. Anybody who may send events can name others, as many as they like."""
    named = [one for one in (event.job_id, event.other_id) if one]
    return not named or any([await tools.store.get(Job, one) for one in named])


async def give_up(task: Task, error: Exception, tools: Tools) -> Sequence[Write]:
    """The document of a job whose result cannot be had waits in review, if the event may speak of that job."""
    event = Happening.of(task)
    for named in (event.job_id, event.other_id):
        job = await tools.store.get(Job, named) if named else None
        if job is not None and event.document_id in ("", job.document_id):
            return await held_for(job, error, tools)
    return ()


STEP = StepOf(run=react, give_up=give_up)
