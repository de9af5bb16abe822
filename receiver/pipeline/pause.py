"""Pauses: while LlamaCloud refuses us, or a person pauses something, tasks wait and nothing is lost.

        refused                       its time is over                  accepted
  OPEN ---------> CLOSED (15 s …) -------------------> one task tests ------------> OPEN
                     ^                                       | refused
                     +---------- for twice as long ----------+

There is one gate for submissions, one for results, and one for each place of delivery: each is a flag in the store that
holds for all workers. A refusal for a reason other than the document closes the gate and raises one alert. A waiting
task does not count an attempt, and its document says why it waits. A task that is refused at an open gate has used an
attempt: a document that is refused again and again while others are accepted ends in review.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from receiver.alerting.alert import task_for
from receiver.core.alert import Alert
from receiver.core.change import Insert, InsertIfAbsent, Replace, Write
from receiver.core.document import DocumentState
from receiver.core.errors import CloudRefused, Conflict, Malformed, SettingsRefused
from receiver.core.flag import Flag
from receiver.core.ids import place
from receiver.core.problem import near
from receiver.core.retry import GiveUp, RetryAt
from receiver.core.task import Task
from receiver.pipeline.context import Context, Run, StepResult, document_of

SUBMISSION, RESULTS = "submission", "results"
FLAG = "paused:"
"""Prefix of the ids of pauses' flags."""
FOR_EVER = math.inf
LONGEST = 900.0
"""Maximum seconds of a pause after a refusal."""
LOOK_AGAIN = 60.0
"""Seconds after which a paused task checks again."""
LOOKING = 60.0
"""Seconds that one task has for its test; then the next one is let through."""
LOOKED_AT = 5.0
"""Seconds after which other tasks check again while one tests whether the pause is over."""
LATELY = 600.0
"""Seconds after LlamaCloud accepted another task in which a refusal may be about the document. A time that far in the
future was written by a wrong clock, and does not count."""
GATES: Mapping[str, str] = {"submit": SUBMISSION, "react": RESULTS, "recheck": RESULTS}
"""Kind of task -> its gate, for tasks that call LlamaCloud."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pause. ``until`` 0 means open; a pause that a person set has no ``seconds``."""

    until: float = 0.0
    seconds: float = 0.0
    """The length that the last refusal gave it; the next refusal gives a longer one."""
    reason: str = ""
    since: float = 0.0
    """The time of the first refusal."""
    looks: str = ""
    """The task that may test whether it is over."""
    at: float = 0.0
    """The time of this record."""
    by: str = ""
    """Who paused it; "" for a refusal."""
    version: int | None = None
    """The version of its record; None if there is none."""

    def holds(self, who: str, now: float) -> bool:
        """Whether ``who`` must wait. The maximum length of a pause also bounds the effect of a clock that jumped."""
        if self.looks and self.looks == who:
            return False
        return now < self.until and (not self.seconds or self.until <= now + LONGEST)


async def read_pause(what: str, context: Context) -> Pause:
    """The pause of ``what``: SUBMISSION, RESULTS, or a destination's place."""
    flag = await context.store.get(Flag, FLAG + what)
    if flag is None:
        return Pause()
    if flag.value.startswith("{"):
        pause = msgspec.json.decode(flag.value, type=Pause)
    else:  # a person's: JSON has no infinity
        until, _, by = flag.value.partition(" ")
        pause = Pause(until=float(until), by=by)
    return msgspec.structs.replace(pause, at=flag.at, version=flag.version)


def kept(what: str, pause: Pause, *, now: float) -> Write:
    """The write that stores this pause in place of the one that was read."""
    plain = not pause.seconds
    stored = msgspec.structs.replace(pause, at=0.0, version=None)
    value = f"{pause.until!r} {pause.by}".strip() if plain else msgspec.json.encode(stored).decode()
    flag = Flag(id=FLAG + what, value=value, at=now, version=pause.version or 0)
    return Insert(flag) if pause.version is None else Replace(flag)


