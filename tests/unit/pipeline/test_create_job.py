"""LlamaCloud's two split paths: the current one, and the beta one where the current is not served, or was asked for."""

from itertools import pairwise

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import NotServed
from receiver.core.job import JobKind, JobReport, JobRequest
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import packet_bytes
from tests.unit.packets.test_packets import ARCHIVED, LETTERS, WHOLE

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def archive(app: InMemoryApp) -> None:
    app.use(ARCHIVED)


class WithoutCurrentPath:
    """LlamaCloud as it was before its current split path."""

    def __init__(self, app: InMemoryApp) -> None:
        self.create = app.cloud.create
        self.asked: list[bool] = []

    async def __call__(self, order: JobRequest) -> JobReport:
        if order.kind is JobKind.SPLIT:
            self.asked.append(order.beta)
            if not order.beta:
                raise NotServed("LlamaCloud has no such resource")
        return await self.create(order)


async def test_without_the_current_path_the_beta_one_is_taken_and_remembered(app: InMemoryApp) -> None:
    cloud = WithoutCurrentPath(app)
    app.cloud.create = cloud  # type: ignore[method-assign]
    for name in ("a.pdf", "b.pdf"):
        await app.submitted(name=name, content=packet_bytes(*LETTERS), packet=True)
    assert cloud.asked == [False, True, True]
    assert app.cloud.orders[-1].registration is None


async def test_a_beta_job_is_looked_at_until_it_has_ended(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {path: beta}\n")
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    asked = []
    for _ in range(20):
        app.later(1)
        asked += [app.now for done in await app.work() if done.task.kind == "recheck"]
    assert [round(later - earlier) for earlier, later in pairwise(asked)] == [2, 3, 4, 5, 5]
    app.cloud.finish(packet.job_id, segments=WHOLE)
    app.later(5)
    await app.work()
    assert len((await app.document(packet.id)).pieces) == 2


async def test_the_current_path_alone_is_insisted_on_when_asked(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {path: current}\n")
    app.cloud.create = WithoutCurrentPath(app)  # type: ignore[method-assign]
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    assert (packet.state, packet.job_id) == (DocumentState.OPEN, "")
    assert "LlamaCloud has no such resource" in packet.error


async def test_a_beta_job_whose_creation_was_answered_to_a_dead_process_is_found_again(app: InMemoryApp) -> None:
    app.use(ARCHIVED + "split: {path: beta}\n")
    await app.ingest(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    (task,) = await app.store.claim(owner="crashes", now=app.now, lease_seconds=60)
    from receiver.pipeline.submit import submit

    await submit(task, app.context)  # all its effects, and then nothing is written
    app.cloud.by_transaction = {"another": "job-1"}  # the beta path knows no transaction id
    await app.workers_die()
    await app.work()
    assert [order.beta for order in app.cloud.orders] == [True]
    (packet,) = [item for item in await app.all(Document) if item.packet]
    assert packet.job_id == "job-1"
