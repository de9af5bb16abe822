"""Supersede: writes into the manifest of an earlier copy that it no longer counts, or counts again after an undo.

An earlier plan delivered the copy, which stays. The manifest says since when another place counts, and which one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from receiver.core.change import Replace, Write
from receiver.core.delivery_request import CopyMark
from receiver.core.document import Delivery, Document
from receiver.core.follow_up import mark_of, mark_outdated, mark_task
from receiver.core.ids import place
from receiver.core.object_key import stored_url
from receiver.core.task import Task
from receiver.destination_traits import MarksCopies
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.pause import check_again_at, paused_until


async def supersede(task: Task, context: Context) -> StepResult:
    """Marks one copy by the current state of its document's record."""
    document, copy = await _copy(task, context)
    if document is None or copy is None or document.waits_for_bytes or not mark_outdated(copy, document):
        return StepResult(note="nothing to mark")
    if (until := await paused_until(place(copy.to.url), context)) is not None:
        return StepResult(note=f"{place(copy.to.url)} is paused", again_at=check_again_at(until, context))
    destination: object = context.destinations.get(copy.to.scheme)
    if isinstance(destination, MarksCopies):
        superseded = _statement(document) if copy.superseded else None
        url, options = stored_url(copy), copy.to.options
        await destination.mark(CopyMark(url=url, document_id=document.id, superseded=superseded, options=options))
    mark = mark_of(copy, document)

    async def change() -> Sequence[Write]:
        fresh, now = await _copy(task, context)
        if fresh is None or now is None:
            return ()
        marked = replace(now, mark=mark)
        after = replace(fresh, deliveries=tuple(marked if item.id == now.id else item for item in fresh.deliveries))
        # There was another decision in between. Its own task may have found nothing to mark, as this one was not done.
        again = mark_outdated(marked, after) and not after.waits_for_bytes
        return [Replace(after), *([mark_task(marked, after, now=context.clock())] if again else [])]

    return StepResult(note="superseded" if copy.superseded else "counts again", change=change)


async def _copy(task: Task, context: Context) -> tuple[Document | None, Delivery | None]:
    document = await context.store.get(Document, task.subject)
    return document, document.delivery(task.details["delivery_id"]) if document else None


def _statement(document: Document) -> dict[str, Any]:
    """What the manifest of a superseded copy says: since when, why, and where the document is now."""
    plan = document.plan or (document.set_aside.plan if document.set_aside else None)
    at = datetime.fromtimestamp(plan.decided_at if plan else document.taken_in_at, UTC)
    reason = plan.reason if plan else ""
    return {"at": at.isoformat(timespec="seconds"), "reason": reason, "locations": list(document.locations)}


STEP = TaskHandler(run=supersede)
