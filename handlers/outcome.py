"""From an event, or the sweep's command, to what is written: the part that classify and split jobs have in common.

Both only say where to look; what happened is what the fetched job says.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from receiver.core.alert import Alert
from receiver.core.change import Write
from receiver.core.job import JobKind, JobStatus, Verdict
from receiver.flow import case as cases
from receiver.flow import conclude
from receiver.flow.case import Case
from receiver.flow.gather import Gathered, gather
from receiver.flow.reactions import Command, Happening
from receiver.flow.tools import Outcome, Tools

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a job whose event came before its result shows; after these the sweep takes over."""
SLOWEST = 5.0
"""Seconds between polls in the end: 1, 2, 3, 4, 5, 5, … as the vendor's SDK does (reference 3.3)."""

Completed = Callable[[Case, Tools], Sequence[Write]]
"""What is written when the job came to a result."""


async def of_event(event: Happening, kind: JobKind, completed: Completed, tools: Tools) -> Outcome:
    """What the event's job makes of its document; alerts when it gives up on a job without one."""
    case = await cases.of_event(event, kind, tools)
    if isinstance(case, Outcome):
        return case
    return await _ended(case, completed, tools) if case.report.status.final else _early(case, event.looks, tools)


async def of_command(command: Command, completed: Completed, tools: Tools) -> Outcome:
    """The same for a job that the sweep found, or that is polled. Whether it is stuck is judged anew, by its record."""
    case = await cases.of_command(command, tools)
    if isinstance(case, Outcome):
        return case
    if not case.report.status.final:
        if command.verdict is Verdict.POLL:
            return _polled(command.looks, tools)
        if command.verdict is not Verdict.STUCK or not _stuck(case, tools):
            return _early(case, command.looks, tools)
        case = await conclude.cancelled(case, tools)
    return await _ended(case, completed, tools)


def _early(case: Case, looks: int, tools: Tools) -> Outcome:
    """The result does not show yet: look again soon, a few times. Then the sweep asks, for the job is on record."""

    async def change() -> Sequence[Write]:
        fresh = await cases.refreshed(case, tools)
        return cases.on_record(fresh, tools) if fresh.adopted else ()

    if looks >= len(EARLY_DELAYS):
        return Outcome(note="not final yet; the sweep will ask again", change=change)
    return Outcome(note="not final yet", change=change, again_at=tools.clock() + EARLY_DELAYS[looks])


def _polled(looks: int, tools: Tools) -> Outcome:
    if looks > tools.config.stuck_seconds / SLOWEST:
        return Outcome(note="left to the sweep")
    return Outcome(note="not final yet", again_at=tools.clock() + min(2.0 + looks, SLOWEST))


def _stuck(case: Case, tools: Tools) -> bool:
    after, deadline = tools.config.stuck_seconds, tools.config.deadline_seconds
    return case.job is not None and case.job.stuck(after=after, deadline_seconds=deadline)


async def _ended(case: Case, completed: Completed, tools: Tools) -> Outcome:
    reason = reason_of(case)
    done = case.report.status is JobStatus.COMPLETED
    gathered = await gather(case.document, tools) if done else Gathered(case.document)

    async def change() -> Sequence[Write]:
        return await _change(case, gathered, reason, completed, tools)

    def alerts_of(writes: Sequence[Write]) -> Sequence[Alert]:
        return conclude.given_up(case, reason, writes, tools)

    return Outcome(note=case.report.status, change=change, alerts_of=None if done else alerts_of)


async def _change(case: Case, gathered: Gathered, reason: str, completed: Completed, tools: Tools) -> Sequence[Write]:
    fresh = await cases.refreshed(case, tools)
    if cases.settled_before(fresh):
        return ()
    if fresh.report.status is JobStatus.COMPLETED:
        whole = replace(fresh, document=gathered.on(fresh.document))
        return *completed(whole, tools), *gathered.writes
    if fresh.report.status is JobStatus.FAILED:
        return conclude.job_failed(fresh, reason, tools)
    return conclude.job_stopped(fresh, reason, tools)


def reason_of(case: Case) -> str:
    """Why there is no result, in the vendor's words where it gave any."""
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    said = case.report.error
    if said and any(c.isprintable() and not c.isspace() for c in said):
        return said
    return ours.get(case.report.status, "LlamaCloud gave no reason")
