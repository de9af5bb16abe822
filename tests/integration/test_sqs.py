"""What only SQS can get wrong: order, deduplication, names of queues, sizes."""

import json
from itertools import count

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.destinations.queue_address import queue_name, queue_of
from handlers.destinations.sqs import Sqs
from receiver.aws.boto import Aws
from receiver.core.document import Classification
from receiver.core.errors import DestinationBusy, Unroutable
from receiver.core.plan import Target
from tests.delivery_requests import a_delivery_request

pytestmark = [pytest.mark.anyio, pytest.mark.aws]

_names = count(1)


def _queue(aws: LocalAws, suffix: str = "") -> str:
    url = f"sqs://sqs-{next(_names)}{suffix}"
    aws.make([Target(url=url)])
    return url


async def test_attributes_can_be_filtered_by(local_aws: LocalAws) -> None:
    queue = _queue(local_aws)
    found = Classification(type="Straßenkarte", confidence=0.5)
    receipt = await Sqs(local_aws.aws).deliver(a_delivery_request(queue, classification=found, id="doc-1"))
    attributes = local_aws.message(receipt.location)["MessageAttributes"]
    assert {name: item["StringValue"] for name, item in attributes.items()} == {
        "event": "mailroom.document.routed", "way": "matched", "review": "false", "type": "Straßenkarte",
        "confidence": "0.5000", "document_id": "doc-1", "route": "invoices",
    }  # fmt: skip
    assert attributes["confidence"]["DataType"] == "Number"


@pytest.mark.parametrize(("options", "group"), [({}, "batch-7"), ({"group": "type"}, "invoice")])
async def test_a_fifo_queue_keeps_a_batch_or_a_type_in_order(
    local_aws: LocalAws, options: dict[str, str], group: str
) -> None:
    queue = _queue(local_aws, ".fifo")
    request = a_delivery_request(queue, options=options, batch_id="batch-7")
    receipt = await Sqs(local_aws.aws).deliver(request)
    message = local_aws.message(receipt.location)
    assert message["MessageGroupId"] == group
    assert message["MessageDeduplicationId"] == request.delivery_id


async def test_two_deliveries_to_one_fifo_queue_are_two_messages(local_aws: LocalAws) -> None:
    queue, sqs = _queue(local_aws, ".fifo"), Sqs(local_aws.aws)
    for delivery_id in ("dlv_1", "dlv_2", "dlv_1"):
        await sqs.deliver(a_delivery_request(queue, delivery_id=delivery_id))
    assert [json.loads(item["Body"])["id"] for item in local_aws.messages(queue)] == ["dlv_1", "dlv_2"]


async def test_a_hostile_batch_or_type_is_no_bad_message(local_aws: LocalAws) -> None:
    queue = _queue(local_aws, ".fifo")
    hostile = Classification(type="a\x00b\r\n📮" + "x" * 500, confidence=1.0, reasoning="\x00\x1f\ufffe\ud83d")
    for group in ("batch", "type"):
        request = a_delivery_request(
            queue, options={"group": group}, classification=hostile, batch_id="ü / \n" * 90, delivery_id=f"dlv_{group}"
        )
        await Sqs(local_aws.aws).deliver(request)
    assert len(local_aws.messages(queue)) == 2


async def test_the_largest_story_is_still_taken_by_the_queue(local_aws: LocalAws) -> None:
    queue = _queue(local_aws)
    request = a_delivery_request(queue, reasoning="é" * 600, metadata={f"k{n}": "é" * 500 for n in range(2000)})
    receipt = await Sqs(local_aws.aws).deliver(request)
    assert json.loads(local_aws.message(receipt.location)["Body"])["data"]["shortened"] is True


async def test_a_queue_can_be_named_by_its_address(local_aws: LocalAws) -> None:
    queue = _queue(local_aws)
    address = f"sqs://https://sqs.us-east-1.amazonaws.com/000000000000/{queue_name(queue)}"
    receipt = await Sqs(local_aws.aws).deliver(a_delivery_request(address))
    assert receipt.location.startswith(f"sqs://{local_aws.endpoint}/000000000000/{queue_name(queue)}#")
    assert len(local_aws.messages(queue)) == 1


