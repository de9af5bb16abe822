"""Replay: back to process, safe by construction.

What is planned for a document follows from what is recorded of it, and is shown before it is done. Delivered messages
are not sent again; a delivery that holds bytes is made again and finds its own object there. So a second run writes
nothing. ``reroute`` holds the stored result against the table of today: nothing is asked, and paid for, again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from receiver.core.change import Ensure, Query, Update, Write, changed
from receiver.core.document import DeliveryState, Document, DocumentState, Step
from receiver.core.errors import Conflict
from receiver.core.plan import Plan, Way
from receiver.core.route import RouteTable, decide, deliveries
from receiver.core.task import NOTICES, Task, TaskState, submission_of
from receiver.flow.conclude import resubmission
from receiver.flow.deliver import delivery_tasks, holds_bytes, pending_task
from receiver.flow.every import every
from receiver.flow.family import news
from receiver.flow.incidents import documents_of
from receiver.flow.tools import BRING_BACK, Tools, document_of, why_forgotten

PAGE = 200
BY_A_PERSON = frozenset({Way.BY_HAND, Way.RECUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay does to one document."""

    document: Document
    deed: str
    """resume, redeliver, reroute, resubmit or nothing"""
    detail: str
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which documents, and how far a replay may go."""

    ids: tuple[str, ...] = ()
    parked: bool = False
    cause: str = ""
    """The fingerprint of an incident: its documents that are not mended yet."""
    since: float | None = None
    until: float | None = None
    type: str | None = None
    destination: str | None = None
    """Only documents with a delivery to a URL that begins so."""
    table: str | None = None
    """Only documents that this version of the table decided."""
    reroute: bool = False
    """Decide anew by the table of today."""


async def chosen(choice: Choice, tools: Tools) -> AsyncIterator[Document]:
    """The documents that the choice names, each once."""
    seen: set[str] = set()
    async for document in _candidates(choice, tools):
        if document.id not in seen and _fits(document, choice):
            seen.add(document.id)
            yield document


async def _candidates(choice: Choice, tools: Tools) -> AsyncIterator[Document]:
    if choice.ids:
        for document_id in choice.ids:
            if document := await tools.store.get(Document, document_id):
                yield document
    elif choice.cause:
        async for document in documents_of(choice.cause, tools.store):
            yield document
    elif choice.parked:
        async for task in every(Task, Query(by="state", key=TaskState.PARKED, limit=PAGE), tools.store):
            if document := await document_of(task, tools.store):
                yield document
    else:
        query = Query(by="type", key=choice.type) if choice.type else Query()
        query = replace(query, since=choice.since, until=choice.until, limit=PAGE)
        async for document in every(Document, query, tools.store):
            yield document


def _fits(document: Document, choice: Choice) -> bool:
    if choice.type is not None and document.type != choice.type:
        return False
    if choice.table is not None and (document.plan is None or document.plan.table != choice.table):
        return False
    if choice.destination is None:
        return True
    return any(one.to.url.startswith(choice.destination) for one in document.deliveries)


async def foreseen(document: Document, choice: Choice, tools: Tools) -> Replay:
    """What a replay would do to this document; nothing is written yet. One of many may wait for all other tasks."""
    replay = await _foreseen(document, choice, tools)
    return replay if choice.ids else replace(replay, writes=tuple(map(_in_bulk, replay.writes)))


def _in_bulk(write: Write) -> Write:
    if isinstance(write, Ensure | Update) and isinstance(write.record, Task):
        return type(write)(changed(write.record, bulk=True))
    return write


async def _foreseen(document: Document, choice: Choice, tools: Tools) -> Replay:
    if document.forgotten_at is not None:
        return Replay(document=document, deed="nothing", detail=f"{why_forgotten(document)}; {BRING_BACK}")
    if document.state is DocumentState.WITHDRAWN:
        return Replay(document=document, deed="nothing", detail="its pages are in other pieces of its packet")
    parked = [one async for one in _parked(document, tools)]
    if parked:
        return resumed(document, parked, tools)
    if document.plan is None:
        return _without_plan(document, tools)
    if choice.reroute and (plan := moved(document, tools.config.table, now=tools.clock())) is not None:
        return _reroute(document, plan, tools)
    return _redeliver(document, tools)


async def _parked(document: Document, tools: Tools) -> AsyncIterator[Task]:
    for subject in (document.id, document.job_id):
        if subject:
            async for task in every(Task, Query(by="subject", key=subject, limit=PAGE), tools.store):
                if task.state is TaskState.PARKED and task.kind not in NOTICES:
                    yield task


def resumed(document: Document, parked: Sequence[Task], tools: Tools, *, who: str = "") -> Replay:
    """Parked tasks are ready again, and what they left behind on the document is undone."""
    now = tools.clock()
    again = tuple(
        replace(one, state=DeliveryState.PENDING, error="") if one.state is not DeliveryState.DELIVERED else one
        for one in document.deliveries
    )
    submitted = any(task.kind in ("react", "recheck") for task in parked) or bool(document.job_id)
    cutting = any(task.kind == "cut" for task in parked)
    before = Step.SPLIT if cutting else Step.SUBMITTED if submitted else Step.TAKEN_IN
    step = Step.DECIDED if document.plan else before
    ready = replace(
        document,
        deliveries=again,
        state=DocumentState.OPEN,
        step=step,
        error="",
        deadline=now + tools.config.deadline_seconds,
    )
    names = ", ".join(task.kind for task in parked)
    after = ready.note(now, "replayed", f"{names} by {who}" if who else names)
    writes = (Update(after), *(Update(task.replay(now=now)) for task in parked))
    return Replay(document=document, deed="resume", detail=names, writes=writes)


def _without_plan(document: Document, tools: Tools) -> Replay:
    """A document that has no result and that nobody works on is submitted anew; that costs its credits again."""
    now = tools.clock()
    if document.state is DocumentState.OPEN:
        return Replay(document=document, deed="nothing", detail="it is being worked on")
    if document.mail:
        return Replay(document=document, deed="nothing", detail="a mail is not submitted: take it in again")
    after = resubmission(document, "replayed", now, tools)
    writes = (Update(after), Ensure(submission_of(after, now=now)))
    return Replay(document=document, deed="resubmit", detail=document.error, writes=writes)


def moved(document: Document, table: RouteTable, *, now: float) -> Plan | None:
    """The plan that this table makes of the stored result, when it differs from the one that was made."""
    plan, found = document.plan, document.classification
    if plan is None or found is None or plan.way in BY_A_PERSON:
        return None
    fresh = decide(table, found, document, now=now, version=table.version)
    same = (fresh.way, fresh.route, fresh.to, fresh.review) == (plan.way, plan.route, plan.to, plan.review)
    return None if same else fresh


def _reroute(document: Document, plan: Plan, tools: Tools) -> Replay:
    """The new plan's deliveries; those that were made before under the same id keep their receipts."""
    now = tools.clock()
    made = {one.id: one for one in document.deliveries if one.state is DeliveryState.DELIVERED}
    planned = tuple(made.get(one.id, one) for one in deliveries(document.id, plan))
    detail = f"{_said(document.plan)} -> {_said(plan)}"
    after = replace(document, plan=plan, deliveries=planned, state=DocumentState.OPEN, step=Step.DECIDED, error="")
    after = after.note(now, "re-routed", detail).settle()
    tasks = delivery_tasks(after, tools, mark=("reroute", document.version))
    return Replay(document=document, deed="reroute", detail=detail, writes=(Update(after), *tasks))


