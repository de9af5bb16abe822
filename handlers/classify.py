"""What we do with classify events. The event says where to look; only the fetched job says what happened."""

from collections.abc import Sequence

from receiver.core.change import Write
from receiver.core.job import JobKind, JobStatus
from receiver.flow import conclude
from receiver.flow.conclude import Case
from receiver.flow.reactions import Happening, Reactions
from receiver.flow.tools import Outcome, Tools

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a job whose event came before its result shows; after these the sweep takes over."""

router = Reactions()


@router.on(
    *("classify.success", "classify.error", "classify.partial_success", "classify.cancelled"),
    *("classify.gone", "classify.stuck"),  # these two are the sweep's own words
)
async def file_by_type(happening: Happening, tools: Tools) -> Outcome:
    """Routes the document by what its job found; alerts when the job came to no result."""
    case = await conclude.fetch(happening, JobKind.CLASSIFY, tools)
    if case is None:
        return Outcome(note="a job of nobody here, and adopting is off")
    if conclude.settled_before(case):
        return Outcome(note="known before")
    if not case.report.status.final:
        if not happening.type.endswith(".stuck"):
            return early(happening, tools.clock())
        case = await conclude.cancelled(case, tools)
    reason = reason_of(case)
    done = case.report.status is JobStatus.COMPLETED
    alerts = () if done else (conclude.job_alert(case, reason, tools.clock()),)
    return Outcome(note=case.report.status, change=lambda: _change(case, reason, tools), alerts=alerts)


async def _change(case: Case, reason: str, tools: Tools) -> Sequence[Write]:
    fresh = await conclude.refreshed(case, tools)
    if conclude.settled_before(fresh):
        return ()
    if fresh.report.status is JobStatus.COMPLETED:
        return conclude.classified(fresh, tools)
    if fresh.report.status is JobStatus.FAILED:
        return conclude.job_failed(fresh, reason, tools)
    return conclude.job_stopped(fresh, reason, tools)


def early(happening: Happening, now: float) -> Outcome:
    """The event came before the result shows: look again soon, a few times, then leave it to the sweep."""
    looks = happening.looks
    if looks >= len(EARLY_DELAYS):
        return Outcome(note="not final yet; the sweep will ask again")
    return Outcome(note="not final yet", again_at=now + EARLY_DELAYS[looks])


def reason_of(case: Case) -> str:
    """Why there is no result, in the vendor's words where it gave any."""
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    return case.report.error or ours.get(case.report.status, "LlamaCloud gave no reason")