async def test_a_queue_of_another_region_is_asked_and_signed_for_there(local_aws: LocalAws) -> None:
    address = f"sqs://https://sqs.eu-west-3.amazonaws.com/000000000000/there-{next(_names)}"
    target, sqs = Target(url=address), Sqs(local_aws.aws)
    assert len(await sqs.probe(target)) == 1
    local_aws.make([target])
    assert await sqs.probe(target) == []
    receipt = await sqs.deliver(a_delivery_request(address))
    assert local_aws.message(receipt.location)
    there = local_aws.aws.client("sqs", region="eu-west-3")
    name = queue_name(address)
    assert there.receive_message(QueueUrl=there.get_queue_url(QueueName=name)["QueueUrl"])["Messages"]
    here = local_aws.client("sqs")
    with pytest.raises(here.exceptions.QueueDoesNotExist):
        here.get_queue_url(QueueName=name)


async def test_a_queue_that_is_gone_parks_the_delivery_with_the_fix(local_aws: LocalAws) -> None:
    with pytest.raises(Unroutable, match=r"sqs://gone\.fifo does not exist") as error:
        await Sqs(local_aws.aws).deliver(a_delivery_request("sqs://gone.fifo"))
    assert "aws sqs create-queue --queue-name gone.fifo" in error.value.fix


async def test_a_queue_made_again_under_its_name_is_found_again(local_aws: LocalAws) -> None:
    queue, sqs = _queue(local_aws), Sqs(local_aws.aws)
    await sqs.deliver(a_delivery_request(queue))
    client = local_aws.client("sqs")
    client.delete_queue(QueueUrl=client.get_queue_url(QueueName=queue_name(queue))["QueueUrl"])
    with pytest.raises(Unroutable):
        await sqs.deliver(a_delivery_request(queue))
    local_aws.make([Target(url=queue)])
    await sqs.deliver(a_delivery_request(queue))
    assert len(local_aws.messages(queue)) == 1


async def test_sqs_away_means_later(closed_port: int, local_aws: LocalAws) -> None:
    nobody = f"http://127.0.0.1:{closed_port}"
    with pytest.raises(DestinationBusy, match="sqs://invoices"):
        await Sqs(Aws(credentials=local_aws.credentials, endpoint_url=nobody, attempts=1)).deliver(
            a_delivery_request("sqs://invoices")
        )


@pytest.mark.parametrize(
    ("url", "name", "address"),
    [
        ("sqs://invoices", "invoices", ""),
        ("sqs://invoices.fifo/", "invoices.fifo", ""),
        ("sqs://https://sqs.eu-central-1.amazonaws.com/1/a", "a", "https://sqs.eu-central-1.amazonaws.com/1/a"),
        ("sqs://sqs.eu-central-1.amazonaws.com/1/a", "a", "https://sqs.eu-central-1.amazonaws.com/1/a"),
    ],
)
def test_a_target_names_a_queue_or_spells_out_its_address(url: str, name: str, address: str) -> None:
    assert queue_name(url) == name
    assert queue_of(url).url == address


@pytest.mark.parametrize(
    ("url", "options", "names"),
    [
        ("sqs://in voices", {}, "is not a valid queue name"),
        ("sqs://{type}", {}, "is not a valid queue name"),
        ("sqs://" + "q" * 81, {}, "is not a valid queue name"),
        ("sqs://", {}, "is not a valid queue name"),
        ("sqs://invoices", {"group": "type"}, "FIFO"),
        ("sqs://invoices.fifo", {"group": "sender"}, "batch, type"),
    ],
)
def test_a_target_that_cannot_work_is_a_fault(url: str, options: dict[str, str], names: str) -> None:
    (fault,) = Sqs(Aws()).faults(Target(url=url, options=options))
    assert names in fault
