"""Shares LlamaCloud's limits between the processes of an installation: each leases a share of them from the store.

LlamaCloud limits a project, and does not know processes. A process that sends a request now and then needs no lease:
it may send one in each window of a limit. One that sends more joins the others in a flag of the store, and gets an
equal share:

    {"a": [0.5, 1700000012.0], "b": [0.5, 1700000013.0]}        share, and until when it is leased

The shares of all are never more than the whole. Whoever joins a budget that is used up waits until the others have
renewed their leases and taken less, a few seconds; what it gains is used a window later, when the requests that others
made of it no longer count. Without an answer of the store, a process goes on with the share that it had, or as if it
were alone: what is then too much, LlamaCloud refuses with a 429, and it is repeated.
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
"""How long a share is leased: a process that dies keeps it from the others for as long."""
RENEW_SECONDS = 2.0
"""Between two looks at the others, while requests are sent."""
CONFLICTS = 10
LEAST = 1e-6
"""A smaller share is none: sums of shares are not exact."""


class Member(NamedTuple):
    """What a process has leased; nothing, while it waits for the others."""

    share: float
    until: float

    def holds(self, now: float) -> bool:
        """Whether its lease runs. One that a wrong clock made longer than any does not count."""
        return now < self.until <= now + 2 * LEASE_SECONDS


_MEMBERS = TypeAdapter(dict[str, Member])


class SharedBudget:
    """The share of one process. ``owner`` tells it from all others; ``clock`` is the wall clock, which they share."""

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
        """The same rate, of which this process uses its share."""
        self._paces.append(SharedPace(pace, self))
        return self._paces[-1]

    async def admit(self, pace: Pace) -> None:
        """Returns when this process has a share, or needs none for one request."""
        while not (self.share or pace.is_quiet() or await self.renewed()):
            await self._sleep(RENEW_SECONDS)
        if self.share and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.create_task(self._keep())

    async def leave(self) -> None:
        """Gives the share back: others need not wait until its lease is over."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self.share:
            with suppress(MailroomError):
                await self._replaced(leaving=True)

    @property
    def share(self) -> float:
        """The share that is leased now."""
        return self._lease.share if self._lease.holds(self._clock()) else 0.0

    async def renewed(self) -> bool:
        """Leases the share that is ours by now; whether there is any. Asks the store every RENEW_SECONDS at most."""
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
        """Writes our share into the flag; whether there is any. Raises StoreBusy."""
        for _ in range(CONFLICTS):
            known = await self._store.get(Flag, self._flag)
            now = self._clock()
            before = {owner: item for owner, item in _members(known).items() if owner != self._owner}
            others = {owner: item for owner, item in before.items() if item.holds(now)}
            mine = Member(0.0, now) if leaving else Member(_fair(others.values()), now + LEASE_SECONDS)
            value = _MEMBERS.dump_json({**others, self._owner: mine}).decode()
            with suppress(Conflict):
                await self._store.apply(put(Flag(id=self._flag, value=value, at=now), known))
                # Who was there before may have sent requests that still count, also one that has left meanwhile.
                self._take(mine.share, at_once=not before or abs(now - _written_at(known)) > 2 * LEASE_SECONDS)
                return mine.share > 0
        return self.share > 0  # too many others at the same moment: the next look may succeed

    def _take(self, share: float, *, at_once: bool) -> None:
        self._lease = Member(share, self._clock() + LEASE_SECONDS)
        for item in self._paces:
            item.pace.use(share, at_once=at_once)

    async def _keep(self) -> None:
        """Renews the lease for as long as requests are sent, also for those that wait for a slot."""
        while not all(item.pace.is_quiet() for item in self._paces):
            await self._sleep(RENEW_SECONDS)
            await self.renewed()


def _members(known: Flag | None) -> dict[str, Member]:
    try:
        return _MEMBERS.validate_json(known.value) if known else {}
    except ValidationError:  # of a later version
        return {}


def _written_at(known: Flag | None) -> float:
    return known.at if known else 0.0


def _fair(others: Iterable[Member]) -> float:
    """An equal share, as far as the others leave it."""
    shares = [item.share for item in others]
    share = min(1 / (len(shares) + 1), 1 - sum(shares))
    return share if share > LEAST else 0.0


class SharedPace:
    """A pace that keeps to the share of this process."""

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
