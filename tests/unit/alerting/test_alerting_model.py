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
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from receiver.alerting.alert import wake
from receiver.alerting.incidents import acknowledge, silence
from receiver.alerting.send_test import send_test
from receiver.core.alert import Severity
from receiver.core.change import InsertIfAbsent, Query, Replace
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict, DestinationBusy, OutOfCredits, Unroutable
from receiver.core.fingerprint import cause_of
from receiver.core.ids import short_hash
from receiver.core.incident import Incident, Status
from receiver.core.job import JobStatus
from receiver.core.notice import Notice, NoticeStatus
from receiver.core.notification import Notification
from receiver.core.task import NOTICES, Task, TaskState, submission_of
from receiver.operations.failed_documents import dismiss, resubmit
from receiver.operations.heartbeat import failing_channels
from receiver.operations.manual_routing import RoutingDecision as Decision
from receiver.operations.manual_routing import route_by_hand
from receiver.operations.sweep import sweep
from receiver.pipeline.process import process
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.alerting.fragile import (
    REFUSALS_KNOWN,
    DiesError,
    FragileChannel,
    FragileMail,
    FragileStore,
    told_of_incidents,
)

QUICK = settings(
    max_examples=25, stateful_step_count=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes: add Phase.shrink to look into one
)  # fmt: skip
ENDS = (NoticeStatus.RESOLVED, NoticeStatus.QUIET)
AT_LENGTH = settings(QUICK, max_examples=40, stateful_step_count=40)
PAGER, CHAT, SMALL = "https://pager.example.com", "https://chat.example.com", "https://small.example.com"
BOSS, NIGHT, WORST = "https://boss.example.com", "https://night.example.com", "https://worst.example.com"
MAIL = "https://mail.example.com"
"""It is told address by address."""
CHANNELS = ("log", PAGER, CHAT, SMALL, BOSS, NIGHT, WORST, MAIL)
OPTIONAL = (CHAT, SMALL, NIGHT, WORST, MAIL)
"""Channels that are taken out of mailroom.yaml and put back."""
QUIET = "08:30-10:00"
ROUTES = (
    TABLE.replace(
        "alerting: {wait: 0 seconds}",
        """\
alerting:
  wait: 10 seconds
  severities: [{on: job.failed, when: more than 3 in 10 minutes, severity: critical}]
""",
    )
    + f"""\
  - {{on: ["*"], to: "{PAGER}", repeat: 1 hour, at_most: 1 per 1 minute, escalate: {{to: "{BOSS}", after: 5 minutes}}}}
  - {{on: ["*"], to: "{CHAT}", repeat: never}}
  - {{on: ["*"], to: "{SMALL}", ceiling: 1 per 10 minutes}}
  - {{on: ["*"], to: "{NIGHT}", quiet_hours: "{QUIET}"}}
  - {{on: ["*"], to: "{MAIL}", ceiling: 3 per 10 minutes}}
  - {{on: ["*"], to: "{WORST}", min_severity: critical}}
"""
)
TEXTS = ("The PDF is encrypted", "Page {n} of 'scan {n}.pdf' has no text layer", "The dog ate page {n}", "damaged")
ROUNDS, STEP_SECONDS = 14, 500.0
"""Of the rest at the end: longer than any pause, lease, repeat or hysteresis, and than the clock was ever set back."""
BACK_SECONDS = 3600
"""The clock is never set back by more in all."""
STEPS = ("work", "sweep", "take_over", "mend", "fail", "pass_time", "set_back_the_clock")
MENDED = ["mend", "work", "sweep", "work"]
OTHERS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=4) | st.sampled_from(
    [MENDED, ["take_over", *MENDED], ["pass_time", *MENDED], ["pass_time", *MENDED, "fail", "work"]]
)


