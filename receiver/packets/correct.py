"""Cuts a packet as a person requests. A packet has a record of every cut: who, when, which pages.

Existing pieces that are part of the new cut stay as they are, unless they were held for this decision. Pieces that are
not part of it are withdrawn; their deliveries stay, and stay on record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from receiver.core.change import InsertIfAbsent, Replace
from receiver.core.decision import OPERATOR
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import Malformed, NotAllowed
from receiver.core.pages import BLANK, BY_HAND, Cut, Guards, Segment, account, read_spans, spans
from receiver.core.problem import meant_or_known
from receiver.core.replan import shelved
from receiver.core.route import RouteTable
from receiver.packets.cut import cut_task
from receiver.packets.pieces import open_packet
from receiver.pipeline.content import not_viewable_unless_read, refuse_unreadable
from receiver.pipeline.context import Context
from receiver.pipeline.records import document_named
from receiver.pipeline.retired_tasks import retired


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRequest:
    """A person's request: either the pieces themselves, or pages whose pieces are to be merged into one."""

    pieces: tuple[Segment, ...] = ()
    merge: tuple[int, ...] = ()
    who: str = OPERATOR
    version: int | None = None
    """The version of the document that the person saw; None: any version."""


def read_piece(text: str) -> Segment:
    """The piece that the text ``5-13`` or ``5-13=invoice`` describes. Raises Malformed."""
    pages, _, category = text.partition("=")
    try:
        return Segment(category=category.strip(), pages=read_spans(pages), confidence=BY_HAND)
    except ValueError as error:
        raise Malformed(str(error), fix="write 1-4 5-13=invoice 14=blank") from error


async def recut(document_id: str, request: CutRequest, context: Context) -> Document:
    """The packet with its new cut; a task carries it out.

    Any PDF can be cut, including one that was not submitted as a packet. Raises NotFound, NotAllowed while the document
    is being processed, Malformed for pages that do not add up or a type that no route takes, Uncuttable, NotViewable if
    its bytes cannot be read now, Conflict if it changed since the person saw it.
    """
    document = await document_named(document_id, context.store, version=request.version)
    _refuse(document)
    await refuse_unreadable(document, context)
    if document.page_count is None:
        with not_viewable_unless_read():
            document = replace(document, page_count=await _page_count(document, context))
    after = _cut(document, request, context)
    task = cut_task(document.id, because=f"hand-{len(after.cuts)}", now=context.clock())
    await context.store.apply(Replace(after), InsertIfAbsent(task), *await retired(document, context))
    await context.enqueue(task.id)
    return replace(after, version=after.version + 1)


async def _page_count(document: Document, context: Context) -> int:
    async with open_packet(document, context) as pages:
        return pages.count


def _refuse(document: Document) -> None:
    if document.is_piece:
        fix = f"mailroom recut {document.parent_id} …"
        raise NotAllowed(f"document {document.id} is a piece: cut its packet", fix=fix)
    if document.state is DocumentState.OPEN:
        fix = f"to see what it waits for: mailroom documents {document.id}"
        raise NotAllowed(f"document {document.id} is still being processed", fix=fix)


def _cut(document: Document, request: CutRequest, context: Context) -> Document:
    now, count = context.clock(), document.page_count or 0
    pieces = _merged(document.pieces, request.merge) if request.merge else request.pieces
    result = account(pieces, count, Guards())
    if result.faults:
        raise Malformed(f"{document.name} has {count} pages: {'; '.join(result.faults)}")
    _check_types(pieces, context.config.table)
    because = f"hand-{len(document.cuts) + 1}"
    task = cut_task(document.id, because=because, now=now)
    made = Cut(at=now, by=request.who, task=task.id, pieces=result.pieces, under_way=True)
    cut = replace(
        shelved(document, context.holds),
        packet=True,
        cuts=(*document.cuts, made),
        state=DocumentState.OPEN,
        step=Step.SPLIT,
        parts_state=None,
        error="",
        deadline=now + 3 * context.config.deadline_seconds,
    )
    return cut.note(now, "cut by hand", f"{request.who}: {cut_text(result.pieces)}; before: {_before(document)}")


def _merged(pieces: Sequence[Segment], pages: Iterable[int]) -> tuple[Segment, ...]:
    """The current pieces, with those that hold any of these pages merged into one."""
    wanted = set(pages)
    touched = [item for item in pieces if wanted & set(item.pages)]
    if len(touched) < 2:
        raise Malformed(f"pages {spans(wanted)} are not in two or more pieces: there is nothing to merge")
    categories = {item.category for item in touched}
    whole = tuple(sorted(page for item in touched for page in item.pages))
    item = Segment(category=categories.pop() if len(categories) == 1 else "", pages=whole, confidence=BY_HAND)
    return (*(other for other in pieces if other not in touched), item)


def _check_types(pieces: Sequence[Segment], table: RouteTable) -> None:
    named = {item.category for item in pieces if item.category and item.confidence == BY_HAND}
    if unknown := sorted(name for name in named - {BLANK} if not table.takes(name)):
        raise Malformed(
            f"no route takes type {unknown[0]!r}; {meant_or_known(unknown[0], sorted({*table.types, BLANK}))}"
        )


def cut_text(pieces: Sequence[Segment]) -> str:
    """The pieces in words."""
    return " ".join(
        spans(item.pages).replace(" ", "") + (f"={item.category}" if item.category else "") for item in pieces
    )


def _before(document: Document) -> str:
    state = f"{document.state}" + (f", {document.type}" if document.type else "")
    return f"{state}, {cut_text(document.pieces)} by {document.cuts[-1].by}" if document.cuts else f"{state}, not cut"
