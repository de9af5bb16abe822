"""Updates the state of a document that contains others (a packet, a mail) when theirs change.

The container is open while one of its documents is open, in review while one is in review, and otherwise failed or
routed; ``Document.parts_state`` is the combined state. When a document settles, or a person reopens it, the same change
writes a task to check its container (core/follow_up.py). So even after a crash, the last check sees the last change.
"""

from collections.abc import Sequence
from dataclasses import replace

from receiver.core.change import Replace, Write
from receiver.core.document import Document, DocumentState, Step, worst
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.task import Task
from receiver.packets import archive, mail_archive
from receiver.packets.pieces import piece_ids
from receiver.pipeline.context import Context, StepResult, TaskHandler


def part_ids(container: Document) -> list[str]:
    """The ids of the documents that were made from this one, in order."""
    return mail_archive.document_ids(container) if container.mail else piece_ids(container)


async def update_parent(task: Task, context: Context) -> StepResult:
    """Sets the container's state to the combined state of its documents.

    The container is read before its documents, and written even if it does not change. Of two concurrent checks, the
    one that read earlier therefore fails with a conflict, and runs again.
    """

    async def change() -> Sequence[Write]:
        container = await context.store.get(Document, task.subject)
        if container is None or not part_ids(container):
            return ()
        amount = await _amount(container, task.details["piece"], context)
        if archive.waits_for_pieces(container) or mail_archive.waits_for_documents(container):
            return _finished(container, amount, context)
        return _moved(container, amount, context) if container.plan is not None else ()

    return StepResult(note="follows the state of its parts", change=change)


async def _amount(container: Document, newest: str, context: Context) -> DocumentState:
    """The combined state of the container's documents. The first one that is open or missing decides."""
    states = []
    for item in _nearest_first(part_ids(container), newest):
        part = await context.store.get(Document, item)
        if part is None or part.state is DocumentState.OPEN:
            return DocumentState.OPEN
        states.append(part.state)
    return worst(states)


def _nearest_first(ids: list[str], newest: str) -> list[str]:
    """The ids, the neighbours of the newest first: documents settle in order, so its neighbours may still be open."""
    at = ids.index(newest) if newest in ids else 0
    return [ids[place] for place in sorted(range(len(ids)), key=lambda place: abs(place - at))]


def _finished(container: Document, amount: DocumentState, context: Context) -> Sequence[Write]:
    """Archives a packet or a mail as soon as none of its documents is open."""
    if amount is DocumentState.OPEN:
        return ()
    archived = mail_archive.archived_mail if container.mail else archive.archived_packet
    after = archived(replace(container, parts_state=amount), context)
    return Replace(after), *delivery_tasks(after, now=context.clock())


def _moved(container: Document, amount: DocumentState, context: Context) -> Sequence[Write]:
    """Moves a container that has its plan to the state of its documents, back to open if need be."""
    now = context.clock()
    after = replace(container, parts_state=amount)
    if amount is DocumentState.OPEN and container.state is not DocumentState.OPEN:
        after = replace(after, step=Step.DECIDED, deadline=now + context.config.deadline_seconds)
    if amount is not container.parts_state:
        after = after.note(now, "checked", f"its parts are {amount}")
    after = after.settle()
    return Replace(after), *container_tasks([Replace(after)], now=now, reopened=True)


STEP = TaskHandler(run=update_parent)