def _said(plan: Plan | None) -> str:
    return f"{plan.route} ({', '.join(to.url for to in plan.to) or 'review'})" if plan else "no plan"


def _redeliver(document: Document, tools: Tools) -> Replay:
    """Deliveries that were not made, and those that hold bytes: they find their own object, or mend it."""
    now = tools.clock()
    again = [one for one in document.deliveries if one.state is not DeliveryState.DELIVERED or holds_bytes(one, tools)]
    if not again or document.state is DocumentState.OPEN:
        why = "it is being worked on" if document.state is DocumentState.OPEN else "nothing to deliver again"
        return Replay(document=document, deed="nothing", detail=why)
    chosen_ids = {one.id for one in again}
    pending = tuple(
        replace(one, state=DeliveryState.PENDING, error="") if one.id in chosen_ids else one
        for one in document.deliveries
    )
    after = replace(document, deliveries=pending, state=DocumentState.OPEN, step=Step.DECIDED, error="")
    after = after.note(now, "replayed", f"{len(again)} deliveries")
    tasks = [pending_task(after, one, now=now, mark=("replay", document.version)) for one in again]
    return Replay(
        document=document,
        deed="redeliver",
        detail=", ".join(one.to.url for one in again),
        writes=(Update(after), *(Ensure(task) for task in tasks)),
    )


async def carry_out(replay: Replay, tools: Tools) -> bool:
    """Writes it and rings; False when the document changed meanwhile: then look again."""
    return await written(replay.writes, tools)


async def written(writes: Sequence[Write], tools: Tools) -> bool:
    """Writes a replay and rings for its tasks; False when something changed meanwhile."""
    if not writes:
        return True
    try:
        writes = (*writes, *news(writes, now=tools.clock(), reopened=True))
        await tools.store.apply(*writes)
    except Conflict:
        return False
    tasks = [write.record.id for write in writes if isinstance(write.record, Task)]  # type: ignore[union-attr]
    await tools.ring(*tasks)
    return True
