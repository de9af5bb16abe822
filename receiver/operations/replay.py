"""Replay: processes documents again, without repeating effects.

What a replay does to a document follows from its records, and is shown before it is done. Delivered messages are not
sent again. A delivery that stores bytes is repeated, and finds its own object. So a second run writes nothing.

``reroute`` decides again on the stored result, by the current table: nothing is requested, or paid for, again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from receiver.alerting.incidents import documents_of
from receiver.core.change import InsertIfAbsent, Query, Replace, Write, changed
from receiver.core.document import DeliveryState, Document, DocumentState, Step
from receiver.core.errors import Conflict
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.plan import Plan
from receiver.core.redecide import moved, what_moves
from receiver.core.replan import begun_anew, known, replanned
from receiver.core.task import NOTICES, Task, TaskState, submission_of
from receiver.pipeline.content import why_undeliverable
from receiver.pipeline.context import BRING_BACK, Context, document_of, why_forgotten
from receiver.pipeline.document_outcome import resubmission
from receiver.pipeline.records import every_record
from receiver.pipeline.shadow import with_shadow_verdict

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay does to one document."""

    document: Document
    action: str
    """resume, redeliver, reroute, resubmit or nothing"""
    detail: str
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """Which documents, and how far a replay may go."""

    ids: tuple[str, ...] = ()
    parked: bool = False
    cause: str = ""
    """The fingerprint of an incident; selects its documents that are not fixed yet."""
    since: float | None = None
    until: float | None = None
    type: str | None = None
    destination: str | None = None
    """Only documents with a delivery to a URL that starts with this."""
    table: str | None = None
    """Only documents that this version of the table decided."""
    reroute: bool = False
    """Whether to decide again, by the current table."""


async def selected_documents(choice: ReplayFilter, context: Context) -> AsyncIterator[Document]:
    """The documents that the filter selects, each once."""
    seen: set[str] = set()
    async for document in _candidates(choice, context):
        if document.id not in seen and _fits(document, choice):
            seen.add(document.id)
            yield document


async def _candidates(choice: ReplayFilter, context: Context) -> AsyncIterator[Document]:
    if choice.ids:
        for document_id in choice.ids:
            if document := await context.store.get(Document, document_id):
                yield document
    elif choice.cause:
        async for document in documents_of(choice.cause, context.store):
            yield document
    elif choice.parked:
        async for task in every_record(Task, Query(by="state", key=TaskState.PARKED, limit=PAGE), context.store):
            if document := await document_of(task, context.store):
                yield document
    else:
        query = Query(by="type", key=choice.type) if choice.type else Query()
        query = replace(query, since=choice.since, until=choice.until, limit=PAGE)
        async for document in every_record(Document, query, context.store):
            yield document


def _fits(document: Document, choice: ReplayFilter) -> bool:
    if choice.type is not None and document.type != choice.type:
        return False
    if choice.table is not None and (document.plan is None or document.plan.table != choice.table):
        return False
    if choice.destination is None:
        return True
    return any(item.to.url.startswith(choice.destination) for item in document.deliveries)


async def foreseen(document: Document, choice: ReplayFilter, context: Context, *, who: str = "") -> Replay:
    """What a replay by ``who`` would do to this document; nothing is written yet. In bulk, all other tasks go first."""
    replay = await _foreseen(document, choice, context)
    writes = tuple(_signed(write, who) for write in replay.writes) if who else replay.writes
    return replace(replay, writes=writes if choice.ids else tuple(map(_in_bulk, writes)))


def _signed(write: Write, who: str) -> Write:
    """The write, with who did it in the newest line of the document's timeline."""
    if not isinstance(write, Replace) or not isinstance(document := write.record, Document) or not document.history:
        return write
    newest = document.history[-1]
    signed = replace(newest, detail=f"{newest.detail} by {who}".strip())
    return Replace(changed(document, history=(*document.history[:-1], signed)))


def _in_bulk(write: Write) -> Write:
    if isinstance(write, InsertIfAbsent | Replace) and isinstance(write.record, Task):
        return type(write)(changed(write.record, bulk=True))
    return write


async def _foreseen(document: Document, choice: ReplayFilter, context: Context) -> Replay:
    if document.state is DocumentState.WITHDRAWN:
        return _nothing(document, "its pages are in other pieces of its packet")
    if choice.reroute and (plan := moved(document, context.config.table, now=context.clock())) is not None:
        return await _reroute(document, plan, context)
    if choice.reroute and not choice.parked:
        return _nothing(document, "the table routes it to the same place")
    parked = [item async for item in _parked(document, context)]
    if not parked and not document.without_result:
        return await _redeliver(document, context)
    if document.forgotten_at is not None:
        return _nothing(document, f"{why_forgotten(document)}; {BRING_BACK}")
    return resumed(document, parked, context) if parked else _without_plan(document, context)


def _nothing(document: Document, why: str) -> Replay:
    return Replay(document=document, action="nothing", detail=why)


