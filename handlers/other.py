"""The quiet rest: kept, counted, visible, and nothing else done. Unknown types are normal: the vendor adds to them."""

from receiver.flow.reactions import Happening, Reactions
from receiver.flow.tools import Outcome, Tools

router = Reactions()


@router.otherwise
async def keep_quiet(happening: Happening, tools: Tools) -> Outcome:
    """Progress events, other products' events, and types that did not exist when this was written."""
    return Outcome(note=f"nothing to do for {happening.type}")
