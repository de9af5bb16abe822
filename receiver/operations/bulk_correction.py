"""One decision about many documents: each is corrected separately, with its own result."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from receiver import show
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import Conflict, NotAllowed, NotFound
from receiver.operations.manual_routing import (
    Correction,
    RoutingDecision,
    carry_out_correction,
    foreseen_correction,
)
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record
from receiver.ports import Store

PAGE = 200
MOST_AT_ONCE = 1000
"""Documents that one request or command corrects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSelection:
    """Which documents: these, or all that fit every other field."""

    ids: tuple[str, ...] = ()
    state: str | None = None
    type: str | None = None
    since: float | None = None

    @property
    def empty(self) -> bool:
        """Whether it would select everything."""
        return self == DocumentSelection()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionResult:
    """What happened to one document, or would happen."""

    document_id: str
    document: Document | None = None
    """The document after the correction; before it, if nothing was written. None if there is no such document."""
    correction: Correction | None = None
    refused: str = ""
    """Why nothing was done."""

    def shown(self) -> dict[str, Any]:
        """The result as the HTTP API and ``--json`` show it."""
        about = {"document_id": self.document_id, "name": self.document.name if self.document else None}
        state = self.document.state if self.document else None
        found = {**about, "state": state, "done": self.correction is not None, "why": self.refused or None}
        if self.correction is None:
            return found
        return found | {"change": show.correction(self.correction.before, self.correction.after)}


async def selected_ids(selection: DocumentSelection, context: Context) -> list[str]:
    """The ids of the selected documents, newest first; one more than MOST_AT_ONCE if there are more."""
    if selection.ids:
        return list(dict.fromkeys(selection.ids))[: MOST_AT_ONCE + 1]
    found: list[str] = []
    async for document in documents_selected(selection, context.store):
        found.append(document.id)
        if len(found) > MOST_AT_ONCE:
            break
    return found


async def documents_selected(selection: DocumentSelection, store: Store) -> AsyncIterator[Document]:
    """The documents that fit every field but ``ids``, the newest first."""
    indexes = ("state", selection.state), ("type", selection.type)
    by, key = next(((by, key) for by, key in indexes if key), ("all", None))
    query = Query(by=by, key=key, since=selection.since, newest_first=True, limit=PAGE)
    async for document in every_record(Document, query, store):
        if selection.state in (None, document.state) and selection.type in (None, document.type):
            yield document


async def correct_each(
    ids: Sequence[str], decision: RoutingDecision, context: Context, *, dry_run: bool
) -> AsyncIterator[CorrectionResult]:
    """The result for each document, in this order. Raises Malformed for a route or type that is not in the table."""
    for document_id in ids:
        yield await _corrected(document_id, replace(decision, version=None), context, dry_run=dry_run)


async def _corrected(
    document_id: str, decision: RoutingDecision, context: Context, *, dry_run: bool
) -> CorrectionResult:
    try:
        correction = await foreseen_correction(document_id, decision, context)
        after = correction.before if dry_run else await carry_out_correction(correction, context)
        return CorrectionResult(document_id=document_id, document=after, correction=correction)
    except (NotAllowed, NotFound, Conflict) as error:
        known = await context.store.get(Document, document_id)
        return CorrectionResult(
            document_id=document_id, document=known, refused="; ".join(filter(None, (str(error), error.fix)))
        )
