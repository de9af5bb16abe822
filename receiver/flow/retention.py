"""Retention: what is over is forgotten, and what was left behind is removed. Each part looks at a bounded number.

It is no part of the sweep, which must not wait for a disk or a bucket that does not answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from receiver.core.errors import MailroomError
from receiver.flow.catch_up import catch_up
from receiver.flow.forget import forget_content
from receiver.flow.forget_records import forget_documents
from receiver.flow.leftovers import clear_leftovers
from receiver.flow.pace import believed
from receiver.flow.strays import release_strays
from receiver.flow.tools import Tools


@dataclass(slots=True, kw_only=True)
class Tidied:
    """What one pass did away with."""

    purged: int = 0
    """Events, tasks and alerts past their time."""
    forgotten: int = 0
    """Documents whose bytes were let go."""
    documents: int = 0
    """Documents whose records were removed."""
    strays: int = 0
    """Bytes in the spool that no document has."""
    leftovers: int = 0
    """Unfinished files of processes that were killed."""
    troubles: list[str] = field(default_factory=list)
    """What could not be done, and why."""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, by name."""
        return {name: getattr(self, name) for name in ("purged", "forgotten", "documents", "strays", "leftovers")}


async def tidy_in_pace(tools: Tools, *, every_seconds: float) -> Tidied:
    """One pass of those that come every so many seconds, by a clock that no single pass believes too much.

    Raises StoreBusy.
    """
    at = await believed(tools, every_seconds=every_seconds)
    return await tidy(replace(tools, clock=lambda: at))


async def tidy(tools: Tools) -> Tidied:
    """One pass. A part that cannot be done now keeps none of the others from it."""
    done = Tidied()

    async def part(work: Callable[[], Awaitable[int]]) -> int:
        try:
            return await work()
        except MailroomError as error:
            done.troubles.append(str(error))
            return 0

    async def told(work: Callable[[Tools], Awaitable[tuple[int, list[Exception]]]]) -> int:
        count, troubles = await work(tools)
        done.troubles += map(str, troubles)
        return count

    await part(lambda: catch_up(tools))
    done.purged = await part(lambda: tools.store.purge(now=tools.clock()))
    done.forgotten = await part(lambda: told(forget_content))
    done.documents = await part(lambda: forget_documents(tools))
    done.strays = await part(lambda: told(release_strays))
    done.leftovers = await part(lambda: clear_leftovers(tools))
    done.troubles = list(dict.fromkeys(done.troubles))
    return done
