"""What we do with classify events: the document goes where its matched type goes."""

from handlers import outcome
from receiver.core.job import JobKind
from receiver.flow import conclude
from receiver.flow.reactions import Command, Happening, Reactions
from receiver.flow.tools import Outcome, Tools

router = Reactions()


@router.on("classify.success", "classify.error", "classify.partial_success", "classify.cancelled")
async def file_by_type(event: Happening, tools: Tools) -> Outcome:
    """Routes the document by what its job found."""
    return await outcome.of_event(event, JobKind.CLASSIFY, conclude.classified, tools)


@router.on_command(JobKind.CLASSIFY)
async def look_again(command: Command, tools: Tools) -> Outcome:
    """The same for a job whose event did not come."""
    return await outcome.of_command(command, conclude.classified, tools)
