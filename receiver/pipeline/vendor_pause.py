"""Pauses work while LlamaCloud refuses us for a reason other than the document, so that no document pays for it.

        refused                       its time is over                 it is taken
  OPEN ---------> CLOSED (15 s …) -------------------> one task looks ------------> OPEN
                     ^                                       | refused
                     +---------- for twice as long ----------+

One gate for submissions, one for results, each a flag in the store that holds for all workers. A refusal closes it and
raises one alert; what waits is not counted as an attempt, and its document says why. Whoever was refused while the gate
stood open has used up one attempt: a document that is refused again and again while others are taken ends in review.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import msgspec

from receiver.alerting.alert import task_for
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Replace, Write
from receiver.core.document import DocumentState
from receiver.core.errors import CloudRefused, Conflict, SettingsRefused
from receiver.core.retry import GiveUp, RetryAt
from receiver.core.task import Task
from receiver.pipeline.context import Context, StepResult, document_of
from receiver.pipeline.pause import LONGEST, LOOK_AGAIN, RESULTS, SUBMISSION, Pause, kept, read_pause

LOOKING = 60.0
"""Seconds that one task has to look; then the next one is let through."""
LOOKED_AT = 5.0
"""Seconds until the others come back while one looks: it may be over in a moment."""
LATELY = 600.0
"""Seconds for which it counts that others were taken: a refusal may then be the document's after all. A moment that
lies as far ahead was written by a wrong clock, and does not count."""

ASKING = frozenset({"submit", "react", "recheck"})
"""The kinds of task that ask LlamaCloud."""


def pause_name(task: Task) -> str:
    """The gate that this task passes, or would have had to."""
    return SUBMISSION if task.kind == "submit" else RESULTS


async def run_unless_paused(task: Task, context: Context, run: Callable[[], Awaitable[StepResult]]) -> StepResult:
    """What ``run`` makes of the task; or, while its gate is closed, that it waits."""
    if task.kind not in ASKING:
        return await run()
    what = pause_name(task)
    pause = await read_pause(what, context)
    if pause.seconds:
        if await document_of(task, context.store) is None:
            # Anybody who may send events can name a job. What is about no document of ours is not the one that looks.
            return StepResult(note=_said(what, pause.reason), again_at=context.clock() + LOOK_AGAIN + context.spread())
        pause = await holding_pause(what, task.id, context)
    if pause.holds(task.id, context.clock()):
        return _waits(what, pause, task, context)
    try:
        outcome = await run()
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
    """Whether LlamaCloud was asked, and answered."""
    return (outcome.change is not None or outcome.again_at is not None) if outcome.asked is None else outcome.asked


async def holding_pause(what: str, who: str, context: Context) -> Pause:
    """The pause that holds; with ``who`` as the one who looks, when its time is over and nobody else does."""
    pause, now = await read_pause(what, context), context.clock()
    if not pause.seconds or pause.holds(who, now):
        return pause
    looking = msgspec.structs.replace(pause, until=now + LOOKING, looks=who)
    try:
        await context.store.apply(kept(what, looking, now=now))
    except Conflict:  # somebody else looks, or it was resumed
        return await read_pause(what, context)
    return msgspec.structs.replace(looking, version=(pause.version or 0) + 1)


async def released(what: str, who: str, pause: Pause, context: Context) -> None:
    """Opens the gate if it was ``who`` that looked: LlamaCloud takes what we ask."""
    if pause.looks == who:
        with contextlib.suppress(Conflict):  # somebody changed it meanwhile; the next who passes looks again
            await context.store.apply(kept(what, Pause(version=pause.version), now=context.clock()))


async def handed_on(what: str, who: str, pause: Pause, context: Context, *, after: float = 0.0) -> None:
    """Lets the next one look if ``who`` was to, and has not: LlamaCloud was not asked, or did not answer."""
    if pause.looks == who:
        later = msgspec.structs.replace(pause, until=context.clock() + after, looks="")
        with contextlib.suppress(Conflict):  # somebody changed it meanwhile
            await context.store.apply(kept(what, later, now=context.clock()))


async def pause_after_refusal(
    what: str, who: str, error: CloudRefused, context: Context, *, subject: str = "", verdict: RetryAt | GiveUp
) -> tuple[RetryAt | GiveUp, bool]:
    """What becomes of ``who`` that was refused, and whether it counts as an attempt; closes the gate.

    ``verdict`` is what the schedule says of an attempt that counts.
    """
    pause, now = await read_pause(what, context), context.clock()
    later = RetryAt(now + LOOK_AGAIN + context.spread())
    if pause.until and pause.looks != who:
        return later, False  # it was closed while this one was under way
    stood_open = not pause.until
    if stood_open and not error.sure and pause.at and abs(now - pause.at) < LATELY:
        return verdict, True  # others are taken: it may be the document's
    seconds = error.pause_seconds if stood_open else min(2 * pause.seconds, LONGEST)
    closed = Pause(
        until=now + seconds,
        seconds=seconds,
        reason=located_reason(error, context),
        since=now if stood_open else pause.since,
        version=pause.version,
    )
    alert = task_for(_alert(what, error, closed, subject), what, closed.since)  # once, however long
    with contextlib.suppress(Conflict):  # somebody else was refused, too
        await context.store.apply(kept(what, closed, now=now), InsertIfAbsent(alert))
        await context.enqueue(alert.id)
    if not stood_open:
        return later, False
    return (RetryAt(max(verdict.at, min(closed.until, later.at))) if isinstance(verdict, RetryAt) else verdict), True


async def note_why_it_waits(task: Task, why: str | CloudRefused, context: Context) -> Sequence[Write]:
    """The document of the task, saying why it waits unless it says so already."""
    document = await document_of(task, context.store)
    if document is None or document.state is not DocumentState.OPEN or document.plan is not None:
        return ()
    error = _said(pause_name(task), why if isinstance(why, str) else located_reason(why, context))
    if document.error == error:
        return ()
    return (Replace(replace(document, error=error).note(context.clock(), "waits", error)),)


def _waits(what: str, pause: Pause, task: Task, context: Context) -> StepResult:
    reason = pause.reason or f"to resume: mailroom resume {what}"

    async def change() -> Sequence[Write]:
        return await note_why_it_waits(task, reason, context)

    now = context.clock()
    again = now + LOOKED_AT if pause.looks else min(pause.until, now + LOOK_AGAIN)
    return StepResult(note=_said(what, reason), change=change, again_at=again + context.spread())


def _said(what: str, reason: str) -> str:
    return f"submission is paused: {reason}" if what == SUBMISSION else f"waits for LlamaCloud: {reason}"


def located_reason(error: CloudRefused, context: Context) -> str:
    """The error, with file and line where it is about a place in mailroom.yaml."""
    where = context.config.where(error.place) if isinstance(error, SettingsRefused) else ""
    return f"{where}: {error}" if where else str(error)


def _alert(what: str, error: CloudRefused, pause: Pause, subject: str) -> Alert:
    waits = "submission is paused" if what == SUBMISSION else "results are delayed"
    return Alert(
        kind="submission.paused",
        cause=error.code,
        title=f"{(error.__doc__ or '').partition('.')[0]}: {waits}",
        detail=pause.reason,
        subject=subject,
        fix=error.fix,
        at=pause.until - pause.seconds,
    )
