"""The doorbell contract over both bells, and what is SQS's alone, as ministack emulates it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from handlers.local_aws import LocalAws
from receiver.core.errors import Misconfigured, Transient
from receiver.ports import Doorbell, Ring
from receiver.queue.local import LocalDoorbell
from receiver.queue.sqs import SqsDoorbell
from tests.contracts.doorbell import DoorbellContract, heard, silent

_numbers = count(1)


class TestLocalDoorbell(DoorbellContract):
    @pytest.fixture
    async def bell(self) -> AsyncIterator[Doorbell]:
        bell = LocalDoorbell()
        yield bell
        await bell.close()


@pytest.fixture
def queue(local_aws: LocalAws) -> str:
    """A queue of this test's own, with a dead-letter queue behind it."""
    name = f"bell-{next(_numbers)}"
    sqs = local_aws.client("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})}
    sqs.create_queue(QueueName=name, Attributes=redrive)
    return name


Ringing = Callable[..., SqsDoorbell]


@pytest.fixture
async def ringing(local_aws: LocalAws, queue: str) -> AsyncIterator[Ringing]:
    """Opens bells on the queue, of one worker each."""
    opened: list[SqsDoorbell] = []

    def one(**given: Any) -> SqsDoorbell:
        usual = {"client": partial(local_aws.client, "sqs"), "visibility_seconds": 30.0}
        opened.append(SqsDoorbell(queue, **{**usual, **given}))
        return opened[-1]

    yield one
    for bell in opened:
        await bell.close()


@pytest.mark.aws
class TestSqsDoorbell(DoorbellContract):
    @pytest.fixture
    def bell(self, ringing: Ringing) -> Doorbell:
        return ringing()


@pytest.mark.aws
@pytest.mark.anyio
class TestSqs:
    async def test_a_ring_goes_to_one_worker(self, ringing: Ringing) -> None:
        one, other = ringing(), ringing()
        await one.ring("a")
        rings = await one.wait(timeout_seconds=5)
        assert [ring.task_id for ring in rings] == ["a"]
        assert await silent(other)

    async def test_a_ring_is_out_of_sight_for_as_long_as_it_takes(self, ringing: Ringing) -> None:
        one, other = ringing(visibility_seconds=1), ringing(visibility_seconds=1)
        await one.ring("slow")
        tending = asyncio.create_task(one.tend())
        rings = await one.wait(timeout_seconds=5)
        assert await other.wait(timeout_seconds=3) == []
        await one.answered(*rings)
        tending.cancel()
        assert await other.wait(timeout_seconds=2) == []

    async def test_a_ring_that_nothing_could_be_done_about_comes_again(self, ringing: Ringing) -> None:
        bell = ringing(visibility_seconds=1)
        await bell.ring("again")
        await bell.unanswered(*await bell.wait(timeout_seconds=5))
        await heard(bell, ["again"])

    async def test_the_ring_of_a_worker_that_died_comes_to_another(self, ringing: Ringing) -> None:
        dead, other = ringing(visibility_seconds=1), ringing()
        await dead.ring("orphan")
        assert await dead.wait(timeout_seconds=5)
        await dead.close()
        await heard(other, ["orphan"])

    async def test_what_comes_while_nobody_waits_any_more_is_given_back(self, ringing: Ringing) -> None:
        leaving, staying = ringing(), ringing()
        waiting = asyncio.create_task(leaving.wait(timeout_seconds=5))
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await staying.ring("left")
        await leaving.close()
        await heard(staying, ["left"])

    async def test_no_more_rings_are_taken_than_there_are_hands(self, ringing: Ringing) -> None:
        bell = ringing()
        await bell.ring(*(f"task-{number}" for number in range(8)))
        assert len(await bell.wait(timeout_seconds=5, limit=3)) <= 3
        assert len(await bell.wait(timeout_seconds=5, limit=100)) <= 10

    @pytest.mark.parametrize("body", ["ding", "[]", "[" * 100_000, '{"task": 5}', '{"task": ""}', "{}", "null"])
    async def test_what_nobody_can_read_becomes_a_dead_letter(
        self, ringing: Ringing, queue: str, local_aws: LocalAws, body: str
    ) -> None:
        bell = ringing(visibility_seconds=1)
        sqs = local_aws.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body)
        async with asyncio.timeout(20):
            while not local_aws.messages(f"{queue}-dead"):
                assert await bell.wait(timeout_seconds=1) == []
        assert [one["Body"] for one in local_aws.messages(f"{queue}-dead")] == [body]
        await bell.ring("good")
        await heard(bell, ["good"])

    async def test_a_queue_may_be_named_by_its_address(self, local_aws: LocalAws, queue: str) -> None:
        sqs = local_aws.client("sqs")
        bell = SqsDoorbell(sqs.get_queue_url(QueueName=queue)["QueueUrl"], client=lambda: sqs)
        await bell.ring("a")
        await heard(bell, ["a"])
        await bell.close()

    async def test_a_queue_that_is_not_there_is_named_with_the_fix(self, local_aws: LocalAws) -> None:
        bell = SqsDoorbell("nowhere", client=partial(local_aws.client, "sqs"))
        for work in (bell.ring("a"), bell.wait(timeout_seconds=1)):
            with pytest.raises(Transient, match="sqs://nowhere") as error:
                await work
            assert "aws sqs create-queue --queue-name nowhere" in error.value.fix
        await bell.close()

    async def test_a_fifo_queue_is_refused(self) -> None:
        with pytest.raises(Misconfigured, match=r"bell\.fifo is a FIFO queue"):
            SqsDoorbell("bell.fifo")


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
        assert len({one["Id"] for one in Entries}) == len(Entries)
        refused = Entries[::2] if self.requests <= self._refusals else []
        self.taken += [json.loads(one["MessageBody"])["task"] for one in Entries if one not in refused]
        failed = [{"Id": one["Id"], "Code": "InternalError", "SenderFault": self._own_fault} for one in refused]
        return {"Successful": [], "Failed": failed}

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.anyio
class TestPartialFailures:
    async def test_what_was_not_taken_is_sent_again_and_nothing_else(self) -> None:
        queue = Partial(refusals=2)
        bell = SqsDoorbell("q", client=lambda: queue)
        ids = [f"t{number}" for number in range(7)]
        await bell.ring(*ids)
        assert sorted(queue.taken) == ids
        await bell.close()

    async def test_what_is_never_taken_is_said(self) -> None:
        queue = Partial(refusals=99)
        bell = SqsDoorbell("q", client=lambda: queue)
        with pytest.raises(Transient, match="did not take 1 of 3"):
            await bell.ring("a", "b", "c")
        assert queue.taken == ["b", "c"]
        await bell.close()

    async def test_a_ring_is_answered_even_if_the_queue_has_forgotten_it(self, local_aws: LocalAws, queue: str) -> None:
        bell = SqsDoorbell(queue, client=partial(local_aws.client, "sqs"))
        await bell.answered(Ring("gone", handle="not-a-handle"))
        await bell.close()
