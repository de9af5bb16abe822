"""The task queue contract over both bells, and what is SQS's alone, as ministack emulates it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws
from receiver.core.errors import Misconfigured, Transient
from receiver.ports import Message, TaskQueue
from receiver.queue.local import LocalQueue
from receiver.queue.sqs import SqsQueue
from tests.contracts.task_queue import TaskQueueContract, heard, silent

_numbers = count(1)


class TestLocalQueue(TaskQueueContract):
    @pytest.fixture
    async def queue(self) -> AsyncIterator[TaskQueue]:
        made = LocalQueue()
        yield made
        await made.close()


@pytest.fixture
def queue_name(local_aws: LocalAws) -> str:
    """A queue of this test's own, with a dead-letter queue behind it."""
    name = f"bell-{next(_numbers)}"
    sqs = local_aws.client("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})}
    sqs.create_queue(QueueName=name, Attributes=redrive)
    return name


OpenQueue = Callable[..., SqsQueue]


@pytest.fixture
async def open_queue(local_aws: LocalAws, queue_name: str) -> AsyncIterator[OpenQueue]:
    """Opens bells on the queue, of one worker each."""
    opened: list[SqsQueue] = []

    def item(**given: Any) -> SqsQueue:
        usual = {"client": partial(local_aws.client, "sqs"), "visibility_seconds": 30.0}
        opened.append(SqsQueue(queue_name, **{**usual, **given}))
        return opened[-1]

    yield item
    for task_queue in opened:
        await task_queue.close()


@pytest.mark.aws
class TestSqsQueue(TaskQueueContract):
    @pytest.fixture
    def queue(self, open_queue: OpenQueue) -> TaskQueue:
        return open_queue()


@pytest.mark.aws
@pytest.mark.anyio
class TestSqs:
    async def test_a_ring_goes_to_one_worker(self, open_queue: OpenQueue) -> None:
        first, other = open_queue(), open_queue()
        await first.enqueue("a")
        messages = await first.receive(timeout_seconds=5)
        assert [message.task_id for message in messages] == ["a"]
        assert await silent(other)

    async def test_a_ring_is_out_of_sight_for_as_long_as_it_takes(self, open_queue: OpenQueue) -> None:
        first, other = open_queue(visibility_seconds=1), open_queue(visibility_seconds=1)
        await first.enqueue("slow")
        tending = asyncio.create_task(first.keep_leased())
        messages = await first.receive(timeout_seconds=5)
        assert await other.receive(timeout_seconds=3) == []
        await first.ack(*messages)
        tending.cancel()
        assert await other.receive(timeout_seconds=2) == []

    async def test_a_ring_that_nothing_could_be_done_about_comes_again(self, open_queue: OpenQueue) -> None:
        queue = open_queue(visibility_seconds=1)
        await queue.enqueue("again")
        await queue.nack(*await queue.receive(timeout_seconds=5))
        await heard(queue, ["again"])

    async def test_the_ring_of_a_worker_that_died_comes_to_another(self, open_queue: OpenQueue) -> None:
        dead, other = open_queue(visibility_seconds=1), open_queue()
        await dead.enqueue("orphan")
        assert await dead.receive(timeout_seconds=5)
        await dead.close()
        await heard(other, ["orphan"])

    async def test_what_comes_while_nobody_waits_any_more_is_given_back(self, open_queue: OpenQueue) -> None:
        leaving, staying = open_queue(), open_queue()
        waiting = asyncio.create_task(leaving.receive(timeout_seconds=5))
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await staying.enqueue("left")
        await leaving.close()
        await heard(staying, ["left"])

    async def test_no_more_rings_are_taken_than_there_are_hands(self, open_queue: OpenQueue) -> None:
        queue = open_queue()
        await queue.enqueue(*(f"task-{number}" for number in range(8)))
        assert len(await queue.receive(timeout_seconds=5, limit=3)) <= 3
        assert len(await queue.receive(timeout_seconds=5, limit=100)) <= 10

    @pytest.mark.parametrize("body", ["ding", "[]", "[" * 100_000, '{"task": 5}', '{"task": ""}', "{}", "null"])
    async def test_what_nobody_can_read_becomes_a_dead_letter(
        self, open_queue: OpenQueue, queue_name: str, local_aws: LocalAws, body: str
    ) -> None:
        task_queue = open_queue(visibility_seconds=1)
        sqs = local_aws.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue_name)["QueueUrl"], MessageBody=body)
        async with asyncio.timeout(20):
            while not local_aws.messages(f"{queue_name}-dead"):
                assert await task_queue.receive(timeout_seconds=1) == []
        assert [item["Body"] for item in local_aws.messages(f"{queue_name}-dead")] == [body]
        await task_queue.enqueue("good")
        await heard(task_queue, ["good"])

    async def test_a_queue_may_be_named_by_its_address(self, local_aws: LocalAws, queue_name: str) -> None:
        sqs = local_aws.client("sqs")
        task_queue = SqsQueue(sqs.get_queue_url(QueueName=queue_name)["QueueUrl"], client=lambda: sqs)
        await task_queue.enqueue("a")
        await heard(task_queue, ["a"])
        await task_queue.close()

    async def test_a_queue_that_is_not_there_is_named_with_the_fix(self, local_aws: LocalAws) -> None:
        queue = SqsQueue("nowhere", client=partial(local_aws.client, "sqs"))
        for work in (queue.enqueue("a"), queue.receive(timeout_seconds=1)):
            with pytest.raises(Transient, match="sqs://nowhere") as error:
                await work
            assert "aws sqs create-queue --queue-name nowhere" in error.value.fix
        await queue.close()

    async def test_a_fifo_queue_is_refused(self) -> None:
        with pytest.raises(Misconfigured, match=r"bell\.fifo is a FIFO queue"):
            SqsQueue("bell.fifo")