async def paused_until(what: str, context: Context) -> float | None:
    """Until when ``what`` is paused; None if it is not."""
    until = (await read_pause(what, context)).until
    return until if until > context.clock() else None


def check_again_at(until: float, context: Context) -> float:
    """When a task that waits for a pause until then checks again: a person may end the pause before."""
    return min(until, context.clock() + LOOK_AGAIN) + context.spread()


def pausable(what: str) -> str:
    """What this names: SUBMISSION, RESULTS, or the place of a destination's URL. Raises Malformed."""
    if what in (SUBMISSION, RESULTS):
        return what
    if "://" not in what:
        meant = f"; did you mean {name}?" if (name := near(what, (SUBMISSION, RESULTS))) else ""
        raise Malformed(
            f"{what!r} cannot be paused: give s3://bucket, sqs://queue, …, `submission` or `results`{meant}"
        )
    return place(what)


async def pause(what: str, until: float, context: Context, *, who: str = "") -> Write:
    """The write for a pause by ``who``; ``until`` 0 resumes."""
    known = await read_pause(what, context)
    return kept(what, Pause(until=until, by=who, version=known.version), now=context.clock())


async def run_unless_paused(run: Run, task: Task, context: Context) -> StepResult:
    """Runs the task; while its gate is closed, the result is that it waits."""
    if (what := GATES.get(task.kind)) is None:
        return await run(task, context)
    pause = await read_pause(what, context)
    if not pause.until:
        return await run(task, context)
    if pause.seconds:
        if await document_of(task, context.store) is None:
            # Anybody who may send events can name a job, so a task about no document of ours does not test.
            return StepResult(note=_said(what, pause.reason), again_at=context.clock() + LOOK_AGAIN + context.spread())
        pause = await holding_pause(what, task.id, context)
    if pause.holds(task.id, context.clock()):
        return _waits(what, pause, task, context)
    return await _looking(what, pause, run, task, context)


async def _looking(what: str, pause: Pause, run: Run, task: Task, context: Context) -> StepResult:
    """Runs the task. If it is the one that tests, the gate opens afterwards, or the next task tests."""
    try:
        outcome = await run(task, context)
    except CloudRefused:
        raise
    except Exception:
        await handed_on(what, task.id, pause, context, after=LOOKED_AT)
        raise
    if _asked(outcome):
        await released(what, task.id, pause, context)
    else:
        await handed_on(what, task.id, pause, context)
    return outcome


def _asked(outcome: StepResult) -> bool:
    """Whether LlamaCloud was called, and responded."""
    return (outcome.change is not None or outcome.again_at is not None) if outcome.asked is None else outcome.asked


async def holding_pause(what: str, who: str, context: Context) -> Pause:
    """The current pause. If its time is over, ``who`` becomes the task that tests, unless another one does."""
    pause, now = await read_pause(what, context), context.clock()
    if not pause.seconds or pause.holds(who, now):
        return pause
    looking = msgspec.structs.replace(pause, until=now + LOOKING, looks=who)
    if await _replaced(what, looking, context):
        return msgspec.structs.replace(looking, version=(pause.version or 0) + 1)
    return await read_pause(what, context)  # another task tests, or it was resumed


async def released(what: str, who: str, pause: Pause, context: Context) -> None:
    """Opens the gate if ``who`` was the one that tested: LlamaCloud accepts our requests."""
    if pause.looks == who:
        # If the record was changed in between, the next task tests again.
        await _replaced(what, Pause(version=pause.version), context)


async def handed_on(what: str, who: str, pause: Pause, context: Context, *, after: float = 0.0) -> None:
    """Lets the next task test if ``who`` was the one but did not: LlamaCloud was not called, or did not respond."""
    if pause.looks == who:
        await _replaced(what, msgspec.structs.replace(pause, until=context.clock() + after, looks=""), context)


