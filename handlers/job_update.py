"""From an event, or the sweep's command, to what is written: the part that classify and split jobs have in common.

Both only say where to look; what happened is what the fetched job says.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from receiver.core.alert import Alert
from receiver.core.change import Write
from receiver.core.job import JobKind, JobStatus, SweepVerdict
from receiver.pipeline import job_context as cases
from receiver.pipeline import job_result
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.gather_facts import GatheredFacts, gather_facts
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.registry import Command, JobUpdate

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a job whose event came before its result shows; after these the sweep takes over."""
SLOWEST = 5.0
"""Seconds between polls in the end: 1, 2, 3, 4, 5, 5, … as the vendor's SDK does (reference 3.3)."""

Completed = Callable[[JobContext, Context], Sequence[Write]]
"""What is written when the job came to a result."""


async def update_from_event(event: JobUpdate, kind: JobKind, completed: Completed, context: Context) -> StepResult:
    """What the event's job makes of its document; alerts when it gives up on a job without one."""
    case = await cases.context_of_event(event, kind, context)
    if isinstance(case, StepResult):
        return case
    return await _ended(case, completed, context) if case.report.status.final else _early(case, event.looks, context)


async def update_from_command(command: Command, completed: Completed, context: Context) -> StepResult:
    """The same for a job that the sweep found, or that is polled. Whether it is stuck is judged anew, by its record."""
    case = await cases.context_of_command(command, context)
    if isinstance(case, StepResult):
        return case
    if not case.report.status.final:
        if command.verdict is SweepVerdict.POLL:
            return _polled(command.looks, context)
        if command.verdict is not SweepVerdict.STUCK or not _stuck(case, context):
            return _early(case, command.looks, context)
        case = await job_result.cancelled(case, context)
    return await _ended(case, completed, context)


def _early(case: JobContext, looks: int, context: Context) -> StepResult:
    """The result does not show yet: look again soon, a few times. Then the sweep asks, for the job is on record."""

    async def change() -> Sequence[Write]:
        fresh = await cases.refreshed(case, context)
        return cases.on_record(fresh, context) if fresh.adopted else ()

    if looks >= len(EARLY_DELAYS):
        return StepResult(note="not final yet; the sweep will ask again", change=change)
    return StepResult(note="not final yet", change=change, again_at=context.clock() + EARLY_DELAYS[looks])


def _polled(looks: int, context: Context) -> StepResult:
    if looks > context.config.stuck_seconds / SLOWEST:
        return StepResult(note="left to the sweep")
    return StepResult(note="not final yet", again_at=context.clock() + min(2.0 + looks, SLOWEST))


def _stuck(case: JobContext, context: Context) -> bool:
    after, deadline = context.config.stuck_seconds, context.config.deadline_seconds
    return case.job is not None and case.job.stuck(after=after, deadline_seconds=deadline)


async def _ended(case: JobContext, completed: Completed, context: Context) -> StepResult:
    reason = failure_reason(case)
    done = case.report.status is JobStatus.COMPLETED
    gathered = await gather_facts(case.document, context) if done else GatheredFacts(case.document)

    async def change() -> Sequence[Write]:
        return await _change(case, gathered, reason, completed, context)

    def alerts_of(writes: Sequence[Write]) -> Sequence[Alert]:
        return job_result.given_up(case, reason, writes, context)

    return StepResult(note=case.report.status, change=change, alerts_of=None if done else alerts_of)


async def _change(
    case: JobContext, gathered: GatheredFacts, reason: str, completed: Completed, context: Context
) -> Sequence[Write]:
    fresh = await cases.refreshed(case, context)
    if cases.settled_before(fresh):
        return ()
    if fresh.report.status is JobStatus.COMPLETED:
        whole = replace(fresh, document=gathered.on(fresh.document))
        return *completed(whole, context), *gathered.writes
    if fresh.report.status is JobStatus.FAILED:
        return job_result.job_failed(fresh, reason, context)
    return job_result.job_stopped(fresh, reason, context)


def failure_reason(case: JobContext) -> str:
    """Why there is no result, in the vendor's words where it gave any."""
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    said = case.report.error
    if said and any(c.isprintable() and not c.isspace() for c in said):
        return said
    return ours.get(case.report.status, "LlamaCloud gave no reason")
