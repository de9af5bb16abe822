"""Follows events as they come, by asking for the newest ones again and again."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from receiver.cli.operations import Operations, Shown
from receiver.core.errors import Transient

OVERLAP = 30.0
"""Seconds that are asked for again: an event may be filed after one that was received later."""
MOST = 10_000
"""Events of one look; a follower that falls behind by more misses the oldest."""
FIRST = 10
"""Events that are shown at the start, unless a time is given."""


async def follow_events(
    operations: Operations,
    *,
    job: str | None,
    since: float | None,
    shown: Callable[[Shown], None],
    failed: Callable[[Transient], None],
    wait: Callable[[], Awaitable[bool]],
) -> None:
    """Calls ``shown`` for each event once, in the order in which they came, until ``wait`` answers False.

    What cannot be read now is asked for again; ``failed`` is told of it.
    """
    first = await operations.events(job=job, since=since, limit=MOST if since is not None else FIRST)
    seen = _report(first, {}, shown)
    while await wait():
        newest = max(seen.values(), default=since or 0.0)
        try:
            found = await operations.events(job=job, since=newest - OVERLAP if seen else since, limit=MOST)
        except Transient as error:
            failed(error)
            continue
        seen = _report(found, seen, shown)


def _report(found: list[Shown], seen: dict[str, float], shown: Callable[[Shown], None]) -> dict[str, float]:
    """Reports those that are new; returns the key and time of all that the next look may find again."""
    known = seen | {item["key"]: datetime.fromisoformat(item["received_at"]).timestamp() for item in found}
    for item in sorted(found, key=lambda item: (item["received_at"], item["key"])):
        if item["key"] not in seen:
            shown(item)
    newest = max(known.values(), default=0.0)
    return {key: at for key, at in known.items() if at >= newest - 2 * OVERLAP}
