"""Gates: when LlamaCloud refuses us for another reason than the document, no document pays for it.

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

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Update, Write
from receiver.core.document import DocumentState
from receiver.core.errors import CloudRefused, Conflict, SettingsRefused
from receiver.core.retry import GiveUp, RetryAt
from receiver.core.task import Task
from receiver.flow.alert import task_for
from receiver.flow.pause import LONGEST, LOOK_AGAIN, RESULTS, SUBMISSION, Pause, kept, read
from receiver.flow.tools import Outcome, Tools, document_of

LOOKING = 60.0
"""Seconds that one task has to look; then the next one is let through."""
LOOKED_AT = 5.0
"""Seconds until the others come back while one looks: it may be over in a moment."""
LATELY = 600.0
"""Seconds for which it counts that others were taken: a refusal may then be the document's after all. A moment that
lies as far ahead was written by a wrong clock, and does not count."""

ASKING = frozenset({"submit", "react", "recheck"})
"""The kinds of task that ask LlamaCloud."""


def gate_of(task: Task) -> str:
    """The gate that this task passes, or would have had to."""
    return SUBMISSION if task.kind == "submit" else RESULTS


async def passed(task: Task, tools: Tools, run: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """What ``run`` makes of the task; or, while its gate is closed, that it waits."""
    if task.kind not in ASKING:
        return await run()
    what = gate_of(task)
    if (closed := await read(what, tools)).seconds and await document_of(task, tools.store) is None:
        # Anybody who may send events can name a job. What is about no document of ours is not the one that looks.
        return Outcome(note=_said(what, closed.reason), again_at=tools.clock() + LOOK_AGAIN + tools.spread())
    pause = await entered(what, task.id, tools)
    if pause.holds(task.id, tools.clock()):
        return _waits(what, pause, task, tools)
    try:
        outcome = await run()
    except CloudRefused:
        raise
    except Exception:
        await handed_on(what, task.id, pause, tools, after=LOOKED_AT)
        raise
    if _asked(outcome):
        await opened(what, task.id, pause, tools)
    else:
        await handed_on(what, task.id, pause, tools)
    return outcome


def _asked(outcome: Outcome) -> bool:
    """Whether LlamaCloud was asked, and answered."""
    return (outcome.change is not None or outcome.again_at is not None) if outcome.asked is None else outcome.asked


async def entered(what: str, who: str, tools: Tools) -> Pause:
    """The pause that holds; with ``who`` as the one who looks, when its time is over and nobody else does."""
    pause, now = await read(what, tools), tools.clock()
    if not pause.seconds or pause.holds(who, now):
        return pause
    looking = msgspec.structs.replace(pause, until=now + LOOKING, looks=who)
    try:
        await tools.store.apply(kept(what, looking, now=now))
    except Conflict:  # somebody else looks, or it was resumed
        return await read(what, tools)
    return msgspec.structs.replace(looking, version=(pause.version or 0) + 1)


async def opened(what: str, who: str, pause: Pause, tools: Tools) -> None:
    """Opens the gate if it was ``who`` that looked: LlamaCloud takes what we ask."""
    if pause.looks == who:
        with contextlib.suppress(Conflict):  # somebody changed it meanwhile; the next who passes looks again
            await tools.store.apply(kept(what, Pause(version=pause.version), now=tools.clock()))


async def handed_on(what: str, who: str, pause: Pause, tools: Tools, *, after: float = 0.0) -> None:
    """Lets the next one look if ``who`` was to, and has not: LlamaCloud was not asked, or did not answer."""
    if pause.looks == who:
        later = msgspec.structs.replace(pause, until=tools.clock() + after, looks="")
        with contextlib.suppress(Conflict):  # somebody changed it meanwhile
            await tools.store.apply(kept(what, later, now=tools.clock()))


async def refused(
    what: str, who: str, error: CloudRefused, tools: Tools, *, subject: str = "", verdict: RetryAt | GiveUp
) -> tuple[RetryAt | GiveUp, bool]:
    """What becomes of ``who`` that was refused, and whether it counts as an attempt; closes the gate.

    ``verdict`` is what the schedule says of an attempt that counts.
    """
    pause, now = await read(what, tools), tools.clock()
    later = RetryAt(now + LOOK_AGAIN + tools.spread())
    if pause.until and pause.looks != who:
        return later, False  # it was closed while this one was under way
    stood_open = not pause.until
    if stood_open and not error.sure and pause.at and abs(now - pause.at) < LATELY:
        return verdict, True  # others are taken: it may be the document's
    seconds = error.pause_seconds if stood_open else min(2 * pause.seconds, LONGEST)
    closed = Pause(
        until=now + seconds,
        seconds=seconds,
        reason=reason_of(error, tools),
        since=now if stood_open else pause.since,
        version=pause.version,
    )
    alert = task_for(_alert(what, error, closed, subject), what, closed.since)  # once, however long
    with contextlib.suppress(Conflict):  # somebody else was refused, too
        await tools.store.apply(kept(what, closed, now=now), Ensure(alert))
        await tools.ring(alert.id)
    if not stood_open:
        return later, False
    return (RetryAt(max(verdict.at, min(closed.until, later.at))) if isinstance(verdict, RetryAt) else verdict), True


async def told(task: Task, why: str | CloudRefused, tools: Tools) -> Sequence[Write]:
    """The document of the task, saying why it waits unless it says so already."""
    document = await document_of(task, tools.store)
    if document is None or document.state is not DocumentState.OPEN or document.plan is not None:
        return ()
    error = _said(gate_of(task), why if isinstance(why, str) else reason_of(why, tools))
    if document.error == error:
        return ()
    return (Update(replace(document, error=error).note(tools.clock(), "waits", error)),)


def _waits(what: str, pause: Pause, task: Task, tools: Tools) -> Outcome:
    reason = pause.reason or f"mailroom resume {what} goes on"

    async def change() -> Sequence[Write]:
        return await told(task, reason, tools)

    now = tools.clock()
    again = now + LOOKED_AT if pause.looks else min(pause.until, now + LOOK_AGAIN)
    return Outcome(note=_said(what, reason), change=change, again_at=again + tools.spread())


def _said(what: str, reason: str) -> str:
    return f"submission is paused: {reason}" if what == SUBMISSION else f"waits for LlamaCloud: {reason}"


def reason_of(error: CloudRefused, tools: Tools) -> str:
    """The error, with file and line where it is about a place in mailroom.yaml."""
    where = tools.config.where(error.place) if isinstance(error, SettingsRefused) else ""
    return f"{where}: {error}" if where else str(error)


def _alert(what: str, error: CloudRefused, pause: Pause, subject: str) -> Alert:
    waits = "submission is paused" if what == SUBMISSION else "results are waited for"
    return Alert(
        kind="submission.paused",
        cause=error.code,
        title=f"{(error.__doc__ or '').partition('.')[0]}: {waits}",
        detail=pause.reason,
        subject=subject,
        fix=error.fix,
        at=pause.until - pause.seconds,
    )
