"""Cuts a packet into pieces, which are separate documents, by a split job's result.

The cut is decided and stored on the packet first, and then carried out piece by piece. After a crash in between, the
same pieces are cut again: their ids are derived from packet and pages, and existing pieces are not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from receiver.core.change import InsertIfAbsent, Replace, Write
from receiver.core.decision import Choice
from receiver.core.document import NAMING, Classification, Document, DocumentState, Origin, Step
from receiver.core.errors import Uncuttable
from receiver.core.follow_up import container_task, delivery_tasks
from receiver.core.ids import id_parts, piece_id
from receiver.core.job import Job
from receiver.core.pages import BLANK, BY_HAND, UNCATEGORIZED, Cut, Segment, account, candidates, spans, sure_enough
from receiver.core.plan import Plan, Way
from receiver.core.route import decide
from receiver.core.statements import with_statement
from receiver.core.task import Task, new_task, submission_of
from receiver.packets.archive import held_alert
from receiver.packets.pieces import dying_once, open_packet, piece_ids
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.document_outcome import held, held_document, planned, resubmission
from receiver.pipeline.scratch import scratch
from receiver.ports import OpenPdf, StoredContent


def cut_task(packet_id: str, *, because: str, now: float) -> Task:
    """The task to cut a packet, because of a job's result or a person's request."""
    return new_task("cut", packet_id, because, subject=packet_id, now=now)


def awaiting_cut(packet: Document) -> Document:
    """The packet, which is not archived by a cut from before it was resubmitted: its new cut comes first."""
    if not packet.cuts:
        return packet
    return replace(packet, cuts=(*packet.cuts[:-1], replace(packet.cuts[-1], under_way=True)))


async def cut(task: Task, context: Context) -> StepResult:
    """Cuts the pieces that do not exist yet, or holds the packet with the list of what does not add up."""
    packet = await context.store.get(Document, task.subject)
    if packet is None or packet.state is not DocumentState.OPEN or packet.step is not Step.SPLIT:
        return StepResult(note="nothing to cut")
    if any(item.task == task.id for item in packet.cuts[:-1]):
        return StepResult(note="the packet was cut again since")
    try:
        with dying_once(task):
            return await _cut(packet, task, context)
    except Uncuttable as error:
        return _hold(packet, str(error), context)


async def _cut(packet: Document, task: Task, context: Context) -> StepResult:
    async with open_packet(packet, context) as pages:
        if not packet.cuts or packet.cuts[-1].task != task.id:
            decided = await _decide(packet, task, pages, context)
            if isinstance(decided, str):
                return _hold(packet, f"its pages do not add up: {decided}", context)
            packet = decided
        await _withdraw(packet, context)
        records = [
            (await _piece(packet, item, pages, context), piece_id(packet.id, item.pages)) for item in packet.pieces
        ]
        whole = any(len(item.pages) == pages.count for item in packet.pieces)
        left = () if whole else tuple(pages.files)
    return _done(packet, task, {piece: doubt for doubt, piece in records if doubt}, left, context)


async def _decide(packet: Document, task: Task, pages: OpenPdf, context: Context) -> Document | str:
    """The packet with its cut, stored; or what does not add up."""
    job = await context.store.get(Job, packet.job_id)
    segments = job.segments if job else ()
    split = context.config.split
    blank = await pages.blank(candidates(segments, pages.count, split.guards))
    omit = split.uncategorized == "omit" or split.target_pages is not None
    result = account(segments, pages.count, split.guards, omit=omit, blank=blank)
    if result.faults:
        return "; ".join(result.faults)
    now = context.clock()
    by = f"job {packet.job_id}"
    made = Cut(at=now, by=by, task=task.id, pieces=result.pieces, omitted=result.omitted, under_way=True)
    after = replace(packet, cuts=(*packet.cuts, made), page_count=pages.count)
    await context.store.apply(Replace(after))
    return replace(after, version=after.version + 1)


async def _piece(packet: Document, segment: Segment, pages: OpenPdf, context: Context) -> str:
    """Makes a document of this piece unless it exists. Returns why a person must look at it, or ""."""
    known = await context.store.get(Document, piece_id(packet.id, segment.pages))
    if known is None:
        known = _document(packet, segment, await _kept(packet, segment, pages, context), context)
        known, tasks = _first_step(known, packet, segment, context)
        context.meter.count("mailroom_documents", source="piece")
        await _promise(InsertIfAbsent(known), tasks, context)
    elif _waits_for_this_cut(known, segment):
        reason = f"{packet.cuts[-1].by} cut the packet again"
        again = resubmission(replace(known, set_aside=None), reason, context.clock(), context)
        if again.forgotten_at is not None:
            kept = await _kept(packet, segment, pages, context)
            again = replace(again, content=kept.location, sha256=kept.sha256, size=kept.size, forgotten_at=None)
        known, tasks = _first_step(again, packet, segment, context)
        await _promise(Replace(known), tasks, context)
    return known.error if known.state is DocumentState.REVIEW and known.without_result else ""


async def _promise(piece: Write, tasks: Sequence[InsertIfAbsent], context: Context) -> None:
    """Stores the piece with its tasks and enqueues them at once: it need not wait for the other pieces."""
    await context.store.apply(piece, *tasks)
    await context.enqueue_written(tasks)


def _waits_for_this_cut(piece: Document, segment: Segment) -> bool:
    """A piece of an earlier cut that this cut restores, or that waited for a person to confirm it."""
    withdrawn = piece.plan is not None and piece.plan.way is Way.RECUT
    doubted = piece.without_result and piece.state is DocumentState.REVIEW
    retyped = bool(segment.category) and piece.category != segment.category
    return withdrawn or (segment.confidence == BY_HAND and (doubted or retyped))


async def _kept(packet: Document, segment: Segment, pages: OpenPdf, context: Context) -> StoredContent:
    with scratch() as folder:
        path = folder / "piece.pdf"
        await pages.cut(segment.pages, path)
        return await context.spool.keep(
            path, limit=context.max_document, owner=lambda _: piece_id(packet.id, segment.pages)
        )


def _document(packet: Document, segment: Segment, kept: StoredContent, context: Context) -> Document:
    now, where = context.clock(), spans(segment.pages)
    stem = PurePosixPath(packet.name).stem or packet.name
    return Document(
        id=piece_id(packet.id, segment.pages),
        name=f"{stem}-p{where.replace(', ', '_')}.pdf",
        sha256=kept.sha256,
        size=kept.size,
        media_type="application/pdf",
        origin=Origin(kind="piece", locator=f"{packet.id} pages {where}", sender=packet.origin.sender),
        content=kept.location,
        taken_in_at=packet.taken_in_at,
        naming=NAMING,
        batch_id=packet.batch_id,
        parent_id=packet.id,
        pages=segment.pages,
        page_count=len(segment.pages),
        metadata={**packet.metadata, "packet": packet.name, "split_job": packet.job_id},
        deadline=now + context.config.deadline_seconds,
        installation=packet.installation,
    ).note(now, "cut", f"pages {where} of {packet.name}")


def _first_step(
    piece: Document, packet: Document, segment: Segment, context: Context
) -> tuple[Document, tuple[InsertIfAbsent, ...]]:
    """The first step of a new piece: it is stored without delivery, held, routed by its category, or submitted."""
    now, split = context.clock(), context.config.split
    piece = replace(piece, category=segment.category, category_confidence=segment.confidence)
    if segment.category == BLANK:
        reason = "blank pages, removed from the pieces; they are kept here and in the packet"
        return planned(piece, Plan(way=Way.BLANK, route=Way.BLANK, reason=reason, decided_at=now), context), ()
    if not sure_enough(segment.confidence, split.min_confidence):
        reason = f"LlamaCloud's confidence in this piece is {segment.confidence or 'not known'}: {segment.category}"
        return held_document(piece, reason, now), ()
    by_person = segment.confidence == BY_HAND
    if segment.category and (by_person or split.then == "route"):
        piece = _routed(piece, packet.cuts[-1].by, context)
        return piece, tuple(delivery_tasks(piece, now=now))
    return piece, (InsertIfAbsent(submission_of(piece, now=now)),)


def _routed(piece: Document, by: str, context: Context) -> Document:
    """The piece, routed by the category that LlamaCloud or a person gave it.

    Its confidence is 1, because split.min_confidence has been applied already.
    """
    now = context.clock()
    category = None if piece.category == UNCATEGORIZED else piece.category
    typed = _typed(piece, category, by, now)
    result = typed.effective
    assert result is not None
    plan = decide(context.config.table, result, typed, now=now)
    context.meter.count("mailroom_decisions", way=plan.way, type=category or "")
    return planned(typed, plan, context)


def _typed(piece: Document, category: str | None, by: str, now: float) -> Document:
    where = f"pages {spans(piece.pages)}"
    if category and piece.category_confidence == BY_HAND:
        return with_statement(
            piece, who=by, choice=Choice.TYPE, value=category, why=f"cut {where} by hand", now=now, final=True
        )
    reasoning = f"{by} put {where} under {piece.category} ({piece.category_confidence})"
    return replace(piece, classification=Classification(type=category, confidence=1.0, reasoning=reasoning))


async def _withdraw(packet: Document, context: Context) -> None:
    """Withdraws the pieces of earlier cuts that are not part of this one; what they delivered stays on record."""
    present = set(piece_ids(packet))
    earlier = {piece_id(packet.id, item.pages) for cut in packet.cuts[:-1] for item in cut.pieces}
    for item in sorted(earlier - present):
        piece = await context.store.get(Document, item)
        if piece is None or (piece.plan is not None and piece.plan.way is Way.RECUT):
            continue
        now = context.clock()
        reason = f"its pages are in other pieces since {packet.cuts[-1].by} cut the packet again"
        plan = Plan(way=Way.RECUT, route=Way.RECUT, reason=reason, decided_at=now)
        after = planned(replace(piece, error=""), plan, context)
        await _promise(Replace(after), delivery_tasks(after, now=context.clock()), context)


def _done(
    packet: Document, task: Task, doubts: Mapping[str, str], left: tuple[str, ...], context: Context
) -> StepResult:
    """Ends the cut.

    ``doubts`` are the pieces that are held for a person, each with the reason. ``left`` are the embedded files that no
    piece contains; the packet's record names them.
    """
    now, count = context.clock(), len(packet.pieces)
    waiting = f"{len(doubts)} of {count} pieces wait for a person: {next(iter(doubts.values()))}" if doubts else ""
    detail = "; ".join(f"{spans(item.pages)} {item.category}".strip() for item in packet.pieces)
    if left:
        detail = f"the embedded files {', '.join(left)} stay with the packet; {detail}"

    async def change() -> Sequence[Write]:
        fresh = await context.store.get(Document, packet.id)
        if fresh is None or fresh.state is not DocumentState.OPEN:
            return ()
        # Each piece has a deadline of its own, and may be submitted a second time.
        cuts = (*fresh.cuts[:-1], replace(fresh.cuts[-1], files_left=left, under_way=False))
        later = replace(fresh, cuts=cuts, deadline=now + 3 * context.config.deadline_seconds)
        look = container_task(packet.id, *id_parts(task.id), now=now)
        return Replace(later.note(now, "cut", f"{packet.cuts[-1].by}: {detail}")), InsertIfAbsent(look)

    alerts = (held_alert(packet, waiting, now, pieces=tuple(doubts)),) if waiting else ()
    return StepResult(note=f"cut into {count} pieces", change=change, alerts=alerts)


def _hold(packet: Document, reason: str, context: Context) -> StepResult:
    async def change() -> Sequence[Write]:
        fresh = await context.store.get(Document, packet.id)
        return held(fresh, reason, context) if fresh and fresh.state is DocumentState.OPEN else ()

    return StepResult(note=reason, change=change, alerts=(held_alert(packet, reason, context.clock()),))


async def give_up(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """Holds a packet that could not be cut."""
    packet = await context.store.get(Document, task.subject)
    if packet is None or packet.state is not DocumentState.OPEN or packet.step is not Step.SPLIT:
        return ()
    return held(packet, f"it could not be cut: {error}", context)


STEP = TaskHandler(run=cut, give_up=give_up)
