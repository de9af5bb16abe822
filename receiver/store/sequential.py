"""Several changes, applied one by one, for a store that gains nothing from grouping them."""

import asyncio
from collections.abc import Sequence

from receiver.core.change import Write
from receiver.ports import Store


async def apply_sequentially(store: Store, changes: Sequence[Sequence[Write]]) -> list[Exception | None]:
    """What each raised; None where it was written."""
    outcomes = await asyncio.gather(*(store.apply(*writes) for writes in changes), return_exceptions=True)
    return [outcome if isinstance(outcome, Exception) else None for outcome in outcomes]