async def _parked(document: Document, context: Context) -> AsyncIterator[Task]:
    for subject in (document.id, document.job_id):
        if subject:
            async for task in every_record(Task, Query(by="subject", key=subject, limit=PAGE), context.store):
                if task.state is TaskState.PARKED and task.kind not in NOTICES:
                    yield task


def resumed(document: Document, parked: Sequence[Task], context: Context, *, who: str = "") -> Replay:
    """Makes parked tasks ready again, and undoes the effect of their failure on the document."""
    now = context.clock()
    theirs = {task.details.get("delivery_id") for task in parked}
    again = tuple(
        replace(item, state=DeliveryState.PENDING, error="") if item.id in theirs and not item.done else item
        for item in document.deliveries
    )
    submitted = any(task.kind in ("react", "recheck") for task in parked) or bool(document.job_id)
    cutting = any(task.kind == "cut" for task in parked)
    before = Step.SPLIT if cutting else Step.SUBMITTED if submitted else Step.RECEIVED
    step = Step.DECIDED if document.plan else before
    ready = replace(
        document,
        deliveries=again,
        state=DocumentState.OPEN,
        step=step,
        error="",
        deadline=now + context.config.deadline_seconds,
    )
    names = ", ".join(task.kind for task in parked)
    after = ready.note(now, "replayed", f"{names} by {who}" if who else names)
    after = after.settle() if document.plan else after
    writes = (Replace(after), *(Replace(task.replay(now=now)) for task in parked))
    return Replay(document=document, action="resume", detail=names, writes=writes)


def _without_plan(document: Document, context: Context) -> Replay:
    """Resubmits a document that has no result and is not being processed. This costs its credits again."""
    now = context.clock()
    if document.state is DocumentState.OPEN:
        return _nothing(document, "it is being processed")
    if document.mail:
        return _nothing(document, "a mail cannot be resubmitted: submit it again as new")
    after = resubmission(document, "replayed", now, context)
    writes = (Replace(after), InsertIfAbsent(submission_of(after, now=now)))
    return Replay(document=document, action="resubmit", detail=document.error, writes=writes)


async def _reroute(document: Document, plan: Plan, context: Context) -> Replay:
    """Makes the new plan's deliveries. Deliveries of earlier plans keep their receipts."""
    detail = what_moves(document.plan, plan)
    after = replace(replanned(document, plan, context), error="")
    if after.waits_for_bytes and (why := await why_undeliverable(document, context)):
        return _nothing(document, f"{detail}: {why}")
    after = reopened(after, "re-routed", detail, context)
    if context.shadow is not None:
        after = with_shadow_verdict(after, context.shadow, context)
    writes = (Replace(after), *delivery_tasks(after, now=context.clock()), *await overtaken(document, context))
    return Replay(document=document, action="reroute", detail=detail, writes=writes)


def reopened(document: Document, what: str, detail: str, context: Context) -> Document:
    """The document with its deliveries, if any, started again, and a new deadline for them."""
    now = context.clock()
    deadline = now + context.config.deadline_seconds
    again = replace(document, state=DocumentState.OPEN, step=Step.DECIDED, deadline=deadline)
    return again.note(now, what, detail).settle()


async def overtaken(document: Document, context: Context) -> list[Write]:
    """Writes that retire the document's parked deliveries, because there is a new plan."""
    now, keep = context.clock(), context.config.retention.tasks_seconds
    given_up = [task async for task in _parked(document, context) if task.kind == "deliver"]
    return [Replace(task.retire(now=now, keep_seconds=keep, note="another plan was made")) for task in given_up]


async def _redeliver(document: Document, context: Context) -> Replay:
    """Repeats the deliveries that were not made, and those that store bytes: these find their object, or restore it."""
    if document.state is DocumentState.OPEN:
        return _nothing(document, "it is being processed")
    document = known(document, context.holds)
    again = [item for item in document.deliveries if not item.done or item in document.holders]
    if not again:
        return _nothing(document, "nothing to redeliver")
    if any(not item.is_message for item in again) and (why := await why_undeliverable(document, context)):
        return _nothing(document, why)
    rows = (begun_anew(item, document) if item in again else item for item in document.deliveries)
    after = replace(document, deliveries=tuple(rows), error="")
    after = reopened(after, "replayed", f"{len(again)} deliveries", context)
    detail = ", ".join(item.to.shown for item in again)
    return Replay(
        document=document,
        action="redeliver",
        detail=detail,
        writes=(Replace(after), *delivery_tasks(after, now=context.clock())),
    )


async def carry_out(replay: Replay, context: Context) -> bool:
    """Writes the replay and enqueues its tasks. False if the document changed in between: it must be planned again."""
    return await written(replay.writes, context)


async def written(writes: Sequence[Write], context: Context) -> bool:
    """Writes these and enqueues their tasks. False if a record changed in between."""
    if not writes:
        return True
    try:
        writes = (*writes, *container_tasks(writes, now=context.clock(), reopened=True))
        await context.store.apply(*writes)
    except Conflict:
        return False
    await context.enqueue_written(writes)
    return True
