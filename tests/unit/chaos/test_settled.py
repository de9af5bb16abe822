"""When a chaos run is over: nothing is open, to be done or to be forgotten any more."""

import time

import pytest

from receiver.core.change import Insert, changed
from receiver.core.document import Document, DocumentState
from receiver.core.task import Task
from receiver.store.memory import MemoryStore
from tests.builders import a_document
from tests.chaos.run import is_busy

pytestmark = pytest.mark.anyio


def a_task(name: str, *, due_in: float) -> Task:
    """Its times are seconds from when the test runs."""
    return Task(id=name, kind="announce", subject="doc_a", due_at=due_in, created_at=0.0)


@pytest.mark.parametrize(
    ("records", "busy"),
    [
        ([], False),
        ([a_document(state=DocumentState.OPEN)], True),
        ([a_document(state=DocumentState.REVIEW)], False),
        ([a_document(state=DocumentState.ROUTED)], True),
        ([a_task("deliver", due_in=3)], True),
        ([a_task("reminder", due_in=900)], False),
        ([a_task("reminder", due_in=900), a_task("deliver", due_in=3)], True),
    ],
    ids=["nothing", "open", "in review", "to be forgotten", "to be done", "reminded later", "both"],
)
async def test_it_waits_for_what_will_still_happen(records: list[Document | Task], busy: bool) -> None:
    store = MemoryStore()
    for record in records:
        due = {"due_at": time.time() + record.due_at} if isinstance(record, Task) else {}
        await store.apply(Insert(changed(record, **due)))
    assert await is_busy(store) is busy
