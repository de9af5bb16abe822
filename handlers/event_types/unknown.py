"""Event types that nobody handles: stored, counted and shown. They are normal: the vendor adds types."""

from receiver.core.job_update import JobUpdate
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.handler_registry import HandlerRegistry

router = HandlerRegistry()


@router.otherwise
async def ignore(update: JobUpdate, context: Context) -> StepResult:
    """Progress events, other products' events, and types that did not exist when this was written."""
    return StepResult(note=f"nothing to do for {update.type}")
