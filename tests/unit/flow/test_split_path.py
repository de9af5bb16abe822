"""LlamaCloud's two split paths: the current one, and the beta one where the current is not served, or was asked for."""

from itertools import pairwise

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import NotServed
from receiver.core.job import JobKind, JobReport
from receiver.ports import Order
from tests.desk import Desk
from tests.papers import packet_bytes
from tests.unit.flow.test_packets import ARCHIVED, LETTERS, WHOLE

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def archive(desk: Desk) -> None:
    desk.use(ARCHIVED)


class WithoutCurrentPath:
    """LlamaCloud as it was before its current split path."""

    def __init__(self, desk: Desk) -> None:
        self.create = desk.cloud.create
        self.asked: list[bool] = []

    async def __call__(self, order: Order) -> JobReport:
        if order.kind is JobKind.SPLIT:
            self.asked.append(order.beta)
            if not order.beta:
                raise NotServed("LlamaCloud does not serve this")
        return await self.create(order)


async def test_without_the_current_path_the_beta_one_is_taken_and_remembered(desk: Desk) -> None:
    cloud = WithoutCurrentPath(desk)
    desk.cloud.create = cloud  # type: ignore[method-assign]
    for name in ("a.pdf", "b.pdf"):
        await desk.submitted(name=name, content=packet_bytes(*LETTERS), packet=True)
    assert cloud.asked == [False, True, True]
    assert desk.cloud.orders[-1].registration is None


async def test_a_beta_job_is_looked_at_until_it_has_ended(desk: Desk) -> None:
    desk.use(ARCHIVED + "split: {path: beta}\n")
    packet = await desk.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    asked = []
    for _ in range(20):
        desk.later(1)
        asked += [desk.now for done in await desk.work() if done.task.kind == "recheck"]
    assert [round(later - earlier) for earlier, later in pairwise(asked)] == [2, 3, 4, 5, 5]
    desk.cloud.finish(packet.job_id, segments=WHOLE)
    desk.later(5)
    await desk.work()
    assert len((await desk.document(packet.id)).pieces) == 2


async def test_the_current_path_alone_is_insisted_on_when_asked(desk: Desk) -> None:
    desk.use(ARCHIVED + "split: {path: current}\n")
    desk.cloud.create = WithoutCurrentPath(desk)  # type: ignore[method-assign]
    packet = await desk.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    assert (packet.state, packet.job_id) == (DocumentState.OPEN, "")
    assert "LlamaCloud does not serve this" in packet.error


async def test_a_beta_job_whose_creation_was_answered_to_a_dead_process_is_found_again(desk: Desk) -> None:
    desk.use(ARCHIVED + "split: {path: beta}\n")
    await desk.take_in(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    (task,) = await desk.store.claim(owner="crashes", now=desk.now, lease_seconds=60)
    from receiver.flow.submit import submit

    await submit(task, desk.tools)  # all its effects, and then nothing is written
    desk.cloud.by_transaction = {"another": "job-1"}  # the beta path knows no transaction id
    await desk.workers_die()
    await desk.work()
    assert [order.beta for order in desk.cloud.orders] == [True]
    (packet,) = [one for one in await desk.all(Document) if one.packet]
    assert packet.job_id == "job-1"
