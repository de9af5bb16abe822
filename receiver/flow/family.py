"""Family: a document that others came out of (a packet, with its pieces; a mail) has the state of these.

It is open while one of them is open, waits in review while one waits in review, and has failed or is routed otherwise:
``Document.parts_state`` is what they amount to. When one settles, or is opened again by a person, a task to look at its
container is written in the same change; so whatever crashes in between, the last look sees the last change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from receiver.core.change import Ensure, Insert, Update, Write
from receiver.core.document import Document, DocumentState, Step, worst
from receiver.core.naming import task_id
from receiver.core.task import Task
from receiver.flow import mail_record, packet
from receiver.flow.deliver import delivery_tasks
from receiver.flow.pieces import piece_ids
from receiver.flow.tools import Outcome, StepOf, Tools


def container_of(document: Document) -> str:
    """The id of the document that this one came out of, "" when it came by itself."""
    return document.parent_id


def part_ids(container: Document) -> list[str]:
    """The ids of the documents that came out of this one, in order."""
    return mail_record.document_ids(container) if container.mail else piece_ids(container)


def news(writes: Sequence[Write], *, now: float, reopened: bool = False) -> list[Ensure]:
    """The tasks to look at the containers of what settles by these writes; they belong into the same change.

    ``reopened`` says that what is open in them was settled before, as when a person routes a piece anew.
    """
    return [
        Ensure(look_at(container_of(one), one.id, one.version, now=now))
        for one in _documents(writes)
        if container_of(one) and (reopened or one.state is not DocumentState.OPEN)
    ]


def _documents(writes: Sequence[Write]) -> Iterator[Document]:
    for write in writes:
        record = write.record if isinstance(write, Insert | Ensure | Update) else None
        if isinstance(record, Document):
            yield record


def look_at(container_id: str, *because: str | int, now: float) -> Task:
    """The task to look at a container; ``because`` (one of its documents, and which change of it) tells it apart."""
    return Task(
        id=task_id("packet", container_id, *because),
        kind="packet",
        subject=container_id,
        due_at=now,
        created_at=now,
        details={"piece": str(because[0])},
    )


async def look(task: Task, tools: Tools) -> Outcome:
    """Gives the container the state of what came out of it.

    The container is read before its parts, and written even when it stays what it is: so of two looks at once the one
    that saw less is refused, and looks again.
    """

    async def change() -> Sequence[Write]:
        container = await tools.store.get(Document, task.subject)
        if container is None or not part_ids(container):
            return ()
        amount = await _amount(container, task.details["piece"], tools)
        if packet.waits_for_pieces(container) or mail_record.waits_for_documents(container):
            return _finished(container, amount, tools)
        return _moved(container, amount, tools) if container.plan is not None else ()

    return Outcome(note="has the state of what came out of it", change=change)


async def _amount(container: Document, newest: str, tools: Tools) -> DocumentState:
    """What the documents that came out of the container amount to. The first that is open, or not there, tells."""
    states = []
    for one in _nearest_first(part_ids(container), newest):
        part = await tools.store.get(Document, one)
        if part is None or part.state is DocumentState.OPEN:
            return DocumentState.OPEN
        states.append(part.state)
    return worst(states)


def _nearest_first(ids: list[str], newest: str) -> list[str]:
    """The neighbours of the one that just settled come first: they settle in a row, so the next one may be open."""
    at = ids.index(newest) if newest in ids else 0
    return [ids[place] for place in sorted(range(len(ids)), key=lambda place: abs(place - at))]


def _finished(container: Document, amount: DocumentState, tools: Tools) -> Sequence[Write]:
    """A packet, or a mail, is archived as soon as nothing that came out of it is open."""
    if amount is DocumentState.OPEN:
        return ()
    archived = mail_record.finished if container.mail else packet.finished
    after = archived(replace(container, parts_state=amount), tools)
    return Update(after), *delivery_tasks(after, tools)


def _moved(container: Document, amount: DocumentState, tools: Tools) -> Sequence[Write]:
    """One that has its plan follows its parts, back to open and forth again."""
    now = tools.clock()
    after = replace(container, parts_state=amount)
    if amount is DocumentState.OPEN and container.state is not DocumentState.OPEN:
        after = replace(after, step=Step.DECIDED, deadline=now + tools.config.deadline_seconds)
    if amount is not container.parts_state:
        after = after.note(now, "looked at", f"what came out of it is {amount}")
    after = after.settle()
    return Update(after), *news([Update(after)], now=now, reopened=True)


STEP = StepOf(run=look)
