"""What we do with split events: the packet is cut into the pieces that its job found.

Progress events (``split.pending``, ``split.processing``) go to the quiet rest.
"""

from handlers import outcome
from receiver.core.job import JobKind
from receiver.flow import split
from receiver.flow.reactions import Command, Happening, Reactions
from receiver.flow.tools import Outcome, Tools

router = Reactions()


@router.on("split.success", "split.error", "split.cancelled")
async def cut_into_pieces(event: Happening, tools: Tools) -> Outcome:
    """Promises the cut that the job's segments ask for."""
    return await outcome.of_event(event, JobKind.SPLIT, split.found, tools)


@router.on_command(JobKind.SPLIT)
async def look_again(command: Command, tools: Tools) -> Outcome:
    """The same for a job whose event did not come, or that sends none."""
    return await outcome.of_command(command, split.found, tools)
