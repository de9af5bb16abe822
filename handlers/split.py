"""What we do with split events: the packet is cut into the pieces that its job found.

Progress events (``split.pending``, ``split.processing``) go to the quiet rest.
"""

from handlers import job_update
from receiver.core.job import JobKind
from receiver.packets import cut
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.registry import Command, HandlerRegistry, JobUpdate

router = HandlerRegistry()


@router.on("split.success", "split.error", "split.cancelled")
async def cut_into_pieces(event: JobUpdate, context: Context) -> StepResult:
    """Promises the cut that the job's segments ask for."""
    return await job_update.update_from_event(event, JobKind.SPLIT, cut.segments_found, context)


@router.on_command(JobKind.SPLIT)
async def look_again(command: Command, context: Context) -> StepResult:
    """The same for a job whose event did not come, or that sends none."""
    return await job_update.update_from_command(command, cut.segments_found, context)