class Partial:
    """A queue that takes only some of what it is given, the first ``refusals`` times."""

    def __init__(self, refusals: int, *, own_fault: bool = False) -> None:
        self._refusals = refusals
        self._own_fault = own_fault
        self.taken: list[str] = []
        self.requests = 0

    def get_queue_url(self, QueueName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 names it
        return {"QueueUrl": f"http://queue/{QueueName}"}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.requests += 1
        assert len(Entries) <= 10
        assert len({item["Id"] for item in Entries}) == len(Entries)
        refused = Entries[::2] if self.requests <= self._refusals else []
        self.taken += [json.loads(item["MessageBody"])["task"] for item in Entries if item not in refused]
        failed = [{"Id": item["Id"], "Code": "InternalError", "SenderFault": self._own_fault} for item in refused]
        return {"Successful": [], "Failed": failed}

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.anyio
class TestPartialFailures:
    async def test_what_was_not_taken_is_sent_again_and_nothing_else(self) -> None:
        queue = Partial(refusals=2)
        task_queue = SqsQueue("q", client=lambda: queue)
        ids = [f"t{number}" for number in range(7)]
        await task_queue.enqueue(*ids)
        assert sorted(queue.taken) == ids
        await task_queue.close()

    async def test_what_is_never_taken_is_said(self) -> None:
        queue = Partial(refusals=99)
        task_queue = SqsQueue("q", client=lambda: queue)
        with pytest.raises(Transient, match="rejected 1 of 3"):
            await task_queue.enqueue("a", "b", "c")
        assert queue.taken == ["b", "c"]
        await task_queue.close()

    async def test_acking_what_the_queue_has_forgotten_is_no_error(self, local_aws: LocalAws, queue_name: str) -> None:
        task_queue = SqsQueue(queue_name, client=partial(local_aws.client, "sqs"))
        await task_queue.ack(Message("gone", handle="not-a-handle"))
        await task_queue.close()
