"""Several changes, each by itself, for a store to which doing them together would bring nothing."""

import asyncio
from collections.abc import Sequence

from receiver.core.change import Write
from receiver.ports import Store


async def apply_sequentially(store: Store, changes: Sequence[Sequence[Write]]) -> list[Exception | None]:
    """What each raised; None where it is written."""
    outcomes = await asyncio.gather(*(store.apply(*writes) for writes in changes), return_exceptions=True)
    return [outcome if isinstance(outcome, Exception) else None for outcome in outcomes]
