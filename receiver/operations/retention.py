"""Retention: removes what has expired, and what crashes left behind. Each part processes a bounded number.

Retention is not a part of the sweep, which must not wait for a disk or a bucket that does not respond.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from receiver.core.errors import MailroomError
from receiver.operations.backfill_retention import backfill_retention
from receiver.operations.expired_content import delete_content
from receiver.operations.expired_records import delete_records
from receiver.operations.orphaned_content import release_orphans
from receiver.operations.retention_clock import retention_time
from receiver.operations.unfinished_files import clear_leftovers
from receiver.pipeline.context import Context


@dataclass(slots=True, kw_only=True)
class RetentionResult:
    """What one pass removed."""

    purged: int = 0
    """Expired events, tasks and alerts."""
    forgotten: int = 0
    """Documents whose bytes were removed."""
    documents: int = 0
    """Documents whose records were removed."""
    strays: int = 0
    """Bytes in the spool that belong to no document."""
    leftovers: int = 0
    """Unfinished files of processes that were killed."""
    troubles: list[str] = field(default_factory=list)
    """What could not be removed, and why."""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, by name."""
        return {name: getattr(self, name) for name in ("purged", "forgotten", "documents", "strays", "leftovers")}


async def apply_retention_steadily(context: Context, *, every_seconds: float) -> RetentionResult:
    """One of the passes made every ``every_seconds``, with a clock that each pass follows only by a bounded step.
    Raises StoreBusy.
    """
    at = await retention_time(context, every_seconds=every_seconds)
    return await apply_retention(replace(context, clock=lambda: at))


async def apply_retention(context: Context) -> RetentionResult:
    """One pass. A part that fails does not stop the others."""
    done = RetentionResult()

    async def part(work: Callable[[], Awaitable[int]]) -> int:
        try:
            return await work()
        except MailroomError as error:
            done.troubles.append(str(error))
            return 0

    async def reported(work: Callable[[Context], Awaitable[tuple[int, list[Exception]]]]) -> int:
        count, troubles = await work(context)
        done.troubles += map(str, troubles)
        return count

    await part(lambda: backfill_retention(context))
    done.purged = await part(lambda: context.store.purge(now=context.clock()))
    done.forgotten = await part(lambda: reported(delete_content))
    done.documents = await part(lambda: reported(delete_records))
    done.strays = await part(lambda: reported(release_orphans))
    done.leftovers = await part(lambda: clear_leftovers(context))
    done.troubles = list(dict.fromkeys(done.troubles))
    return done
