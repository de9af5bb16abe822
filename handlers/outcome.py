"""From a happening to what is written: the part that classify and split jobs have in common.

The event says where to look; only the fetched job says what happened.
"""

from collections.abc import Callable, Sequence

from receiver.core.change import Write
from receiver.core.job import JobKind, JobStatus
from receiver.flow import conclude
from receiver.flow.conclude import Case
from receiver.flow.reactions import Happening
from receiver.flow.tools import Outcome, Tools

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a job whose event came before its result shows; after these the sweep takes over."""

Completed = Callable[[Case, Tools], Sequence[Write]]
"""What is written when the job came to a result."""


def early(happening: Happening, now: float) -> Outcome:
    """The event came before the result shows: look again soon, a few times, then leave it to the sweep."""
    looks = happening.looks
    if looks >= len(EARLY_DELAYS):
        return Outcome(note="not final yet; the sweep will ask again")
    return Outcome(note="not final yet", again_at=now + EARLY_DELAYS[looks])


async def of(
    happening: Happening,
    kind: JobKind,
    completed: Completed,
    tools: Tools,
    *,
    wait: Callable[[Happening, float], Outcome] = early,
) -> Outcome:
    """What the happening's job makes of its document; alerts when the job came to no result.

    ``wait`` says when to look again at a job that is still at work.
    """
    case = await conclude.fetch(happening, kind, tools)
    if case is None:
        return Outcome(note="a job of nobody here, and adopting is off")
    if conclude.settled_before(case):
        return Outcome(note="known before")
    if not case.report.status.final:
        if not happening.type.endswith(".stuck"):
            return wait(happening, tools.clock())
        case = await conclude.cancelled(case, tools)
    reason = reason_of(case)
    done = case.report.status is JobStatus.COMPLETED
    alerts = () if done else (conclude.job_alert(case, reason, tools.clock()),)
    ended = case

    async def change() -> Sequence[Write]:
        return await _change(ended, reason, completed, tools)

    return Outcome(note=case.report.status, change=change, alerts=alerts)


async def _change(case: Case, reason: str, completed: Completed, tools: Tools) -> Sequence[Write]:
    fresh = await conclude.refreshed(case, tools)
    if conclude.settled_before(fresh):
        return ()
    if fresh.report.status is JobStatus.COMPLETED:
        return completed(fresh, tools)
    if fresh.report.status is JobStatus.FAILED:
        return conclude.job_failed(fresh, reason, tools)
    return conclude.job_stopped(fresh, reason, tools)


def reason_of(case: Case) -> str:
    """Why there is no result, in the vendor's words where it gave any."""
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    return case.report.error or ours.get(case.report.status, "LlamaCloud gave no reason")
