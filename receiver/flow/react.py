"""React: hand a happening to whoever registered for its type."""

from collections.abc import Sequence
from dataclasses import replace

from receiver.core.change import Update, Write
from receiver.core.document import Document, DocumentState
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.flow.conclude import held
from receiver.flow.reactions import Happening
from receiver.flow.tools import Outcome, StepOf, Tools


async def react(task: Task, tools: Tools) -> Outcome:
    """The reaction to the happening that this task is about."""
    happening = Happening.of(task)
    return await tools.reactions.find(happening.type)(happening, tools)


async def give_up(task: Task, error: Exception, tools: Tools) -> Sequence[Write]:
    """The document of a job whose result cannot be had waits in review."""
    happening = Happening.of(task)
    job = await tools.store.get(Job, happening.job_id)
    if job is None or happening.document_id not in ("", job.document_id):
        return ()
    document = await tools.store.get(Document, job.document_id)
    if document is None or document.job_id != job.id or document.state is not DocumentState.OPEN:
        return ()
    if document.plan is not None:
        return ()
    return (*held(document, f"its result could not be fetched: {error}", tools), Update(replace(job, deadline=None)))


STEP = StepOf(run=react, give_up=give_up)
