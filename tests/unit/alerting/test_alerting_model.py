"""Whatever happens in whatever order, the last thing that each channel was told is the truth.

Hypothesis makes up the histories: documents that fail of a few causes and are mended in several ways, pauses of
submission, channels that are down, processes that die at any write or while they tell, clocks that jump both ways,
people who acknowledge and silence. In the end everything works again and time passes; then each channel must have been
told what is so, and of no end whose beginning it never heard.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from receiver.alerting.alert import wake
from receiver.alerting.incidents import acknowledge, silence
from receiver.alerting.send_test import send_test
from receiver.core.change import InsertIfAbsent, Query, Replace, Write
from receiver.core.channel import Channel
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict, DestinationBusy, OutOfCredits, Unroutable
from receiver.core.fingerprint import cause_of
from receiver.core.ids import short_hash
from receiver.core.incident import Incident, Status
from receiver.core.job import JobStatus
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.notification import Notification
from receiver.core.task import Task, TaskState, submission_of
from receiver.operations.failed_documents import dismiss, resubmit
from receiver.operations.heartbeat import failing_channels
from receiver.operations.manual_routing import RoutingDecision as Decision
from receiver.operations.manual_routing import route_by_hand
from receiver.operations.sweep import sweep
from receiver.pipeline.process import process
from receiver.ports import Clock
from receiver.store.memory import MemoryStore
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel

QUICK = settings(
    max_examples=25, stateful_step_count=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes: add Phase.shrink to look into one
)  # fmt: skip
AT_LENGTH = settings(QUICK, max_examples=60, stateful_step_count=40)
PAGER, CHAT, SMALL = "https://pager.example.com", "https://chat.example.com", "https://small.example.com"
CHANNELS = ("log", PAGER, CHAT, SMALL)
ROUTES = (
    TABLE.replace("wait: 0 seconds", "wait: 10 seconds")
    + f"""\
  - {{on: ["*"], to: "{PAGER}", repeat: 1 hour, at_most: 1 per 1 minute}}
  - {{on: ["*"], to: "{CHAT}", repeat: never}}
  - {{on: ["*"], to: "{SMALL}", ceiling: 1 per 10 minutes}}