class Alerting(RuleBasedStateMachine):
    """A mailroom with four channels, and what a person would say is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.app = InMemoryApp(Path(self.folder.name), ROUTES)
        self.store = FragileStore(clock=lambda: self.app.now)
        self.app.store = self.store
        self.channels = {to: self._channel(to) for to in CHANNELS}
        self.store.channels = self.channels
        self.app.context = replace(self.app.context, store=self.store, channels=dict(self.channels))
        self.config = self.app.context.config
        self.wrong: dict[str, str] = {}
        """Document -> the fingerprint of what is wrong with it."""
        self.number = 0
        self.taken_over = False
        """Whether a process that lives counted as dead since this was last asked."""
        self.set_back = 0
        """Seconds, of all times together."""

    def _channel(self, to: str) -> FragileChannel:
        kind = FragileMail if to == MAIL else FragileChannel
        return kind(store=self.store, tracks=to == PAGER, can_be_asked=to in ("log", PAGER))

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Does it, as far as the process lives."""
        try:
            return asyncio.run(doing)
        except DiesError:
            self.store.process_died()
            return None
        finally:
            self.store.dies_in = self.store.others_in = 0

    def sound(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Does it in a process that lives and is alone."""
        left = self.store.dies_in, self.store.others_in
        self.store.dies_in = self.store.others_in = 0
        try:
            return asyncio.run(doing)
        finally:
            self.store.dies_in, self.store.others_in = left

    # --- what goes wrong, and right

    @initialize()
    def begins(self) -> None:
        self.sound(self.works())

    @precondition(lambda self: self.app.cloud.broken is None)
    @rule(text=st.sampled_from(TEXTS), times=st.integers(1, 3))
    def documents_fail(self, text: str, times: int) -> None:
        for _ in range(times):
            self.number += 1
            self.sound(self.failed(text))

    async def failed(self, text: str) -> None:
        name, error = f"{self.number}.pdf", text.format(n=self.number)
        if document_id := await self.fails(name, error):
            self.wrong[document_id] = short_hash("job.failed", cause_of(error, name))

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
        self.run(self.works())
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

    async def works(self, owner: str = "in-memory") -> None:
        for _ in range(200):
            claimed = await self.claimed(50, owner)
            if not claimed:
                return
            for task in claimed:
                await process(task, self.app.context)
        raise AssertionError("there is always something due")

    async def claimed(self, limit: int, owner: str = "in-memory") -> Sequence[Task]:
        return await self.store.claim(owner=owner, now=self.app.now, lease_seconds=60, limit=limit)

    @rule()
    def the_sweep_passes(self) -> None:
        self.run(sweep(self.app.context))

    @rule(writes=st.integers(1, 6), after=st.booleans())
    def the_next_to_work_dies_at_a_write(self, writes: int, after: bool) -> None:
        self.store.dies_in, self.store.after = writes, after

    @rule(to=st.sampled_from(CHANNELS), when=st.sampled_from(["before", "after"]))
    def the_next_to_tell_dies(self, to: str, when: str) -> None:
        self.channels[to].dies = when

    @rule(to=st.sampled_from(CHANNELS), when=st.sampled_from(["before", "after"]))
    def the_next_answer_is_lost(self, to: str, when: str) -> None:
        self.channels[to].unanswered = when

    @rule(address=st.sampled_from(["ann@example.com", "bob@example.com"]))
    def a_mailbox_is_full(self, address: str) -> None:
        self.mail.full.add(address)

    @rule()
    def mailboxes_are_emptied(self) -> None:
        self.mail.full.clear()

    @property
    def mail(self) -> FragileMail:
        mail = self.channels[MAIL]
        assert isinstance(mail, FragileMail)
        return mail

    @rule(accesses=st.integers(1, 60), steps=OTHERS)
    def others_work_in_between(self, accesses: int, steps: list[str]) -> None:
        self.store.others_in, self.store.others = accesses, partial(self.others_do, steps)

    @precondition(lambda self: self.app.cloud.broken is None)
    @rule(
        to=st.sampled_from(CHANNELS),
        when=st.sampled_from(["before", "after"]),
        steps=OTHERS,
        text=st.sampled_from(TEXTS),
    )
    def others_work_while_a_channel_is_told(self, to: str, when: str, steps: list[str], text: str) -> None:
        channel = self.channels[to]
        channel.others, overtaken, self.taken_over = (when, partial(self.others_do, steps)), channel.overtaken, False
        self.documents_fail(text, 1)
        self.run(self.works())  # its incident is opened, and is told after the wait
        self.app.later(11)
        self.run(self.works())
        channel.others = None  # it had nothing to hear
        assert self.taken_over or channel.overtaken == overtaken, "one process at a time tells a channel"

    async def others_do(self, steps: list[str]) -> None:
        """What other processes, people and clocks do while one process is in the middle of something."""
        for step in steps:
            try:
                await getattr(self, f"others_{step}")()
            except DiesError:
                self.store.process_died()

    async def others_work(self) -> None:
        await self.works("other")

    async def others_sweep(self) -> None:
        await sweep(self.app.context)

    async def others_take_over(self) -> None:
        """The process in the middle is frozen for so long that it counts as dead, and then goes on."""
        self.taken_over = True
        await self.app.workers_die()

    async def others_fail(self) -> None:
        if self.app.cloud.broken is None:
            self.number += 1
            await self.failed(TEXTS[self.number % len(TEXTS)])

    async def others_mend(self) -> None:
        for document_id in sorted(self.wrong):
            await self.mended(document_id, "route")
        self.wrong.clear()

    async def others_pass_time(self) -> None:
        self.app.later(400)

    async def others_set_back_the_clock(self) -> None:
        self.set_back_by(400)

    @rule(data=st.data())
    def a_person_replays_a_notice(self, data: st.DataObject) -> None:
        tasks = [item for kind in NOTICES for item in self.sound(self.app.tasks(kind))]
        if over := sorted(item.id for item in tasks if item.state in (TaskState.DONE, TaskState.PARKED)):
            self.sound(self.replayed(data.draw(st.sampled_from(over))))

    async def replayed(self, task_id: str) -> None:
        task = await self.store.get(Task, task_id)
        assert task is not None
        await self.store.apply(Replace(task.replay(now=self.app.now)))

    @rule(to=st.sampled_from(CHANNELS))
    def a_person_tests_a_channel(self, to: str) -> None:
        if to in self.app.context.channels:
            self.run(send_test(to, self.app.context, who="ann"))

    @rule(out=st.sets(st.sampled_from(OPTIONAL)))
    def mailroom_yaml_is_changed(self, out: set[str]) -> None:
        """It stays so for a pass of the sweep at least."""
        self.configure(out)
        self.sound(sweep(self.app.context))

    def configure(self, out: set[str]) -> None:
        config = replace(self.config, alerts=tuple(rule for rule in self.config.alerts if rule.to not in out))
        channels = {to: channel for to, channel in self.channels.items() if to not in out}
        self.app.context = replace(self.app.context, config=config, channels=channels)

    @rule(seconds=st.sampled_from([1, 9, 30, 61, 130, 700, 3700]))
    def time_passes(self, seconds: int) -> None:
        self.app.later(seconds)

    @precondition(lambda self: self.set_back < BACK_SECONDS)
    @rule(seconds=st.integers(1, BACK_SECONDS))
    def the_clock_is_set_back(self, seconds: int) -> None:
        self.set_back_by(seconds)

    def set_back_by(self, seconds: int) -> None:
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
            self.configure(set())
            for channel in self.channels.values():
                channel.works_again()
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
            assert channel.refused or not self.channels[channel.id].can_be_asked
            assert await send_test(channel.id, self.app.context, who="ann") is None

    def hold(self) -> None:
        assert self.store.wrongly_well == []
        incidents = {item.id: item for item in self.sound(self.app.incidents())}
        failures = {
            item.id for item in incidents.values() if item.kind == "job.failed" and item.status is Status.FIRING
        }
        assert failures == set(self.wrong.values()), "an incident stands as long as a document of it does"
        # The model's results come without events, so that webhooks are missing is true to its end.
        lasting = ("job.failed", "webhooks.missing")
        others = [item for item in incidents.values() if item.kind not in lasting and item.status is Status.FIRING]
        assert [f"{item.kind} {item.cause}" for item in others] == [], "conditions are looked for, and were found gone"
        for to, channel in self.channels.items():
            told = told_of_incidents(channel.told)
            for key, incident in incidents.items():
                self.hold_for(to, incident, [(place, notice) for place, notice in told if notice.key == key])
            self.hold_together(to, [notice for notice, _ in channel.told if notice.status is NoticeStatus.DIGEST])
        for incident in incidents.values():
            self.hold_for_addresses(incident)

    def hold_for(self, to: str, incident: Incident, heard: list[tuple[int, Notice]]) -> None:
        """What this channel was told of this incident, and of those of its fingerprint before."""
        told = [notice for _, notice in heard]
        words = [(item.number, str(item.status)) for item in _once(told)]
        said = f"{to} of {incident.kind} {incident.id} ({incident.status}, no. {incident.number}): {words}"
        self.hold_to_beginnings(self.channels[to], incident.id, heard, said)
        held = self.held(to, incident)
        assert not held or incident.status is Status.FIRING, said
        if incident.status is not Status.FIRING:
            assert not told or str(told[-1].status) == str(incident.status), said
        elif not held and self.wanted(to, incident):
            assert told and told[-1].number == incident.number, said
            assert told[-1].status in (NoticeStatus.FIRING, NoticeStatus.ACKNOWLEDGED), said
            assert told[-1].severity is incident.severity, said
            if to == PAGER and incident.acknowledged_at is not None:
                assert told[-1].status is NoticeStatus.ACKNOWLEDGED, said

    def hold_to_beginnings(self, channel: FragileChannel, key: str, heard: list[tuple[int, Notice]], said: str) -> None:
        """Nobody hears the end of what it never heard of, unless a process died while it told the channel, or no
        answer came: then the channel may stand at what it was about to hear, and an end too much is the lesser evil.
        """
        stands, ended, ids = False, 0, set[str]()
        for place, notice in heard:
            if notice.id in ids:
                continue  # it is repeated because nobody knew whether it was heard: a reader may drop it
            ids.add(notice.id)
            if notice.status in (NoticeStatus.RESOLVED, NoticeStatus.QUIET):
                maybe = any(about == key and ended <= at <= place for at, about in channel.maybe)
                assert stands or maybe, f"the end of what it never heard of: {said}"
                stands, ended = False, place
            else:
                stands = True

    def wanted(self, to: str, incident: Incident) -> bool:
        """Whether this channel must have heard of it by now."""
        now = self.app.now
        if incident.silenced_until is not None and incident.silenced_until > now:
            return False
        if to == BOSS and incident.acknowledged_at is not None:
            return False
        if to == WORST and incident.severity is not Severity.CRITICAL:
            return False
        hours = datetime.fromtimestamp(now, UTC).strftime("%H:%M")
        begin, _, end = QUIET.partition("-")
        return to != NIGHT or incident.severity is Severity.CRITICAL or not begin <= hours < end

    def hold_for_addresses(self, incident: Incident) -> None:
        """Each address that was not given up got last what the channel got last, or the end of a later incident of the
        fingerprint. None stays at a beginning when the incident is over, and none gets the end of one of which it got
        nothing.
        """
        told = [notice for _, notice in told_of_incidents(self.mail.told) if notice.key == incident.id]
        for address, notices in self.mail.heard.items():
            words = [(item.number, str(item.status)) for item in notices if item.key == incident.id]
            said = f"{address} of {incident.id} ({incident.status}, no. {incident.number}): {words}"
            if not any(about == incident.id for _, about in self.mail.maybe):
                self.hold_ends_to_beginnings(address, [item for item in _once(notices) if item.key == incident.id])
            if not told or self.mail.missed.get((address, incident.id), 0) >= REFUSALS_KNOWN:
                continue
            last = (told[-1].number, str(told[-1].status))
            if told[-1].status not in ENDS:
                assert words[-1:] == [last], said
            elif words and incident.status is not Status.FIRING:
                assert words[-1][1] in ENDS, said
                if told[-1].number in [number for number, word in words if word not in ENDS]:
                    assert words[-1] in (last, (incident.number, str(incident.status))), said

    def hold_ends_to_beginnings(self, address: str, notices: list[Notice]) -> None:
        """An address may get the end of the second incident of a fingerprint when it still stands at the first one's
        beginning, as a channel may.
        """
        stands = False
        for notice in notices:
            ends = notice.status in ENDS
            assert stands or not ends, f"{address}: an end without a beginning: {notices}"
            stands = not ends

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
