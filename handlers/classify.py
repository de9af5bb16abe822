"""What we do with classify events: the document goes where its matched type goes."""

from handlers import job_update
from receiver.core.job import JobKind
from receiver.pipeline import job_result
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.registry import Command, HandlerRegistry, JobUpdate

router = HandlerRegistry()


@router.on("classify.success", "classify.error", "classify.partial_success", "classify.cancelled")
async def route_by_type(event: JobUpdate, context: Context) -> StepResult:
    """Routes the document by what its job found."""
    return await job_update.update_from_event(event, JobKind.CLASSIFY, job_result.classified, context)


@router.on_command(JobKind.CLASSIFY)
async def look_again(command: Command, context: Context) -> StepResult:
    """The same for a job whose event did not come."""
    return await job_update.update_from_command(command, job_result.classified, context)
