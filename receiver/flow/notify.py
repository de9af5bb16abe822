"""Notify: one channel is told, by one task at a time, whatever it must be told now.

Who comes while the channel is being told leaves a mark and goes; who tells it looks once more before it ends. So each
channel's notices keep their order, and a slow channel holds up nobody: neither documents nor other channels.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field, replace
from shlex import quote

from receiver.core.alert import Alert, Severity
from receiver.core.change import Ensure, Insert, Query, Update, Write, succeeding
from receiver.core.channel import FAILURES_TOLD, HOLD_SECONDS, RECOVERING_SECONDS, RETRY_SECONDS, Channel
from receiver.core.document import Step
from receiver.core.errors import Conflict, MailroomError, PartlyTold, Permanent, StoreBusy, Unanswered
from receiver.core.incident import Incident, Status
from receiver.core.notification import Notification
from receiver.core.task import Task
from receiver.core.telling import Circumstances, Decision, Hold, Release, Tell, Wait, decide
from receiver.flow import digest
from receiver.flow.alert import due, ring, task_for, wake
from receiver.flow.notices import hand_over, notice_of, rule_for
from receiver.flow.pause import SUBMISSION, read
from receiver.flow.tools import Outcome, StepOf, Tools

SEND_SECONDS = 30.0
"""How long a channel may take over one notice."""
TURN_SECONDS, TURN_NOTICES = 60.0, 25
"""After so much one task makes room for others, and goes on in its next turn."""
LONGEST_HOLD = HOLD_SECONDS + RETRY_SECONDS[-1]
CONFLICTS = 20
PAGE = 20
GIVEN_UP = 10
"""Attempts after which a notice that the channel refuses, while it takes others, is no longer tried."""


async def notify(task: Task, tools: Tools) -> Outcome:
    """Tells the channel of this task what is due for it."""
    to = task.details["to"]
    if to not in tools.channels:
        return Outcome(note=f"{to} is no longer in mailroom.yaml")
    channel = await _take(to, task, tools)
    if channel is None:
        return Outcome(note=f"{to} is being told by another task")
    turn = Turn(to=to, task=task, channel=channel, tools=tools)
    again_at = await turn.take()
    note = f"{to}: {turn.told} told" + (f"; failing: {turn.channel.error}" if turn.channel.failures else "")
    return Outcome(note=note, again_at=again_at)


async def _take(to: str, task: Task, tools: Tools) -> Channel | None:
    """The channel, for this task alone; None when another one has it, and will look once more."""
    for _ in range(CONFLICTS):
        now = tools.clock()
        known = await tools.store.get(Channel, to)
        channel = known or Channel(id=to)
        left = channel.held_until - now
        busy = channel.holder not in ("", task.id) and 0 < left <= LONGEST_HOLD
        mine = replace(channel, holder=task.id, held_until=now + HOLD_SECONDS)
        after = replace(channel, calls=channel.calls + 1) if busy else mine
        try:
            await tools.store.apply(Update(after) if known else Insert(after))
        except Conflict:
            continue
        return None if busy else replace(mine, version=mine.version + (known is not None))
    raise StoreBusy(f"channel {to} is changed by others all the time")


@dataclass(kw_only=True)
class Turn:
    """One task's turn at telling a channel."""

    to: str
    task: Task
    channel: Channel
    tools: Tools
    told: int = 0
    refused: dict[str, Notification] = field(default_factory=dict)
    """What the channel would not take in this turn."""
    failed: bool = False
    """Whether the last thing that it was asked in this turn failed."""
    begun: float = field(default_factory=time.monotonic)

    async def take(self) -> float | None:
        """Tells until nothing is due; when to come again, None when all is told."""
        if "probe" in self.task.details:
            await self._probe()
        while True:
            done = await self._tell_all()
            if self.refused and self.told:
                await self._put_back()
            elif self.channel.failing_since is not None and not self.failed:
                await self._probe()  # nothing is due by which it could show that it works again
            if self.failed:
                return await self._retry()
            if not done:
                await self._release()
                return self.tools.clock()
            if await self._release():
                return None

    async def _tell_all(self) -> bool:
        """False when the turn is over before everything was told."""
        while True:
            query = Query(by="due", key=self.to, until=self.tools.clock() + 0.001, limit=PAGE)
            page = await self.tools.store.find(Notification, query)
            waiting = [one for one in page.records if one.id not in self.refused]
            if not waiting:
                return await self._tell_others()
            for one in waiting:
                if self.told >= TURN_NOTICES or time.monotonic() - self.begun > TURN_SECONDS:
                    return False
                await self._look_at(one)
                if len(self.refused) > self.told + 1 or (self.refused and self.channel.failures > 1):
                    return True  # it takes nothing: the others need not wait for as long each

    async def _look_at(self, one: Notification) -> None:
        """Tells the channel of one incident what it must hear now, if anything."""
        incident, now = await self.tools.store.get(Incident, one.incident_id), self.tools.clock()
        if incident is None:
            await self._keep(replace(one, due_at=None, expires_at=now))
            return
        match await self._decided(incident, one):
            case Wait(until):
                expires_at = (
                    None if incident.status is Status.FIRING else now + self.tools.config.retention.alerts_seconds
                )
                await self._keep(replace(one, due_at=until, tries=0, expires_at=expires_at))
            case Hold():
                self.channel = digest.more(self.channel, now)
                await self._keep(replace(one, due_at=None, held_since=now))
            case Release():
                self.channel = digest.more(self.channel, now)
                await self._keep(
                    replace(
                        one, due_at=None, held_since=None, expires_at=now + self.tools.config.retention.alerts_seconds
                    )
                )
            case Tell(word, reminder):
                await self._tell(incident, one, word, reminder=reminder)

    async def _decided(self, incident: Incident, one: Notification) -> Decision:
        tools, now = self.tools, self.tools.clock()
        rule = rule_for(self.to, incident, tools.config.alerts)
        around = Circumstances(
            now=now,
            wait_seconds=tools.config.alerting.wait_seconds,
            inhibited=await inhibited(incident, self.channel, tools),
            room=rule is None or self.channel.room(rule.ceiling, now, critical=incident.severity is Severity.CRITICAL),
            wants_acknowledgements=tools.channels[self.to].tracks,
        )
        return decide(incident, one, rule, around)

    async def _tell(self, incident: Incident, one: Notification, word: str, *, reminder: bool) -> None:
        maybe = bool(one.telling)
        try:
            one = await self._begun(one, word)
        except Conflict:
            return  # somebody woke the channel for it: it is looked at once more
        notice = notice_of(incident, one, word, reminder=reminder, tools=self.tools)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                thread, but = await hand_over(notice, self.to, self.tools)
        except Exception as error:  # noqa: BLE001 - whatever it was, the channel did not take it
            self._failed(error)
            telling = one.telling if maybe or isinstance(error, (TimeoutError, Unanswered)) else ""
            self.refused[one.id] = replace(one, telling=telling, error=_said(error)[:300])
            return
        now, over = self.tools.clock(), word in ("resolved", "quiet")
        self._succeeded(now, counts=word == "firing")
        if but is not None:
            self.channel = self.channel.failed(
                str(but), but.fix, now, partly=True
            )  # whether that lasts, its probe tells
        if one.held_since is not None:
            self.channel = digest.more(self.channel, now)  # it is one of the others no more
        said = replace(
            one,
            held_since=None,
            told=word,
            number=incident.number,
            telling="",
            told_at=now,
            severity=incident.severity,
            tries=0,
            error="",
            thread="" if over else thread or one.thread,
            expires_at=now + self.tools.config.retention.alerts_seconds if over else None,
        )
        following = await self._decided(incident, said)
        await self._keep(replace(said, due_at=following.until if isinstance(following, Wait) else now))

    async def _begun(self, one: Notification, word: str) -> Notification:
        """The notification, with what the channel is about to be told written down. Raises Conflict."""
        if one.telling == word:
            return one  # a repeat has the id of the first one
        begun = replace(one, telling=word, telling_since=one.version + 1)
        await self.tools.store.apply(Update(begun))
        return succeeding(begun)

    async def _tell_others(self) -> bool:
        """Tells of the causes beyond the ceiling, when there is news of them."""
        if self.channel.digest_at is None or self.channel.digest_at > self.tools.clock():
            return True
        before = self.channel
        try:
            async with asyncio.timeout(SEND_SECONDS):
                self.channel = await digest.tell(before, self.tools)
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)
        else:
            self.told += self.channel.last_told_at != before.last_told_at
        return True

    async def _keep(self, one: Notification) -> None:
        """Writes what the channel was told now, on whatever the incident did to the record meanwhile."""
        for _ in range(CONFLICTS):
            writes = due(one, is_known=True)
            try:
                await self.tools.store.apply(*writes)
            except Conflict:
                fresh = await self.tools.store.get(Notification, one.id)
                if fresh is None:
                    return
                # Somebody woke the channel for it: what was told stays told, and it is looked at once more.
                one = replace(one, due_at=fresh.due_at, version=fresh.version)
                continue
            await ring(writes, self.tools)
            return

    def _succeeded(self, now: float, *, counts: bool) -> None:
        self.told += 1
        self.failed = False
        self.channel = self.channel.told(now, counts=counts)
        self.tools.meter.count("mailroom_notices", channel=_scheme(self.to), outcome="told")

    def _failed(self, error: Exception) -> None:
        self.failed = True
        fix = error.fix if isinstance(error, MailroomError) else ""
        partly = isinstance(error, PartlyTold)
        self.channel = self.channel.failed(_said(error), fix, self.tools.clock(), partly=partly)
        self.tools.meter.count("mailroom_notices", channel=_scheme(self.to), outcome="failed")
        if isinstance(error, Permanent):
            self.channel = replace(self.channel, failures=max(self.channel.failures, FAILURES_TOLD))

    async def _put_back(self) -> None:
        """The channel takes notices, but not these: each is tried again, more and more rarely, and then no more."""
        self.channel, self.failed = self.channel.well(self.tools.clock()), False
        for one in self.refused.values():
            tries = one.tries + 1
            pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1]
            due_at = None if tries >= GIVEN_UP else self.tools.clock() + pause
            await self._keep(replace(one, tries=tries, due_at=due_at))
        self.refused.clear()

    async def _retry(self) -> float:
        """Keeps the channel for this task until its next try, and has the others told if that is no hiccup."""
        assert self.channel.retry_at is not None
        for one in self.refused.values():
            # Others first: one of them may get through where this one does not.
            await self._keep(replace(one, due_at=self.channel.retry_at + 1.0))
        await self._release(held_until=self.channel.retry_at + HOLD_SECONDS)
        if self.channel.failures >= FAILURES_TOLD:
            alert = task_for(failing(self.channel, self.tools.clock()), self.to, f"{self.channel.failing_since}")
            await self.tools.store.apply(Ensure(alert))
            await self.tools.ring(alert.id)
        return self.channel.retry_at

    async def _probe(self) -> None:
        """Asks the channel, where that can be done, whether it would take a notice."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                faults = await self.tools.channels[self.to].probe()
        except PartlyTold as error:
            self._failed(error)
            return
        except Exception as error:  # noqa: BLE001 - as above
            faults = [_said(error)]
        if faults:
            self._failed(Permanent("; ".join(faults)))
        elif faults is not None:
            self.channel = self.channel.well(self.tools.clock())

    async def _release(self, held_until: float | None = None) -> bool:
        """Writes what is known of the channel; False when somebody called meanwhile: then there may be more to tell."""
        holder = "" if held_until is None else self.task.id
        for _ in range(CONFLICTS):
            after = replace(self.channel, holder=holder, held_until=held_until or 0.0)
            writes: list[Write] = [Update(after)]
            if after.digest_at is not None:
                writes.append(Ensure(wake(self.to, after.digest_at, "digest", after.version)))
            try:
                await self.tools.store.apply(*writes)
            except Conflict:
                fresh = await self.tools.store.get(Channel, self.to)
                if fresh is None or fresh.holder != self.task.id:
                    return True  # it was away for so long that another task took over
                self.channel = replace(self.channel, calls=fresh.calls, version=fresh.version)
                if held_until is None:
                    return False
                continue
            await ring(writes, self.tools)
            return True
        return False


REPLAY = re.compile(r"[,;]? then: mailroom replay --parked$")
"""How the errors of destinations end, which channels share."""


def failing(channel: Channel, now: float) -> Alert:
    """The alert of a channel that does not take notices."""
    return Alert(
        kind="channel.failing",
        cause=channel.id,
        title=f"alert channel {channel.id} does not "
        + ("reach all of its addresses" if channel.partly else "take notices"),
        detail=channel.error,
        # What is to be told is told by itself: nothing of it waits to be replayed.
        fix=REPLAY.sub("", channel.fix) or "mend the channel; what it has not heard is told as soon as it works again",
        commands=(f"mailroom alerts test {quote(channel.id)}",),
        at=now,
    )


async def inhibited(incident: Incident, told: Channel, tools: Tools) -> bool:
    """Whether it follows from something else that people know of, or is mended and only not yet looked at."""
    if incident.kind in ("document.overdue", "source.expiring") and incident.cause == Step.TAKEN_IN:
        return bool((await read(SUBMISSION, tools)).until)
    if incident.kind == "channel.failing":
        recovers = told.well_since is not None and 0 <= tools.clock() - told.well_since < RECOVERING_SECONDS
        channel = await tools.store.get(Channel, incident.cause)
        return recovers or channel is None or channel.failing_since is None
    return False


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it took longer than {SEND_SECONDS:.0f} seconds"
    return str(error) or type(error).__name__


def _scheme(to: str) -> str:
    return to.partition(":")[0]


NOTIFY = StepOf(run=notify)
