"""Shares LlamaCloud's limits between the processes of an installation: each leases a share of them from the store.

LlamaCloud's limits are for a project, not for a process. A process that rarely sends requests needs no lease: it may
send one in each window of a limit. A process that sends more joins the others in a flag of the store, and gets an equal
share:

    {"a": [0.5, 1700000012.0], "b": [0.5, 1700000013.0]}        share, and end of its lease

The shares never add up to more than the whole. A process that joins a fully leased budget waits a few seconds until the
others have renewed their leases with smaller shares. It uses what it gains a window later, when requests that others
made with it no longer count. While the store does not respond, a process continues with its last share, or as if it
were alone; LlamaCloud refuses requests over the limit with a 429, and they are retried.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from receiver.cloud.pacing import Pace
from receiver.core.change import put
from receiver.core.errors import Conflict, MailroomError
from receiver.core.flag import Flag
from receiver.ports import Clock, Store

LEASE_SECONDS = 10.0
"""Seconds for which a share is leased. The share of a process that dies is unused for that long."""
RENEW_SECONDS = 2.0
"""Seconds between two renewals, while requests are sent."""
CONFLICTS = 10
LEAST = 1e-6
"""Shares below this count as none, because sums of floats are not exact."""


class Member(NamedTuple):
    """The lease of a process; its share is 0 while it waits for the others."""

    share: float
    until: float

    def holds(self, now: float) -> bool:
        """Whether the lease is valid. A lease that ends impossibly late was written by a wrong clock, and is not."""
        return now < self.until <= now + 2 * LEASE_SECONDS


_MEMBERS = TypeAdapter(dict[str, Member])


class SharedBudget:
    """The share of one process. ``owner`` identifies the process; ``clock`` is the wall clock."""

    def __init__(
        self,
        store: Store,
        project: str,
        owner: str,
        *,
        clock: Clock = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._flag = f"budget:{project}"
        self._owner = owner
        self._clock = clock
        self._sleep = sleep
        self._paces: list[SharedPace] = []
        self._asking = asyncio.Lock()
        self._asked_at = 0.0
        self._lease = Member(0.0, 0.0)
        self._keeper: asyncio.Task[None] | None = None

    def shared(self, pace: Pace) -> "SharedPace":
        """A pace that uses only this process's share of the rate."""
        self._paces.append(SharedPace(pace, self))
        return self._paces[-1]

    async def admit(self, pace: Pace) -> None:
        """Returns when this process has a share, or needs none for one request."""
        while not (self.share or pace.is_quiet() or await self.renewed()):
            await self._sleep(RENEW_SECONDS)
        if self.share and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.create_task(self._keep())

    async def leave(self) -> None:
        """Returns the share, so that others need not wait for the end of its lease."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self.share:
            with suppress(MailroomError):
                await self._replaced(leaving=True)

    @property
    def share(self) -> float:
        """The currently leased share."""
        return self._lease.share if self._lease.holds(self._clock()) else 0.0

    async def renewed(self) -> bool:
        """Renews the lease, at most every RENEW_SECONDS. Returns whether this process has a share."""
        async with self._asking:
            now = self._clock()
            if 0 <= now - self._asked_at < RENEW_SECONDS:
                return self.share > 0  # another request has just asked
            self._asked_at = now
            try:
                return await self._replaced()
            except MailroomError:
                self._take(self._lease.share or 1.0, at_once=True)
                return True

    async def _replaced(self, *, leaving: bool = False) -> bool:
        """Writes our share into the flag. Returns whether there is any. Raises StoreBusy."""
        for _ in range(CONFLICTS):
            known = await self._store.get(Flag, self._flag)
            now = self._clock()
            before = {owner: item for owner, item in _members(known).items() if owner != self._owner}
            others = {owner: item for owner, item in before.items() if item.holds(now)}
            mine = Member(0.0, now) if leaving else Member(_fair(others.values()), now + LEASE_SECONDS)
            value = _MEMBERS.dump_json({**others, self._owner: mine}).decode()
            with suppress(Conflict):
                await self._store.apply(put(Flag(id=self._flag, value=value, at=now), known))
                # A process that was in the flag, even if it has left, may have sent requests that still count.
                at_once = not before or known is None or abs(now - known.at) > 2 * LEASE_SECONDS
                self._take(mine.share, at_once=at_once)
                return mine.share > 0
        return self.share > 0  # too many concurrent writes: the next renewal may succeed

    def _take(self, share: float, *, at_once: bool) -> None:
        self._lease = Member(share, self._clock() + LEASE_SECONDS)
        for item in self._paces:
            item.pace.use(share, at_once=at_once)

    async def _keep(self) -> None:
        """Renews the lease while requests are sent, or wait for a slot."""
        while not all(item.pace.is_quiet() for item in self._paces):
            await self._sleep(RENEW_SECONDS)
            await self.renewed()


def _members(known: Flag | None) -> dict[str, Member]:
    try:
        return _MEMBERS.validate_json(known.value) if known else {}
    except ValidationError:  # of a later version
        return {}


def _fair(others: Iterable[Member]) -> float:
    """An equal share, or what the others leave if that is less."""
    shares = [item.share for item in others]
    share = min(1 / (len(shares) + 1), 1 - sum(shares))
    return share if share > LEAST else 0.0


class SharedPace:
    """A pace that is limited to the share of this process."""

    def __init__(self, pace: Pace, budget: SharedBudget) -> None:
        self.pace = pace
        self._budget = budget
        pace.use(0.0, at_once=True)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A slot for one request, as of ``Pace``."""
        if not self.pace.is_unlimited:
            await self._budget.admit(self.pace)
        async with self.pace.turn():
            yield

    def hold(self, seconds: float) -> None:
        """As of ``Pace``."""
        self.pace.hold(seconds)


AnyPace = Pace | SharedPace
