"""A document that contains others (a packet with its pieces, a mail) has the state of these.

It is open while one of them is open, waits in review while one waits in review, and has failed or is routed otherwise:
``Document.parts_state`` is what they amount to. When one settles, or is opened again by a person, a task to look at its
container is written in the same change (core/follow_up.py); so whatever crashes in between, the last look sees the last
change.
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
    """The ids of the documents that came out of this one, in order."""
    return mail_archive.document_ids(container) if container.mail else piece_ids(container)


async def update_parent(task: Task, context: Context) -> StepResult:
    """Gives the container the state of what came out of it.

    The container is read before its parts, and written even when it stays what it is: so of two looks at once the one
    that saw less is refused, and looks again.
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
    """What the documents that came out of the container amount to. The first that is open, or not there, tells."""
    states = []
    for item in _nearest_first(part_ids(container), newest):
        part = await context.store.get(Document, item)
        if part is None or part.state is DocumentState.OPEN:
            return DocumentState.OPEN
        states.append(part.state)
    return worst(states)


def _nearest_first(ids: list[str], newest: str) -> list[str]:
    """The neighbours of the one that just settled come first: they settle in a row, so the next one may be open."""
    at = ids.index(newest) if newest in ids else 0
    return [ids[place] for place in sorted(range(len(ids)), key=lambda place: abs(place - at))]


def _finished(container: Document, amount: DocumentState, context: Context) -> Sequence[Write]:
    """A packet, or a mail, is archived as soon as nothing that came out of it is open."""
    if amount is DocumentState.OPEN:
        return ()
    archived = mail_archive.archived_mail if container.mail else archive.archived_packet
    after = archived(replace(container, parts_state=amount), context)
    return Replace(after), *delivery_tasks(after, now=context.clock())


def _moved(container: Document, amount: DocumentState, context: Context) -> Sequence[Write]:
    """One that has its plan follows its parts, back to open and forth again."""
    now = context.clock()
    after = replace(container, parts_state=amount)
    if amount is DocumentState.OPEN and container.state is not DocumentState.OPEN:
        after = replace(after, step=Step.DECIDED, deadline=now + context.config.deadline_seconds)
    if amount is not container.parts_state:
        after = after.note(now, "checked", f"its parts are {amount}")
    after = after.settle()
    return Replace(after), *container_tasks([Replace(after)], now=now, reopened=True)


STEP = TaskHandler(run=update_parent)
