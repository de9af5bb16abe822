"""What we do with classify events: the document goes where its matched type goes."""

from handlers import outcome
from receiver.core.job import JobKind
from receiver.flow import conclude
from receiver.flow.reactions import Happening, Reactions
from receiver.flow.tools import Outcome, Tools

router = Reactions()


@router.on(
    *("classify.success", "classify.error", "classify.partial_success", "classify.cancelled"),
    *("classify.gone", "classify.stuck"),  # these two are the sweep's own words
)
async def file_by_type(happening: Happening, tools: Tools) -> Outcome:
    """Routes the document by what its job found."""
    return await outcome.of(happening, JobKind.CLASSIFY, conclude.classified, tools)
