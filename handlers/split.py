"""What we do with split events: the packet is cut into the pieces that its job found.

Progress events (``split.pending``, ``split.processing``) go to the quiet rest.
"""

from handlers import outcome
from receiver.core.job import JobKind
from receiver.flow import split
from receiver.flow.reactions import Happening, Reactions
from receiver.flow.tools import Outcome, Tools

SLOWEST = 5.0
"""Seconds between looks at a beta job in the end: 1, 2, 3, 4, 5, 5, … as the vendor's SDK polls (reference 3.3)."""

router = Reactions()


@router.on(
    *("split.success", "split.error", "split.cancelled"),
    *("split.gone", "split.stuck"),  # these two are the sweep's own words
)
async def cut_into_pieces(happening: Happening, tools: Tools) -> Outcome:
    """Promises the cut that the job's segments ask for."""
    return await outcome.of(happening, JobKind.SPLIT, split.found, tools)


@router.on("split.check")
async def look_at_beta_job(happening: Happening, tools: Tools) -> Outcome:
    """The same for a job on the beta path, which sends no events: we look, until it has ended or is stuck."""
    longest = tools.config.stuck_seconds / SLOWEST

    def again(happening: Happening, now: float) -> Outcome:
        if happening.looks > longest:
            return Outcome(note="left to the sweep")
        return Outcome(note="not final yet", again_at=now + min(2.0 + happening.looks, SLOWEST))

    return await outcome.of(happening, JobKind.SPLIT, split.found, tools, wait=again)