async def _replaced(what: str, pause: Pause, context: Context, *also: Write) -> bool:
    """Stores the pause, with ``also``, in place of the one that was read. False if that was changed in between."""
    try:
        await context.store.apply(kept(what, pause, now=context.clock()), *also)
    except Conflict:
        return False
    return True


async def pause_after_refusal(
    what: str, who: str, error: CloudRefused, context: Context, *, subject: str = "", verdict: RetryAt | GiveUp
) -> tuple[RetryAt | GiveUp, bool]:
    """Closes the gate. Returns what happens to ``who``, which was refused, and whether the attempt counts.

    ``verdict`` is the schedule's result for an attempt that counts.
    """
    pause, now = await read_pause(what, context), context.clock()
    later = RetryAt(now + LOOK_AGAIN + context.spread())
    if pause.until and pause.looks != who:
        return later, False  # it was closed while this task was running
    stood_open = not pause.until
    if stood_open and not error.sure and pause.at and abs(now - pause.at) < LATELY:
        return verdict, True  # others are accepted: it may be about the document
    seconds = error.pause_seconds if stood_open else min(2 * pause.seconds, LONGEST)
    closed = Pause(
        until=now + seconds,
        seconds=seconds,
        reason=located_reason(error, context),
        since=now if stood_open else pause.since,
        version=pause.version,
    )
    other = RESULTS if what == SUBMISSION else SUBMISSION
    paused = (what, other) if (await read_pause(other, context)).until else (what,)
    alert = task_for(_alert(paused, error, closed, subject), what, closed.since)  # one alert, however long it lasts
    if await _replaced(what, closed, context, InsertIfAbsent(alert)):  # unless another refusal was first
        await context.enqueue(alert.id)
    if not stood_open:
        return later, False
    return (RetryAt(max(verdict.at, min(closed.until, later.at))) if isinstance(verdict, RetryAt) else verdict), True


async def note_why_it_waits(task: Task, why: str | CloudRefused, context: Context) -> Sequence[Write]:
    """The writes that record on the task's document why it waits, if that is not recorded yet."""
    document = await document_of(task, context.store)
    if document is None or document.state is not DocumentState.OPEN or document.plan is not None:
        return ()
    error = _said(GATES.get(task.kind, RESULTS), why if isinstance(why, str) else located_reason(why, context))
    if document.error == error:
        return ()
    return (Replace(replace(document, error=error).note(context.clock(), "waits", error)),)


def _waits(what: str, pause: Pause, task: Task, context: Context) -> StepResult:
    async def change() -> Sequence[Write]:
        return await note_why_it_waits(task, pause.reason, context)

    until = context.clock() + LOOKED_AT if pause.looks else pause.until
    return StepResult(note=_said(what, pause.reason), change=change, again_at=check_again_at(until, context))


def _said(what: str, reason: str) -> str:
    """Why tasks wait; without a reason, a person paused them."""
    if not reason:
        return f"{what} {'is' if what == SUBMISSION else 'are'} paused; to resume: mailroom resume {what}"
    return f"submission is paused: {reason}" if what == SUBMISSION else f"waits for LlamaCloud: {reason}"


def located_reason(error: CloudRefused, context: Context) -> str:
    """The error, with file and line where it is about a place in mailroom.yaml."""
    where = context.config.where(error.place) if isinstance(error, SettingsRefused) else ""
    return f"{where}: {error}" if where else str(error)


def _alert(paused: Sequence[str], error: CloudRefused, pause: Pause, subject: str) -> Alert:
    """The alert that the first of these is paused; the others are paused already."""
    waits = "submission is paused" if paused[0] == SUBMISSION else "results are delayed"
    return Alert(
        kind="submission.paused",
        cause=error.code,
        title=f"{(error.__doc__ or '').partition('.')[0]}: {waits}",
        detail=pause.reason,
        subject=subject,
        fix=error.fix,
        commands=tuple(f"mailroom resume {item}" for item in sorted(paused, reverse=True)),
        at=pause.until - pause.seconds,
    )
