"""Notify: sends one channel its next notice, one task at a time.

A task that finds the channel in use counts a call on its record and ends; the task that holds the channel checks once
more before it ends. So each channel's notices keep their order, and a slow channel delays neither documents nor other
channels.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace

from receiver.alerting import digest
from receiver.alerting.alert import due, task_for, wake
from receiver.alerting.failing_channel import failing
from receiver.alerting.notices import SEND_SECONDS, after_notice, hand_over, notice_of, rule_for
from receiver.alerting.remaining import GIVEN_UP, owing, retry_remaining
from receiver.core.change import Insert, InsertIfAbsent, Query, Replace, Write, succeeding
from receiver.core.channel import FAILURES_TOLD, HOLD_SECONDS, LAG_SECONDS, RECOVERING_SECONDS, RETRY_SECONDS, Channel
from receiver.core.document import Step
from receiver.core.errors import Conflict, MailroomError, PartlyNotified, Permanent, StoreBusy, Unanswered
from receiver.core.incident import Incident, Status
from receiver.core.next_notice import Circumstances, Decision, Hold, Release, Send, Wait, next_notice
from receiver.core.notification import TOLD_FIRING, Notification, after_notice_of, reconciled
from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.pause import SUBMISSION, read_pause

TURN_SECONDS, TURN_NOTICES = 60.0, 25
"""After so many seconds or notices a task makes room for others, and continues in its next run."""
LONGEST_HOLD = HOLD_SECONDS + RETRY_SECONDS[-1]
CONFLICTS = 20
PAGE = 20
_GIVEN_UP_FIX = "fix the address in mailroom.yaml, or the mailbox"


async def notify(task: Task, context: Context) -> StepResult:
    """Sends the task's channel the notices that are due."""
    to = task.details["to"]
    if to not in context.channels:
        return StepResult(note=f"{to} is no longer in mailroom.yaml")
    channel = await _take(to, task, context)
    if channel is None:
        return StepResult(note=f"{to} is being notified by another task")
    turn = ChannelRun(to=to, task=task, channel=channel, context=context)
    again_at = await turn.take()
    note = f"{to}: {turn.sent} sent" + (f"; failing: {turn.channel.error}" if turn.channel.failures else "")
    return StepResult(note=note, again_at=again_at)


async def _take(to: str, task: Task, context: Context) -> Channel | None:
    """The channel, held by this task; None if another task holds it, which will then check once more."""
    for _ in range(CONFLICTS):
        now = context.clock()
        known = await context.store.get(Channel, to)
        channel = known or Channel(id=to)
        busy = await _is_held(channel, task, context)
        mine = replace(channel, holder=task.id, held_until=now + HOLD_SECONDS)
        after = replace(channel, calls=channel.calls + 1) if busy else mine
        try:
            await context.store.apply(Replace(after) if known else Insert(after))
        except Conflict:
            continue
        return None if busy else replace(mine, version=mine.version + (known is not None))
    raise StoreBusy(f"channel {to} keeps changing: too many concurrent updates")


async def _is_held(channel: Channel, task: Task, context: Context) -> bool:
    """Whether another task is notifying the channel, or waits to retry.

    Whether a running task is alive follows from its lease, not from a clock: two at the same time could send the end of
    an incident before its beginning.
    """
    if channel.holder in ("", task.id):
        return False
    holder = await context.store.get(Task, channel.holder)
    if holder is None:
        return False
    waits = holder.state is TaskState.READY and 0 < channel.held_until - context.clock() <= LONGEST_HOLD
    return waits or holder.state is TaskState.RUNNING