"""
)
TEXTS = ("The PDF is encrypted", "Page {n} of 'scan {n}.pdf' has no text layer", "The dog ate page {n}", "damaged")
ROUNDS, STEP_SECONDS = 30, 200.0
"""Of the rest at the end: longer than any pause, lease, repeat or hysteresis, and than the clock was ever set back."""
BACK_SECONDS = 3600
"""The clock is never set back by more in all."""


class DiesError(BaseException):
    """The process ends here."""


class FragileStore(MemoryStore):
    """Ends the process at a write: before it is done, or after."""

    dies_in = 0
    after = False
    channels: dict[str, "FragileChannel"]

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.wrongly_well: list[str] = []
        """Channels that were called well while a probe would find the fault that one found."""

    async def apply(self, *writes: Write) -> None:
        for write in writes:
            if isinstance(write, Replace) and isinstance(write.record, Channel):
                await self.hold_to_what_a_probe_found(write.record)
        self.dies_in -= 1
        if self.dies_in == 0 and not self.after:
            raise DiesError
        await super().apply(*writes)
        if self.dies_in == 0:
            raise DiesError

    async def hold_to_what_a_probe_found(self, after: Channel) -> None:
        before = await self.get(Channel, after.id)
        if before is not None and before.found_by_probe and self.channels[after.id].reaches_nobody:
            self.wrongly_well += [after.id] if after.failing_since is None else []


@dataclass
class FragileChannel(InMemoryChannel):
    """Ends the process while it is told: before it has heard, or after."""

    dies: str = ""
    can_be_asked: bool = True
    interrupted: set[str] = field(default_factory=set)
    """Of which incidents it was about to be told when the process died."""

    async def probe(self) -> list[str] | None:
        return await super().probe() or [] if self.can_be_asked else None

    @property
    def reaches_nobody(self) -> bool:
        """Whether it takes notices, and its probe says that nobody hears them."""
        return self.can_be_asked and self.broken is None and bool(self.faults)

    async def notify(self, notice: Notice) -> str:
        dies, self.dies = self.dies, ""
        if dies == "before":
            self.interrupted.add(notice.key)
            raise DiesError
        thread = await super().notify(notice)
        if dies == "after":
            raise DiesError
        return thread


class Alerting(RuleBasedStateMachine):
    """A mailroom with four channels, and what a person would say is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.app = InMemoryApp(Path(self.folder.name), ROUTES)
        self.store = FragileStore(clock=lambda: self.app.now)
        self.app.store = self.store
        self.channels = {to: FragileChannel(tracks=to == PAGER, can_be_asked=to in ("log", PAGER)) for to in CHANNELS}
        self.store.channels = self.channels
        self.app.context = replace(self.app.context, store=self.store, channels=self.channels)
        self.wrong: dict[str, str] = {}
        """Document -> the fingerprint of what is wrong with it."""
        self.number = 0
        self.set_back = 0
        """Seconds, of all times together."""

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Does it, as far as the process lives."""
        try:
            return asyncio.run(doing)
        except DiesError:
            return None
        finally:
            self.store.dies_in = 0

    def sound(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Does it in a process that lives."""
        dies, self.store.dies_in = self.store.dies_in, 0
        try:
            return asyncio.run(doing)
        finally:
            self.store.dies_in = dies

    # --- what goes wrong, and right

    @initialize()
    def begins(self) -> None:
        self.sound(self.works())

    @precondition(lambda self: self.app.cloud.broken is None)
    @rule(text=st.sampled_from(TEXTS), times=st.integers(1, 3))
    def documents_fail(self, text: str, times: int) -> None:
        for _ in range(times):
            self.number += 1
            error = text.format(n=self.number)
            if document_id := self.sound(self.fails(f"{self.number}.pdf", error)):
                self.wrong[document_id] = short_hash("job.failed", cause_of(error, f"{self.number}.pdf"))

    async def fails(self, name: str, error: str) -> str:
        taken = (await self.app.ingest(name=name, content=name.encode())).document
        await self.app.do(submission_of(taken, now=self.app.now).id)
        document = await self.app.document(taken.id)
        if not document.job_id:
            return ""  # submission is paused still
        self.app.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
        await self.app.event(document.job_id, "classify.error")
        (task,) = [item for item in await self.app.tasks("react") if item.subject == document.job_id]
        await self.app.do(task.id)  # its alert is promised by that, and told by whoever works next
        for delivery in await self.app.tasks("deliver"):
            if delivery.subject == document.id:
                await self.app.do(delivery.id)
        return document.id

    @precondition(lambda self: self.wrong and self.app.cloud.broken is None)
    @rule(data=st.data(), how=st.sampled_from(["route", "dismiss", "resubmit"]), all_alike=st.booleans())
    def a_person_mends(self, data: st.DataObject, how: str, all_alike: bool) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.wrong)))
        alike = [item for item, key in self.wrong.items() if key == self.wrong[chosen]] if all_alike else [chosen]
        for document_id in alike:
            self.sound(self.mended(document_id, how))
            del self.wrong[document_id]

    async def mended(self, document_id: str, how: str) -> None:
        if how == "route":
            await route_by_hand(document_id, Decision(to="contract"), self.app.context)
        elif how == "dismiss":
            await dismiss(document_id, "nobody needs it", self.app.context, who="ann")
        else:
            await resubmit(document_id, self.app.context, who="ann")
            again = await self.app.tasks("submit")
            (submission,) = [item for item in again if item.subject == document_id and item.state is TaskState.READY]
            await self.app.do(submission.id)
            document = await self.app.document(document_id)
            if document.job_id:  # else submission is paused still, and it is submitted in the end
                await self.classified(document)

    async def classified(self, document: Document) -> None:
        self.app.cloud.classified(document.job_id, "contract")
        with contextlib.suppress(Conflict):  # it has come before, and is not reacted to yet
            await self.app.event(document.job_id)

    @precondition(lambda self: self.app.cloud.broken is None)
    @rule()
    def credits_run_out(self) -> None:
        self.number += 1
        self.app.cloud.broken = OutOfCredits("402: no credits left")
        self.sound(self.app.ingest(name=f"{self.number}.pdf", content=b"%d" % self.number))
        self.run(self.works())

    @precondition(lambda self: self.app.cloud.broken is not None)
    @rule()
    def credits_are_bought(self) -> None:
        self.app.cloud.broken = None

    @rule(to=st.sampled_from(CHANNELS), forever=st.booleans())
    def a_channel_breaks(self, to: str, forever: bool) -> None:
        self.channels[to].broken = Unroutable("410 Gone") if forever else DestinationBusy("503")

    @precondition(lambda self: self.app.cloud.broken is None)
    @rule(to=st.sampled_from(CHANNELS), text=st.sampled_from(TEXTS))
    def a_probe_finds_that_nobody_hears_a_channel(self, to: str, text: str) -> None:
        """It takes what it is told next, which mends nothing."""
        self.channels[to].faults = ["no subscription"]
        self.run(self.probed(to))
        self.documents_fail(text, 1)
        self.app.later(11)
        self.run(self.works())

    async def probed(self, to: str) -> None:
        self.number += 1
        await self.store.apply(InsertIfAbsent(wake(to, self.app.now, "probe", self.number, probe="true")))
        await self.works()

    @rule(to=st.sampled_from(CHANNELS))
    def a_channel_is_mended(self, to: str) -> None:
        self.channels[to].broken = self.channels[to].faults = None

    # --- who works, dies, and says something

    @rule(tasks=st.integers(1, 5))
    def a_worker_does_some(self, tasks: int) -> None:
        self.run(self.does(tasks))

    @rule()
    def workers_do_all(self) -> None:
        self.run(self.works())

    async def does(self, tasks: int) -> None:
        for task in await self.claimed(tasks):
            await process(task, self.app.context)

    async def works(self) -> None:
        for _ in range(200):
            claimed = await self.claimed(50)
            if not claimed:
                return
            for task in claimed:
                await process(task, self.app.context)
        raise AssertionError("there is always something due")

    async def claimed(self, limit: int) -> Sequence[Task]:
        return await self.store.claim(owner="in-memory", now=self.app.now, lease_seconds=60, limit=limit)

    @rule()
    def the_sweep_passes(self) -> None:
        self.run(sweep(self.app.context))

    @rule(writes=st.integers(1, 6), after=st.booleans())
    def the_next_to_work_dies_at_a_write(self, writes: int, after: bool) -> None:
        self.store.dies_in, self.store.after = writes, after

    @rule(to=st.sampled_from(CHANNELS), when=st.sampled_from(["before", "after"]))
    def the_next_to_tell_dies(self, to: str, when: str) -> None:
        self.channels[to].dies = when

    @rule(seconds=st.sampled_from([1, 9, 30, 61, 130, 700, 3700]))
    def time_passes(self, seconds: int) -> None:
        self.app.later(seconds)

    @precondition(lambda self: self.set_back < BACK_SECONDS)
    @rule(seconds=st.integers(1, BACK_SECONDS))
    def the_clock_is_set_back(self, seconds: int) -> None:
        seconds = min(seconds, BACK_SECONDS - self.set_back)
        self.set_back += seconds
        self.app.later(-seconds)

    @rule(data=st.data())
    def a_person_acknowledges(self, data: st.DataObject) -> None:
        if standing := self.standing():
            key = data.draw(st.sampled_from(sorted(item.id for item in standing)))
            self.sound(acknowledge(key, self.app.context, who="ann"))

    @rule(data=st.data(), seconds=st.sampled_from([0, 60, 1800]))
    def a_person_silences(self, data: st.DataObject, seconds: int) -> None:
        if incidents := self.sound(self.app.incidents()):
            key = data.draw(st.sampled_from(sorted(item.id for item in incidents)))
            self.sound(silence(key, seconds, "being mended", self.app.context, who="ann"))

    def standing(self) -> list[Incident]:
        return [item for item in self.sound(self.app.incidents()) if item.status is Status.FIRING]

    # --- the end

    def teardown(self) -> None:
        try:
            self.app.cloud.broken = None
            for channel in self.channels.values():
                channel.broken, channel.faults, channel.dies = None, None, ""
            self.sound(self.rests())
            self.sound(self.tries_out())  # what nobody can ask must be told something
            self.sound(self.rests())
            self.hold()
        finally:
            self.folder.cleanup()

    async def rests(self) -> None:
        for _ in range(ROUNDS):
            for document in await self.app.all_documents():
                if document.state is DocumentState.OPEN and document.job_id:
                    await self.classified(document)
            await self.app.workers_die()
            self.app.later(STEP_SECONDS)
            await sweep(self.app.context)
            await self.works()

    async def tries_out(self) -> None:
        for channel in await failing_channels(self.app.context):
            assert not self.channels[channel.id].can_be_asked
            assert await send_test(channel.id, self.app.context, who="ann") is None

    def hold(self) -> None:
        assert self.store.wrongly_well == []
        incidents = {item.id: item for item in self.sound(self.app.incidents())}
        failures = {
            item.id for item in incidents.values() if item.kind == "job.failed" and item.status is Status.FIRING
        }
        assert failures == set(self.wrong.values()), "an incident stands as long as a document of it does"
        others = [item for item in incidents.values() if item.kind != "job.failed" and item.status is Status.FIRING]
        assert [f"{item.kind} {item.cause}" for item in others] == [], "conditions are looked for, and were found gone"
        for to, channel in self.channels.items():
            told = [
                notice for notice, _ in channel.told if notice.status not in (NoticeStatus.DIGEST, NoticeStatus.TEST)
            ]
            for key, incident in incidents.items():
                self.hold_for(to, incident, [notice for notice in told if notice.key == key])
            self.hold_together(to, [notice for notice, _ in channel.told if notice.status is NoticeStatus.DIGEST])

    def hold_for(self, to: str, incident: Incident, told: list[Notice]) -> None:
        """What this channel was told of this incident, and of those of its fingerprint before."""
        words = [(item.number, str(item.status)) for item in _once(told)]
        said = f"{to} of {incident.kind} {incident.id} ({incident.status}, no. {incident.number}): {words}"
        heard = False
        for notice in told:
            ends = notice.status in (NoticeStatus.RESOLVED, NoticeStatus.QUIET)
            assert heard or not ends or incident.id in self.channels[to].interrupted, (
                f"the end of what it never heard of: {said}"
            )
            heard = not ends or (heard and notice.id == told[-1].id)
        held = self.held(to, incident)
        if incident.status is Status.FIRING:
            silent = incident.silenced_until is not None and incident.silenced_until > self.app.now
            assert held or silent or (told and told[-1].status in (NoticeStatus.FIRING, NoticeStatus.ACKNOWLEDGED)), (
                said
            )
            assert not told or held or silent or told[-1].number == incident.number, said
        elif told:
            assert str(told[-1].status) == str(incident.status), said
        assert not held or incident.status is Status.FIRING, said

    def held(self, to: str, incident: Incident) -> bool:
        known = self.sound(self.store.get(Notification, f"{incident.id}>{to}"))
        return known is not None and known.held_since is not None

    def hold_together(self, to: str, digests: list[Notice]) -> None:
        held = len(self.sound(self.store.find(Notification, Query(by="held", key=to, limit=100))).records)
        assert held == (digests[-1].count if digests else 0), f"{to}: {held} are held, told {digests[-1:]}"


def _once(told: list[Notice]) -> list[Notice]:
    """Without those that came twice because a process died: they have one id."""
    return list({notice.id: notice for notice in told}.values())


def test_the_last_word_on_each_channel_is_the_truth() -> None:
    run_state_machine_as_test(Alerting, settings=QUICK)


@pytest.mark.slow
def test_the_last_word_is_the_truth_at_length() -> None:
    run_state_machine_as_test(Alerting, settings=AT_LENGTH)
