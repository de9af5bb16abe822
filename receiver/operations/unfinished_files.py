"""Removes the unfinished files of killed processes. A part of retention.

A live process writes to its file now and then, so a file that nobody has written to for a day is abandoned.
"""

import asyncio

from receiver.destination_traits import LeavesFiles
from receiver.pipeline.context import Context
from receiver.pipeline.scratch import clear_scratch

UNTOUCHED = 86400.0
"""Seconds. No upload, packet or delivery pauses for as long."""


async def clear_leftovers(context: Context) -> int:
    """Removes them, step by step in large folders. Returns how many there were."""
    before = context.clock() - UNTOUCHED
    cleared = await context.spool.clear_leftovers(before=before)
    cleared += await asyncio.to_thread(clear_scratch, before=before)
    for target in context.config.targets:
        destination: object = context.destinations.get(target.scheme)
        if isinstance(destination, LeavesFiles):
            cleared += await destination.clear_leftovers(target, before=before)
    return cleared
