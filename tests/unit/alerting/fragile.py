"""A store and channels that fail at every place where a process can die, be frozen, or be overtaken by another."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from receiver.core.change import Page, Query, Record, Replace, Write
from receiver.core.channel import Channel
from receiver.core.errors import DestinationBusy, PartlyNotified, Unanswered
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.notification import Notification
from receiver.ports import Clock, R
from receiver.store.memory import MemoryStore
from tests.in_memory_app import InMemoryChannel

Doing = Callable[[], Awaitable[object]]


class DiesError(BaseException):
    """The process ends here."""


class FragileStore(MemoryStore):
    """Ends the process at a write: before it is done, or after. Lets others work first at any access."""

    channels: dict[str, "FragileChannel"]

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.dies_in, self.after = 0, False
        self.others_in = 0
        self.others: Doing | None = None
        """What other processes do meanwhile; they do not die of ``dies_in``."""
        self.wrongly_well: list[str] = []
        """Channels that were called well while a probe would find the fault that one found."""

    async def get(self, kind: type[R], record_id: str) -> R | None:
        await self._others_first()
        return await super().get(kind, record_id)

    async def find(self, kind: type[Record], query: Query) -> Page:
        await self._others_first()
        return await super().find(kind, query)

    async def apply(self, *writes: Write) -> None:
        await self._others_first()
        for write in writes:
            if isinstance(write, Replace) and isinstance(write.record, Channel):
                self._hold_to_what_a_probe_found(write.record)
        self.dies_in -= 1
        if self.dies_in == 0 and not self.after:
            raise DiesError
        await super().apply(*writes)
        if self.dies_in == 0:
            raise DiesError

    async def _others_first(self) -> None:
        self.others_in -= 1
        if self.others_in == 0 and self.others is not None:
            await self.apart(self.others)

    async def apart(self, doing: Doing) -> None:
        """Others do this, and do not die of what this process is to die of."""
        (dies, self.dies_in), self.others_in = (self.dies_in, 0), 0
        await doing()
        self.dies_in = dies

    def _hold_to_what_a_probe_found(self, after: Channel) -> None:
        before = self._get(Channel, after.id)
        known = self.channels.get(after.id)
        if before is None or not before.found_by_probe or known is None:
            return
        if before.version == after.version and known.reaches_nobody and after.failing_since is None:
            self.wrongly_well.append(after.id)

    def process_died(self) -> None:
        """Remembers of what the channels were about to be told: they may have heard it, or not."""
        for item in self._all(Notification):
            if (item.telling or item.owed) and item.channel in self.channels:
                self.channels[item.channel].may_have_heard(item.incident_id)


@dataclass
class FragileChannel(InMemoryChannel):
    """Takes a notice or not, and dies of it, gives no answer, or lets others work: before it has heard, or after."""

    store: FragileStore | None = None
    dies: str = ""
    """before or after"""
    unanswered: str = ""
    others: tuple[str, Doing] | None = None
    """When others work, and what they do."""
    can_be_asked: bool = True
    maybe: list[tuple[int, str]] = field(default_factory=list)
    """How many notices it had heard when nobody could know whether it heard one more, and of which incident."""

    overtaken: int = 0
    """How often another process told it something while one was telling it: one of them counted as dead."""

    def may_have_heard(self, key: str) -> None:
        self.maybe.append((len(self.told), key))

    async def probe(self) -> list[str] | None:
        return await super().probe() or [] if self.can_be_asked else None

    @property
    def reaches_nobody(self) -> bool:
        """Whether it takes notices, and its probe says that nobody hears them."""
        return self.can_be_asked and self.broken is None and bool(self.faults)

    async def notify(self, notice: Notice) -> str:
        await self._reached("before", notice)
        thread = await self._take(notice)
        await self._reached("after", notice)
        return thread

    async def _take(self, notice: Notice) -> str:
        return await super().notify(notice)

    async def _reached(self, when: str, notice: Notice) -> None:
        if self.others is not None and self.others[0] == when and self.store is not None:
            (_, doing), self.others, heard = self.others, None, len(self.told)
            await self.store.apart(doing)
            if len(self.told) > heard:
                self.overtaken += 1
                self.may_have_heard(notice.key)
        if self.unanswered == when:
            self.unanswered = ""
            self.may_have_heard(notice.key)
            raise Unanswered("no answer came")
        if self.dies == when:
            self.dies = ""
            raise DiesError

    def works_again(self) -> None:
        self.broken, self.faults, self.others = None, None, None
        self.dies, self.unanswered = "", ""


REFUSALS_KNOWN = 10
"""After so many an address is no longer tried with the same notice."""


@dataclass
class FragileMail(FragileChannel):
    """Has several addresses, each of which may be full for a while."""

    heard: dict[str, list[Notice]] = field(default_factory=lambda: {"ann@example.com": [], "bob@example.com": []})
    full: set[str] = field(default_factory=set)
    missed: dict[tuple[str, str], int] = field(default_factory=dict)
    """Address and incident -> how often in a row it was full."""

    async def _take(self, notice: Notice) -> str:
        if self.broken is not None:
            raise self.broken
        asked = [item for item in self.heard if item not in notice.without and item in (notice.only or self.heard)]
        owed = tuple(item for item in asked if item in self.full)
        for address in asked:
            key = (address, notice.key)
            self.missed[key] = self.missed.get(key, 0) + 1 if address in owed else 0
            if address not in owed:
                self.heard[address].append(notice)
        if owed and len(owed) == len(asked) and not notice.only:
            raise DestinationBusy("452 mailbox full")
        thread = notice.thread or f"thread-{notice.key}"
        if not notice.only:
            thread = await super()._take(notice)
        if owed:
            raise PartlyNotified("452 mailbox full", fix="empty it", thread=thread, retry=owed, never=False)
        return thread

    def works_again(self) -> None:
        super().works_again()
        self.full.clear()


def told_of_incidents(notices: list[Any]) -> list[tuple[int, Notice]]:
    """Where each notice of an incident stands among all that were told, and the notice."""
    apart = (NoticeStatus.DIGEST, NoticeStatus.TEST)
    return [(place, notice) for place, (notice, _) in enumerate(notices) if notice.status not in apart]
