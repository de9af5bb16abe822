"""A replay of all documents and tasks that a filter selects: what it does to each, and what resubmitting costs."""

from dataclasses import dataclass
from typing import Any

from receiver.core.errors import Malformed
from receiver.core.price import Price, price_of
from receiver.core.quantity import quantity
from receiver.operations.replay import Replay, ReplayFilter, carry_out, foreseen, selected_documents, written
from receiver.operations.replay_task import TaskReplay, chosen_tasks, foreseen_task
from receiver.pipeline.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkReplay:
    """What was done, or would be done, to each."""

    items: list[Replay | TaskReplay]
    resubmitted: int
    price: Price

    def shown(self) -> dict[str, Any]:
        """As the HTTP API and ``--json`` show it."""
        count = quantity(self.resubmitted, "document")
        price = f"{count} without a result will be resubmitted: {self.price}" if self.resubmitted else None
        return {"replayed": [_shown(item) for item in self.items], "price": price}


def _shown(item: Replay | TaskReplay) -> dict[str, str]:
    if isinstance(item, Replay):
        about = {"document_id": item.document.id, "name": item.document.name}
    else:
        about = {"task_id": item.task.id, "kind": item.task.kind}
    return {**about, "action": item.action, "detail": item.detail}


async def replay_all(
    choice: ReplayFilter, context: Context, *, who: str, dry_run: bool, most: int | None = None
) -> BulkReplay:
    """Replays all that are selected, on behalf of ``who``. Raises Malformed for more than ``most``, writing nothing."""
    planned: list[Replay] = []
    async for document in selected_documents(choice, context):
        planned.append(await foreseen(document, choice, context, who=who))
        if most is not None and len(planned) > most:
            raise Malformed(f"more than {most} documents match: give a smaller selection")
    paid = [item.document for item in planned if item.action == "resubmit"]
    done: list[Replay | TaskReplay] = [
        item if dry_run else await _replayed(item, choice, context, who) for item in planned
    ]
    async for task in chosen_tasks(choice, context):
        resumed = await foreseen_task(task, context, who=who)
        if not dry_run:
            await written(resumed.writes, context)
        done.append(resumed)
    return BulkReplay(items=done, resubmitted=len(paid), price=price_of(paid))


async def _replayed(item: Replay, choice: ReplayFilter, context: Context, who: str) -> Replay:
    """The replay as it was written: planned again if the document changed in between."""
    if await carry_out(item, context):
        return item
    again = await foreseen(item.document, choice, context, who=who)
    await carry_out(again, context)
    return again
