"""A replayed task, and the document that had been closed by its giving up."""

from pathlib import Path

import pytest

from receiver.core.change import Insert, Record
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState, Step
from receiver.core.errors import NotAllowed, NotFound
from receiver.core.plan import Plan, Target, Way
from receiver.core.task import Task, TaskState
from receiver.operations.replay_task import replay_task
from receiver.pipeline.context import Context
from tests.builders import NOW, a_document, a_job, a_task
from tests.receivers import an_app

pytestmark = pytest.mark.anyio
TO = Target(url="folder:///tmp/x/")
PLAN = Plan(way=Way.MATCHED, route="invoice", reason="it is one", to=(TO,))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return an_app(tmp_path).context


async def replayed(context: Context, task: Task, *records: Record) -> Document:
    await context.store.apply(*(Insert(record) for record in (task, *records)))
    again = await replay_task(task.id, context, who="Ada")
    assert (again.state, again.attempts) == (TaskState.READY, 0)
    assert await context.store.get(Task, task.id) == again
    document = await context.store.get(Document, "doc-1")
    assert document is not None
    return document


async def test_a_parked_reaction_opens_its_document_again_where_it_was(context: Context) -> None:
    held = a_document(
        id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED, error="its result could not be fetched"
    )
    task = a_task(kind="react", subject="job-1", state=TaskState.PARKED, attempts=8)
    document = await replayed(context, task, held, a_job(id="job-1", document_id="doc-1"))
    assert (document.state, document.step, document.error) == (DocumentState.OPEN, Step.SUBMITTED, "")
    assert document.deadline == NOW + context.config.deadline_seconds
    assert document.history[-1].detail.endswith("Ada")


async def test_a_parked_delivery_is_pending_again(context: Context) -> None:
    failed = Delivery(id="dlv-1", to=TO, route="invoice", state=DeliveryState.FAILED, error="no such bucket")
    review = a_document(id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED, plan=PLAN, deliveries=(failed,))
    details = {"delivery_id": "dlv-1", "to": TO.url}
    task = a_task(kind="deliver", subject="doc-1", state=TaskState.PARKED, attempts=8, details=details)
    document = await replayed(context, task, review)
    assert (document.state, document.step) == (DocumentState.OPEN, Step.DECIDED)
    assert [(item.state, item.error) for item in document.deliveries] == [(DeliveryState.PENDING, "")]


async def test_what_is_settled_stays_settled(context: Context) -> None:
    routed = a_document(id="doc-1", state=DocumentState.ROUTED, step=Step.SETTLED, plan=PLAN)
    assert await replayed(context, a_task(kind="submit", subject="doc-1", state=TaskState.DONE), routed) == routed


async def test_a_task_that_is_waiting_or_not_there_cannot_be_replayed(context: Context) -> None:
    await context.store.apply(Insert(a_task(id="waiting")))
    with pytest.raises(NotAllowed):
        await replay_task("waiting", context)
    with pytest.raises(NotFound):
        await replay_task("nowhere", context)