@dataclass(kw_only=True)
class ChannelRun:
    """One task's run, in which it holds the channel."""

    to: str
    task: Task
    channel: Channel
    context: Context
    sent: int = 0
    refused: dict[str, Notification] = field(default_factory=dict)
    """The notifications that the channel refused in this run."""
    failed: bool = False
    """Whether it refused the last notice of this run."""
    begun: float = field(default_factory=time.monotonic)

    async def take(self) -> float | None:
        """Sends until nothing is due. Returns when to run again; None if everything was sent."""
        if "probe" in self.task.details:
            await self._probe()
        while True:
            done = await self._notify_all()
            if self.refused and self.sent:
                await self._put_back()
            if self.failed:
                return await self._retry()
            if self.channel.probe_due(self.context.clock()) and not await self._retries_soon():
                await self._probe()  # no notice is about to show that it works again
            await self._alert_other_channels()
            if not done:
                await self._release()
                return self.context.clock()
            if await self._release():
                return None

    async def _notify_all(self) -> bool:
        """False if the run ends before everything was sent."""
        while True:
            query = Query(by="due", key=self.to, until=self.context.clock() + 0.001, limit=PAGE)
            page = await self.context.store.find(Notification, query)
            waiting = [item for item in page.records if item.id not in self.refused]
            if not waiting:
                return await self._send_digest()
            for item in waiting:
                if self.sent >= TURN_NOTICES or time.monotonic() - self.begun > TURN_SECONDS:
                    return False
                await self._look_at(item)
                if len(self.refused) > self.sent + 1 or (self.refused and self.channel.failures > 1):
                    return True  # it accepts nothing, so the other notices are not tried one by one

    async def _look_at(self, item: Notification) -> None:
        """Sends the channel the notice that it must get about one incident now, if any."""
        incident, now = await self.context.store.get(Incident, item.incident_id), self.context.clock()
        if incident is None:
            await self._keep(replace(item, due_at=None, expires_at=now), item)
            return
        match await self._decided(incident, item):
            case Wait(until):
                await self._wait(incident, item, until)
            case Hold():
                self.channel = digest.more(self.channel, now)
                await self._keep(replace(item, due_at=None, held_since=now), item)
            case Release():
                self.channel = digest.more(self.channel, now)
                due_at = now if item.owed else None
                await self._keep(replace(item, due_at=due_at, held_since=None, expires_at=self._expiry(now)), item)
            case Send(word, reminder):
                await self._notify(incident, item, word, reminder=reminder)

    async def _wait(self, incident: Incident, item: Notification, until: float | None) -> None:
        """Nothing is to be sent to the whole channel before ``until``; some of its addresses may still be retried."""
        try:
            updated, refusal = await retry_remaining(incident, item, self.context)
        except Conflict:
            return  # another task woke the channel for it; it is checked once more
        now = self.context.clock()
        if refusal is not None:
            self.channel = self.channel.failed(str(refusal), _GIVEN_UP_FIX, now, partly=True, certain=True)
        expires_at = None if incident.status is Status.FIRING else self._expiry(now)
        due_at = _sooner(until, updated.owed_at)
        await self._keep(replace(updated, due_at=due_at, tries=0, expires_at=expires_at), item)

    def _expiry(self, now: float) -> float:
        """When the notification of an incident that ends now may be removed."""
        return now + self.context.config.retention.alerts_seconds

    async def _decided(self, incident: Incident, item: Notification) -> Decision:
        context, now = self.context, self.context.clock()
        rule = rule_for(self.to, incident, context.config.alerts)
        around = Circumstances(
            now=now,
            wait_seconds=context.config.alerting.wait_seconds,
            inhibited=await inhibited(incident, self.channel, context),
            room=rule is None or self.channel.room(rule.ceiling, now, incident.severity),
            wants_acknowledgements=context.channels[self.to].tracks,
        )
        return next_notice(incident, item, rule, around)

    async def _notify(self, incident: Incident, item: Notification, word: str, *, reminder: bool) -> None:
        maybe, repeated = bool(item.telling), item.telling == word
        try:
            item = await self._begun(item, word)
        except Conflict:
            return  # another task woke the channel for it; it is checked once more
        notice = notice_of(incident, item, word, reminder=reminder, context=self.context)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                thread, but = await hand_over(notice, self.to, self.context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the channel did not accept the notice
            self._failed(error)
            telling = item.telling if maybe or isinstance(error, (TimeoutError, Unanswered)) else ""
            self.refused[item.id] = replace(item, telling=telling, error=_reason(error)[:300])
            return
        now, over = self.context.clock(), word in ("resolved", "quiet")
        self._succeeded(now, but, counts=word == "firing")
        if item.held_since is not None:
            self.channel = digest.more(self.channel, now)  # it is no longer one of the other causes
        # An address that refuses a repeated notice may have taken it the first time, so it gets the end, too.
        missed = but.missed if but is not None and not repeated else ()
        updated = after_notice_of(item, incident, word, now=now, thread=thread, missed=missed)
        updated = replace(updated, expires_at=self._expiry(now) if over else None)
        updated = owing(updated, but.retry if but is not None else (), now)
        following = await self._decided(incident, updated)
        due_at = _sooner(following.until, updated.owed_at) if isinstance(following, Wait) else now
        await self._keep(replace(updated, due_at=due_at), item)

    async def _begun(self, item: Notification, word: str) -> Notification:
        """The notification, which now records the state that is about to be sent. Raises Conflict."""
        if item.telling == word:
            return item  # a repeated notice has the id of the first
        begun = replace(
            item,
            telling=word,
            telling_since=item.version + 1,
            uninformed=() if item.telling == TOLD_FIRING else item.uninformed,  # each address may have it
        )
        await self.context.store.apply(Replace(begun))
        return succeeding(begun)

    async def _send_digest(self) -> bool:
        """Sends the digest of the causes beyond the ceiling if it has changed."""
        if self.channel.digest_at is None or self.channel.digest_at > self.context.clock():
            return True
        maybe, news = self.channel.digest_telling, await digest.next_digest(self.channel, self.context)
        if isinstance(news, Channel):
            self.channel = news
            return True
        begun = replace(self.channel, digest_telling=True)
        try:
            await self.context.store.apply(Replace(begun))
        except Conflict:
            return True  # another task called: it is checked once more
        self.channel = succeeding(begun)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                self.channel = await digest.send_digest(news, self.channel, self.context)
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)
            telling = maybe or isinstance(error, (TimeoutError, Unanswered))
            self.channel = replace(self.channel, digest_telling=telling)
        else:
            self.sent += 1
        return True

    async def _keep(self, item: Notification, known: Notification) -> None:
        """Writes what the channel was sent, merged with what others did to the ``known`` record meanwhile."""
        for _ in range(CONFLICTS):
            writes = due(item, is_known=True)
            try:
                await self.context.store.apply(*writes)
            except Conflict:
                fresh = await self.context.store.get(Notification, item.id)
                if fresh is None:
                    return
                # Another task woke the channel for it, or notified it while this process was considered dead: it is
                # checked once more.
                item, known = replace(reconciled(item, known, fresh), due_at=self.context.clock()), fresh
                continue
            await self.context.enqueue_written(writes)
            return

    def _succeeded(self, now: float, but: PartlyNotified | None, *, counts: bool) -> None:
        self.sent += 1
        self.failed = False
        self.channel = after_notice(self.channel, but, now, counts=counts)
        self.context.meter.count("mailroom_notices", channel=_scheme(self.to), outcome="told")

    def _failed(self, error: Exception) -> None:
        self.failed = True
        fix = error.fix if isinstance(error, MailroomError) else ""
        certain = isinstance(error, Permanent)
        self.channel = self.channel.failed(_reason(error), fix, self.context.clock(), certain=certain)
        self.context.meter.count("mailroom_notices", channel=_scheme(self.to), outcome="failed")

    async def _put_back(self) -> None:
        """For a channel that accepts notices, but not these: each is retried less and less often, and then given up."""
        self.channel, self.failed = self.channel.taking(self.context.clock()), False
        for item in self.refused.values():
            tries = item.tries + 1
            pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1]
            due_at = None if tries >= GIVEN_UP else self.context.clock() + pause
            await self._keep(replace(item, tries=tries, due_at=due_at), item)
        self.refused.clear()

    async def _retry(self) -> float:
        """Holds the channel for this task until its next attempt, and alerts the others if it fails repeatedly."""
        assert self.channel.retry_at is not None
        for item in self.refused.values():
            # Later than others: one of them may be accepted where this one is not.
            await self._keep(replace(item, due_at=self.channel.retry_at + LAG_SECONDS), item)
        await self._release(held_until=self.channel.retry_at + HOLD_SECONDS)
        await self._alert_other_channels()
        return self.channel.retry_at

    async def _alert_other_channels(self) -> None:
        """Raises an alert each time that the channel begins to fail, but not for a single failure."""
        if self.channel.failing_since is None or self.channel.failures < FAILURES_TOLD:
            return
        alert = task_for(failing(self.channel, self.context.clock()), self.to, f"{self.channel.failing_since}")
        await self.context.store.apply(InsertIfAbsent(alert))
        await self.context.enqueue(alert.id)

    async def _retries_soon(self) -> bool:
        """Whether a notice is about to be retried, which shows more than a probe."""
        query = Query(by="due", key=self.to, until=self.context.clock() + 2 * LAG_SECONDS, limit=1)
        return bool((await self.context.store.find(Notification, query)).records)

    async def _probe(self) -> None:
        """Checks, if the channel supports it, whether a notice would be accepted and reach somebody."""
        partly, fix = False, ""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                faults = await self.context.channels[self.to].probe()
        except PartlyNotified as error:
            faults, fix, partly = [str(error)], error.fix, True
        except Exception as error:  # noqa: BLE001 - as above
            faults = [_reason(error)]
        now = self.context.clock()
        if faults:
            reason = "; ".join(faults)
            self.channel = self.channel.failed(reason, fix, now, partly=partly, by_probe=True, certain=True)
        elif faults is not None:
            self.channel = self.channel.probed(now)

    async def _release(self, held_until: float | None = None) -> bool:
        """Writes the channel's record; False if another task called meanwhile, so that more may be due."""
        holder = "" if held_until is None else self.task.id
        for _ in range(CONFLICTS):
            after = replace(self.channel, holder=holder, held_until=held_until or 0.0)
            writes: list[Write] = [Replace(after)]
            if held_until is None and after.retry_at is not None and after.retry_at > self.context.clock():
                # It accepts notices, so they do not wait for its next probe.
                writes.append(InsertIfAbsent(wake(self.to, after.retry_at, "failing")))
            if after.digest_at is not None:
                writes.append(InsertIfAbsent(wake(self.to, after.digest_at, "digest", after.version)))
            try:
                await self.context.store.apply(*writes)
            except Conflict:
                fresh = await self.context.store.get(Channel, self.to)
                if fresh is None or fresh.holder != self.task.id:
                    return True  # it took so long that another task has taken over
                self.channel = replace(self.channel, calls=fresh.calls, version=fresh.version)
                if held_until is None:
                    return False
                continue
            await self.context.enqueue_written(writes)
            return True
        return False


async def inhibited(incident: Incident, through: Channel, context: Context) -> bool:
    """Whether the incident follows from another one that people know of, or is fixed and only not checked yet."""
    if incident.kind in ("document.overdue", "source.expiring") and incident.cause == Step.RECEIVED:
        return bool((await read_pause(SUBMISSION, context)).until)
    if incident.kind == "channel.failing":
        recovers = through.well_since is not None and 0 <= context.clock() - through.well_since < RECOVERING_SECONDS
        channel = await context.store.get(Channel, incident.cause)
        return recovers or channel is None or channel.failing_since is None
    return False


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it took longer than {SEND_SECONDS:.0f} seconds"
    return str(error) or type(error).__name__


def _sooner(at: float | None, other: float | None) -> float | None:
    return min((moment for moment in (at, other) if moment is not None), default=None)


def _scheme(to: str) -> str:
    return to.partition(":")[0]


NOTIFY = TaskHandler(run=notify)
