"""Split: handles the end of a split job.

With a result, the packet is cut into the pieces that the job found. Without one (``split.error``,
``split.cancelled``), it is resubmitted, fails, or is held in review (pipeline/job_failure.py). Progress events
(``split.pending``, ``split.processing``) are not requested; any that arrive go to ``unknown.py``.
"""

from collections.abc import Sequence
from dataclasses import replace

from receiver.config import Config
from receiver.core.change import InsertIfAbsent, Write
from receiver.core.document import Step
from receiver.core.job import JobKind
from receiver.core.job_update import Command, JobUpdate
from receiver.packets.cut import awaiting_cut, cut_task
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.document_outcome import concluded
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.job_failure import resubmit_fail_or_hold
from receiver.pipeline.job_result import fetch_job, fetch_recorded_job, write_result

EVENTS = ("split.success", "split.error", "split.cancelled")

router = HandlerRegistry()
router.jobs(
    JobKind.SPLIT,
    events=EVENTS,
    configuration=Config.split_configuration,
    webhooks=lambda config: config.split.webhook_configuration_ids,
)


@router.on(*EVENTS)
async def handle_split_event(event: JobUpdate, context: Context) -> StepResult:
    """Handles all of its events alike: the status of the fetched job counts, not the type of the event."""
    job = await fetch_job(event, JobKind.SPLIT, context)
    return await write_result(job, event, cut_into_pieces, context, failed=resubmit_fail_or_hold)


@router.on_command(JobKind.SPLIT)
async def look_again(command: Command, context: Context) -> StepResult:
    """The same for a job whose event did not arrive, or that sends no events."""
    job = await fetch_recorded_job(command, context)
    return await write_result(job, command, cut_into_pieces, context, failed=resubmit_fail_or_hold)


def cut_into_pieces(job: JobContext, context: Context) -> Sequence[Write]:
    """Writes the end of the job with its segments, and the task that cuts the packet by them (packets/cut.py)."""
    now, found = context.clock(), len(job.report.segments)
    packet = replace(awaiting_cut(job.document), step=Step.SPLIT, error="")
    packet = packet.note(now, "split", f"job {job.report.id} found {found} segments")
    task = cut_task(packet.id, because=job.report.id, now=now)
    return *concluded(job, packet, context), InsertIfAbsent(task)
