"""What only topics, buses and state machines can get wrong: names, ARNs, entries that fail, executions that exist."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.demo.local_aws import ACCOUNT, REGION, LocalAws
from handlers.destinations.cloudevent import cloudevent
from handlers.destinations.events import EventBridge
from handlers.destinations.message import message_attributes
from handlers.destinations.registry import destinations
from handlers.destinations.sns import SnsTopic
from handlers.destinations.states import StepFunctions
from receiver.aws.boto import Aws, DestinationAccess
from receiver.core.document import Classification
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Unroutable
from receiver.core.plan import Target
from receiver.destination_traits import TakesNames
from receiver.ports import Destination
from tests.delivery_requests import a_delivery_request
from tests.endpoints import Endpoint
from tests.integration.test_alert_channels import regions_asked

pytestmark = pytest.mark.anyio

_names = count(1)
BUS = f"events://arn:aws:events:{REGION}:{ACCOUNT}:event-bus/mail"
TOPIC = f"sns://arn:aws:sns:{REGION}:{ACCOUNT}:mail"
MACHINE = f"states://arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:mail"
CLASSES: tuple[type[SnsTopic | EventBridge | StepFunctions], ...] = (SnsTopic, EventBridge, StepFunctions)
LIMIT = 256 * 1024
"""Bytes of a message on SNS, an entry on EventBridge, the input of an execution."""


def _aws(endpoint: Endpoint) -> Aws:
    """An AWS that answers whatever the endpoint is told to."""
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": REGION}
    return Aws(credentials=keys, endpoint_url=endpoint.url, attempts=1)


def _by(url: str, aws: Aws) -> Destination:
    return destinations(aws, environ={})[url.partition(":")[0]]


def _says(endpoint: Endpoint, answer: Mapping[str, Any], *, status: int = 200) -> None:
    endpoint.status, endpoint.answer = status, json.dumps(answer).encode()
    endpoint.headers = {"content-type": "application/x-amz-json-1.1"}


@pytest.mark.parametrize(
    ("url", "code", "error"),
    [
        (BUS, "ThrottlingException", DestinationBusy),
        (BUS, "InternalException", DestinationBusy),
        (BUS, "AccessDeniedException", AccessDenied),
        (BUS, "ValidationException", Unroutable),
        (MACHINE, "ThrottlingException", DestinationBusy),
        (MACHINE, "ExecutionLimitExceeded", DestinationBusy),
        (MACHINE, "KmsThrottlingException", DestinationBusy),
        (MACHINE, "KmsAccessDeniedException", AccessDenied),
        (MACHINE, "AccessDeniedException", AccessDenied),
        (MACHINE, "StateMachineDoesNotExist", Unroutable),
        (MACHINE, "InvalidExecutionInput", Unroutable),
    ],
)
async def test_each_refusal_says_what_to_do_next(
    endpoint: Endpoint, url: str, code: str, error: type[MailroomError]
) -> None:
    destination = _by(url, _aws(endpoint))
    _says(endpoint, {"__type": code, "message": "no"}, status=400)
    with pytest.raises(error, match=code) as raised:
        if isinstance(destination, EventBridge):
            destination._found.add((DestinationAccess(), url.removeprefix("events://")))
        await destination.deliver(a_delivery_request(url))
    if error is AccessDenied:
        assert {BUS: "events:PutEvents", MACHINE: "states:StartExecution"}[url] in raised.value.fix


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("Throttled", DestinationBusy),
        ("InternalError", DestinationBusy),
        ("KMSThrottling", DestinationBusy),
        ("AuthorizationError", AccessDenied),
        ("KMSAccessDenied", AccessDenied),
        ("NotFound", Unroutable),
        ("InvalidParameter", Unroutable),
    ],
)
async def test_each_refusal_of_a_topic_says_what_to_do_next(
    endpoint: Endpoint, code: str, error: type[MailroomError]
) -> None:
    endpoint.status = 400
    endpoint.answer = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>".encode()
    with pytest.raises(error, match=code):
        await SnsTopic(_aws(endpoint), environ={}).deliver(a_delivery_request(TOPIC))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", DestinationBusy),
        ("InternalFailure", DestinationBusy),
        ("AccessDeniedException", AccessDenied),
        ("NotAuthorizedForSourceException", AccessDenied),
        ("NotAuthorizedForDetailTypeException", AccessDenied),
        ("InvalidArgument", Unroutable),
        ("MalformedDetail", Unroutable),
    ],
)
async def test_an_entry_that_failed_is_no_delivery(endpoint: Endpoint, code: str, error: type[MailroomError]) -> None:
    _says(endpoint, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]})
    with pytest.raises(error, match=code):
        await EventBridge(_aws(endpoint), environ={}).deliver(a_delivery_request(BUS))


@pytest.mark.parametrize("url", [BUS, TOPIC, MACHINE])
async def test_nobody_there_means_later(url: str, closed_port: int) -> None:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": REGION}
    nobody = Aws(credentials=keys, endpoint_url=f"http://127.0.0.1:{closed_port}", attempts=1)
    with pytest.raises(DestinationBusy):
        await _by(url, nobody).deliver(a_delivery_request(url))


@pytest.mark.aws
async def test_an_execution_that_exists_is_the_delivery(local_aws: LocalAws) -> None:
    url, states = f"states://repeated-{next(_names)}", StepFunctions(local_aws.aws, environ={})
    local_aws.make([Target(url=url)])
    first = await states.deliver(a_delivery_request(url))
    again = await states.deliver(a_delivery_request(url, reasoning="the input is another one by now"))
    assert (first.fresh, again.fresh) == (True, False)
    assert first.location == again.location
    machine = first.location.removeprefix("states://").partition("#")[0]
    (run,) = local_aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert run["name"] == a_delivery_request(url).delivery_id


@pytest.mark.aws
async def test_a_bus_that_is_not_there_gets_nothing_and_the_fix_is_told(local_aws: LocalAws) -> None:
    put = _asked_for(local_aws.client("events"), "PutEvents")
    with pytest.raises(Unroutable, match="events://nowhere does not exist") as error:
        await EventBridge(local_aws.aws, environ={}).deliver(a_delivery_request("events://nowhere"))
    assert "aws events create-event-bus --name nowhere" in error.value.fix
    assert put == []


@pytest.mark.aws
async def test_a_bus_is_looked_for_once(local_aws: LocalAws) -> None:
    url, bridge = f"events://looked-for-{next(_names)}", EventBridge(local_aws.aws, environ={})
    local_aws.make([Target(url=url)])
    looks = _asked_for(local_aws.client("events"), "DescribeEventBus")
    for delivery_id in ("dlv_1", "dlv_2"):
        await bridge.deliver(a_delivery_request(url, delivery_id=delivery_id))
    assert len(looks) == 1


async def test_a_bus_that_we_may_not_look_at_is_taken_for_there(endpoint: Endpoint) -> None:
    bridge = EventBridge(_aws(endpoint), environ={})
    _says(endpoint, {"__type": "AccessDeniedException", "message": "no"}, status=400)
    assert await bridge.probe(Target(url=BUS)) == []
    with pytest.raises(AccessDenied, match="PutEvents"):
        await bridge.deliver(a_delivery_request(BUS))


@pytest.mark.aws
async def test_a_bus_without_a_rule_is_told_of(local_aws: LocalAws) -> None:
    name = f"without-a-rule-{next(_names)}"
    local_aws.client("events").create_event_bus(Name=name)
    (said,) = await EventBridge(local_aws.aws, environ={}).probe(Target(url=f"events://{name}"))
    assert "no enabled rule" in said


@pytest.mark.aws
async def test_a_topic_without_a_subscription_is_told_of(local_aws: LocalAws) -> None:
    name = f"without-a-subscription-{next(_names)}"
    local_aws.client("sns").create_topic(Name=name)
    (said,) = await SnsTopic(local_aws.aws, environ={}).probe(Target(url=f"sns://{name}"))
    assert "no confirmed subscription" in said


@pytest.mark.aws
async def test_a_rule_can_choose_by_what_the_message_says(local_aws: LocalAws) -> None:
    url = f"events://chosen-{next(_names)}"
    local_aws.make([Target(url=url)])
    await EventBridge(local_aws.aws, environ={}).deliver(a_delivery_request(url))
    (message,) = local_aws.messages(url.removeprefix("events://"))
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("mailroom", "mailroom.document.routed")
    assert (event["detail"]["documenttype"], event["detail"]["way"]) == ("invoice", "matched")


@pytest.mark.aws
@pytest.mark.parametrize(("options", "group"), [({}, "batch-7"), ({"group": "type"}, "invoice")])
async def test_a_fifo_topic_keeps_a_batch_or_a_type_in_order(
    local_aws: LocalAws, options: dict[str, str], group: str
) -> None:
    url, sent = f"sns://ordered-{next(_names)}.fifo", _asked_for(local_aws.client("sns"), "Publish")
    local_aws.make([Target(url=url)])
    request = a_delivery_request(url, options=options, batch_id="batch-7")
    await SnsTopic(local_aws.aws, environ={}).deliver(request)
    assert (sent[-1]["MessageGroupId"], sent[-1]["MessageDeduplicationId"]) == (group, request.delivery_id)


@pytest.mark.aws
async def test_no_topic_gets_more_attributes_than_raw_delivery_takes(local_aws: LocalAws) -> None:
    url = f"sns://attributes-{next(_names)}"
    local_aws.make([Target(url=url)])
    await SnsTopic(local_aws.aws, environ={}).deliver(a_delivery_request(url))
    (notice,) = local_aws.alerts(f"sns:{url.removeprefix('sns://')}")
    assert notice["MessageAttributes"]["type"] == {"Type": "String", "Value": "invoice"}
    assert notice["MessageAttributes"]["confidence"] == {"Type": "Number", "Value": "0.9300"}
    assert len(notice["MessageAttributes"]) <= 10


@pytest.mark.aws
@pytest.mark.parametrize(("service", "url"), [("events", BUS), ("sns", TOPIC), ("stepfunctions", MACHINE)])
async def test_a_place_in_another_region_is_asked_and_signed_for_there(
    local_aws: LocalAws, service: str, url: str
) -> None:
    there = url.replace(REGION, "eu-west-3")
    asked = regions_asked(local_aws.aws.client(service, region="eu-west-3"), service)
    assert len(await _by(url, local_aws.aws).probe(Target(url=there))) == 1
    with pytest.raises(Unroutable):
        await _by(url, local_aws.aws).deliver(a_delivery_request(there))
    assert set(asked) == {"eu-west-3"}


@pytest.mark.parametrize("url", [BUS, TOPIC, MACHINE])
def test_a_name_may_be_the_place_of_an_arn_in_our_region(url: str) -> None:
    known = destinations(environ={"AWS_REGION": REGION})[url.partition(":")[0]]
    assert isinstance(known, TakesNames)
    alone = f"{url.partition(':')[0]}://mail"
    assert known.taken(url).perhaps == (alone,)
    assert known.taken(alone).place == alone
    assert known.taken(url.replace(REGION, "eu-west-3")).perhaps == ()


@pytest.mark.parametrize(
    ("url", "options", "names"),
    [
        ("sns://in voices", {}, "not a valid name of a topic"),
        ("sns://{type}", {}, "not a valid name of a topic"),
        ("sns://", {}, "not a valid name of a topic"),
        ("sns://" + "t" * 257, {}, "not a valid name of a topic"),
        ("sns://topic/", {}, "without the slash"),
        ("sns://topic#7", {}, "not a valid name of a topic"),
        ("sns://topic", {"group": "type"}, "FIFO"),
        ("sns://topic.fifo", {"group": "sender"}, "batch, type"),
        ("sns://topic", {"role": "arn:aws:iam::123456789012:role/x"}, "sns://arn:aws:sns:REGION:ACCOUNT:topic"),
        ("sns://topic", {"endpoint": "https://sns.example.com"}, "sns://arn:aws:sns:REGION:ACCOUNT:topic"),
        ("sns://arn:aws:sqs:us-east-1:123456789012:mail", {}, "not the ARN of a topic"),
        ("sns://arn:aws:sns:us-east-1:12345:mail", {}, "twelve digits"),
        ("sns://arn:aws-cn:sns:us-east-1:123456789012:mail", {}, "not a region of the partition"),
        ("sns://arn:aws-x:sns:us-east-1:123456789012:mail", {}, "not a partition"),
        ("events://arn:aws:events:us-east-1:123456789012:rule/mail", {}, "not the ARN of a bus"),
        ("events://arn:aws:events:us-east-1:123456789012:event-bus/a/b", {}, "not a valid name of a bus"),
        ("states://m", {"group": "type"}, "unknown option 'group'"),
        ("states://arn:aws:states:us-east-1:123456789012:execution:m:x", {}, "not the ARN of a state machine"),
        ("states://" + "m" * 81, {}, "not a valid name of a state machine"),
        ("states://arn:x", {}, "arn:x is not the ARN of a state machine"),
    ],
)
def test_a_target_that_cannot_work_is_a_fault(url: str, options: dict[str, str], names: str) -> None:
    (fault,) = _by(url, Aws()).faults(Target(url=url, options=options))
    assert names in fault


@pytest.mark.parametrize(
    "url",
    [BUS, TOPIC, MACHINE, f"{MACHINE}:live", f"{MACHINE}:7", "events://default", "sns://a.fifo", "states://m-1_x"],
)
def test_a_target_that_can_work_has_no_faults(url: str) -> None:
    assert _by(url, Aws()).faults(Target(url=url)) == []


@given(st.sampled_from(CLASSES), st.text(st.characters(codec="utf-8"), max_size=80))
def test_whatever_is_written_is_judged_and_never_raises(kind: type[SnsTopic], rest: str) -> None:
    destination = kind(Aws(), environ={})
    scheme = destination.kind.scheme
    for url in (f"{scheme}://{rest}", f"{scheme}://arn:aws:{scheme}:us-east-1:123456789012:{rest}"):
        found = destination.faults(Target(url=url))
        assert found or url.isascii()
        assert destination.taken(url).place
        destination.doubts(Target(url=url))


@settings(max_examples=40)
@given(st.text(max_size=1000), st.text(min_size=1, max_size=300), st.dictionaries(st.text(), st.text(), max_size=9))
def test_every_message_is_within_the_limits_of_all_three(reasoning: str, kind: str, metadata: dict[str, str]) -> None:
    found = Classification(type=kind, confidence=0.5, reasoning=reasoning)
    request = a_delivery_request(TOPIC, classification=found, metadata=metadata)
    attributes = message_attributes(request)
    assert len(attributes) <= 10
    sent = cloudevent(request)
    assert json.loads(sent)["id"] == request.delivery_id
    assert (
        len(sent)
        + sum(len(name) + len(item["StringValue"].encode(errors="replace")) for name, item in attributes.items())
        < LIMIT
    )


def _asked_for(client: Any, operation: str) -> list[dict[str, Any]]:
    """The parameters of each request for this operation, from now on."""
    asked: list[dict[str, Any]] = []
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(
        f"provide-client-params.{service}.{operation}", lambda params, **_: asked.append(dict(params))
    )
    return asked
