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


def a_task(name: str, *, due_in: float, created_in: float = 0.0) -> Task:
    """Its times are seconds from when the test runs."""
    return Task(id=name, kind="announce", subject="doc_a", due_at=due_in, created_at=created_in)


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
        ([a_task("written by a clock that was ahead", due_in=3000, created_in=3000)], True),
    ],
    ids=["nothing", "open", "in review", "to be forgotten", "to be done", "reminded later", "both", "brought back"],
)
async def test_it_waits_for_what_will_still_happen(records: list[Document | Task], busy: bool) -> None:
    store = MemoryStore()
    now = time.time()
    for record in records:
        times = {}
        if isinstance(record, Task):
            times = {"due_at": now + record.due_at, "created_at": now + record.created_at}
        await store.apply(Insert(changed(record, **times)))
    assert await is_busy(store) is busy
