"""A family of events that LlamaCloud might add one day, as an application would add it: by this one module."""

from collections.abc import Sequence

from receiver.core.change import Write
from receiver.core.job import JobKind
from receiver.core.job_update import Command, JobUpdate
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.document_outcome import concluded, held_document
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.job_result import fetch_job, fetch_recorded_job, write_result

EXTRACT = JobKind("extract")
EVENTS = ("extract.success", "extract.error")

router = HandlerRegistry()
router.jobs(EXTRACT, events=EVENTS, configuration=lambda _: {"data_schema": {"total": "number"}})


@router.on(*EVENTS)
async def handle_extract_event(event: JobUpdate, context: Context) -> StepResult:
    return await write_result(await fetch_job(event, EXTRACT, context), event, have_it_read, context)


@router.on_command(EXTRACT)
async def look_again(command: Command, context: Context) -> StepResult:
    return await write_result(await fetch_recorded_job(command, context), command, have_it_read, context)


def have_it_read(job: JobContext, context: Context) -> Sequence[Write]:
    return concluded(job, held_document(job.document, "its data was extracted", context.clock()), context)
