"""Classify: handles the end of a classify job.

With a result, the document is routed by its matched type. Without one (``classify.error``, ``classify.cancelled``), it
is resubmitted, fails, or is held in review (pipeline/job_failure.py). pipeline/job_result.py fetches the job.
"""

from collections.abc import Sequence
from dataclasses import replace

from receiver.config import Config
from receiver.core.change import Write
from receiver.core.job import JobKind
from receiver.core.job_update import Command, JobUpdate
from receiver.core.route import decide
from receiver.core.statements import with_result
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.document_outcome import concluded, held_document, planned
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.job_failure import resubmit_fail_or_hold
from receiver.pipeline.job_result import fetch_job, fetch_recorded_job, write_result
from receiver.tracing import span

EVENTS = ("classify.success", "classify.error", "classify.partial_success", "classify.cancelled")

router = HandlerRegistry()
router.jobs(
    JobKind.CLASSIFY,
    events=EVENTS,
    configuration=Config.classify_configuration,
    webhooks=lambda config: config.classify.webhook_configuration_ids,
)


@router.on(*EVENTS)
async def handle_classify_event(event: JobUpdate, context: Context) -> StepResult:
    """Handles all of its events alike: the status of the fetched job counts, not the type of the event."""
    job = await fetch_job(event, JobKind.CLASSIFY, context)
    return await write_result(job, event, route_by_type, context, failed=resubmit_fail_or_hold)


@router.on_command(JobKind.CLASSIFY)
async def look_again(command: Command, context: Context) -> StepResult:
    """The same for a job whose event did not arrive."""
    job = await fetch_recorded_job(command, context)
    return await write_result(job, command, route_by_type, context, failed=resubmit_fail_or_hold)


def route_by_type(job: JobContext, context: Context) -> Sequence[Write]:
    """Decides where the document goes. Writes the plan, the end of the job, and a task for each delivery."""
    now, result = context.clock(), job.report.classification
    if result is None:
        held = held_document(job.document, "the job is completed but has no result", now)
        return concluded(job, held, context)
    document = replace(with_result(job.document, result, now=now), job_id=job.report.id, error="")
    with span("decide", document=document.id, type=result.type, confidence=result.confidence) as notes:
        plan = decide(context.config.table, result, document, now=now)
        notes.add(way=plan.way, review=plan.review)
    context.meter.count("mailroom_decisions", way=plan.way, type=result.type or "")
    return concluded(job, planned(document, plan, context), context)
