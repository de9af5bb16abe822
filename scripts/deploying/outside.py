"""Places outside the stack: whether they are there, and which rights of the functions follow from them.

Each kind of place is one function: from its URL and options to the statements that using it needs (docs/destinations.md
and docs/alerts.md name the same), and the question whether it exists.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.destinations import events, sns, states
from handlers.destinations.queue_address import queue_of
from handlers.destinations.resource import Kind as ResourceKind
from handlers.destinations.resource import Resource, resource_of
from receiver.aws.errors import code_of, is_absent
from receiver.aws.regions import partition_id
from scripts.deploying.finding import Finding, doubt, fault, right
from scripts.deploying.stage import Clients, Stage

Statement = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Somewhere outside the stack that the table, the settings or own modules name."""

    url: str
    where: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    used_by: str = "process"
    """The function that writes there."""


def outside(places: list[Place], stage: Stage) -> list[Place]:
    """Those that are neither the stack's own nor at another service than AWS's; each once.

    In its own buckets `process` has its rights already, and the archive of records is wherever the table puts it.
    """
    found = {
        (place.used_by, place.url, *sorted(place.options.items())): place
        for place in places
        if "endpoint" not in place.options
        and (place.used_by == "sweep" or not is_own(place.url, stage))
        and _kind(place.url)
    }
    return list(found.values())


def is_own(url: str, stage: Stage) -> bool:
    """Whether the stack itself makes this place."""
    buckets = {stage.bucket(which) for which in ("mail", "inbox", "spool")}
    if url.startswith("sns:"):
        return _arn_of(_named(url, sns.KIND), stage) in (stage.topic("alerts"), stage.topic("watch"))
    return "/".join(url.split("/")[:3]) in {f"s3://{name}" for name in buckets} | {f"sqs://{stage.queue('routed')}"}


def _kind(url: str) -> "Kind | None":
    return next((kind for start, kind in KINDS.items() if url.startswith(start)), None)


def statements(places: list[Place], stage: Stage) -> list[Statement]:
    """What a role must be allowed to do to use these places: one statement for each set of actions."""
    by_actions: dict[tuple[str, ...], dict[str, None]] = {}
    for place in places:
        for actions, resource in rights(place, stage):
            by_actions.setdefault(actions, {})[resource] = None
    return [
        {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
        for actions, resources in by_actions.items()
    ]


def rights(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    """Actions and the resource that they are for. Where another role is assumed, that is all."""
    if role := place.options.get("role"):
        yield ("sts:AssumeRole",), role
        return
    if (kind := _kind(place.url)) is not None:
        yield from kind.rights(place, stage)
    if key := place.options.get("kms_key"):
        yield ("kms:GenerateDataKey", "kms:Decrypt"), _key_arn(key, stage)


def _bucket(url: str) -> tuple[str, str]:
    """The bucket, and the keys of all documents: what stands before the first field, and a star."""
    bucket, _, path = url.removeprefix("s3://").partition("/")
    fixed = path.partition("{")[0]
    return bucket, f"{fixed[: fixed.rfind('/') + 1]}*"


def _of_bucket(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    bucket, keys = _bucket(place.url)
    arn = bucket if bucket.startswith("arn:") else f"arn:{stage.partition}:s3:::{bucket}"
    yield ("s3:PutObject", "s3:PutObjectTagging", "s3:GetObject", "s3:AbortMultipartUpload"), f"{arn}/{keys}"
    yield ("s3:ListBucket",), arn


def _of_queue(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    queue = queue_of(place.url)
    region = queue.region or stage.region
    arn = f"arn:{partition_id(region)}:sqs:{region}:{queue.account or stage.account}:{queue.name}"
    yield ("sqs:SendMessage", "sqs:GetQueueUrl"), arn


def _of_topic(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("sns:Publish", "sns:GetTopicAttributes"), _arn(place, sns.KIND, stage)


def _of_bus(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("events:PutEvents", "events:DescribeEventBus"), _arn(place, events.KIND, stage)
    yield ("events:ListRules",), "*"  # AWS knows no narrower resource


def _of_machine(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    machine = states.unqualified(_arn(place, states.KIND, stage))
    for resource in (machine, f"{machine}:*"):
        yield ("states:StartExecution", "states:DescribeStateMachine"), resource


def _named(url: str, kind: ResourceKind) -> Resource:
    """What a target (``sns://…``) or an alert channel (``sns:…``) names, whatever that is."""
    return resource_of(f"{kind.scheme}://{url.partition(':')[2].removeprefix('//')}", kind)


def _arn_of(resource: Resource, stage: Stage) -> str:
    return resource.arn_in(stage.partition, stage.region, stage.account)


def _arn(place: Place, kind: ResourceKind, stage: Stage) -> str:
    """The ARN of what a place names. Raises ValueError for what AWS would not take."""
    resource = _named(place.url, kind)
    if faults := resource.faults():
        raise ValueError(faults[0])
    return _arn_of(resource, stage)


def _of_role(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("sts:AssumeRole",), place.url


def _key_arn(key: str, stage: Stage) -> str:
    """A key's ARN; an alias names none, so that it means any key that has it."""
    if key.startswith("arn:") and ":alias/" not in key:
        return key
    named = "*" if "alias/" in key else key
    return f"arn:{stage.partition}:kms:{stage.region}:{stage.account}:key/{named}"


def _bucket_exists(place: Place, stage: Stage, client: Clients) -> None:
    client("s3").head_bucket(Bucket=_bucket(place.url)[0])


def _queue_exists(place: Place, stage: Stage, client: Clients) -> None:
    queue = queue_of(place.url)
    owner = {"QueueOwnerAWSAccountId": queue.account} if queue.account else {}
    client("sqs", region_name=queue.region or None).get_queue_url(QueueName=queue.name, **owner)


def _topic_exists(place: Place, stage: Stage, client: Clients) -> None:
    arn = _arn(place, sns.KIND, stage)
    client("sns", region_name=arn.split(":")[3]).get_topic_attributes(TopicArn=arn)


def _bus_exists(place: Place, stage: Stage, client: Clients) -> None:
    arn = _arn(place, events.KIND, stage)
    client("events", region_name=arn.split(":")[3]).describe_event_bus(Name=arn)


def _machine_exists(place: Place, stage: Stage, client: Clients) -> None:
    arn = states.unqualified(_arn(place, states.KIND, stage))
    client("stepfunctions", region_name=arn.split(":")[3]).describe_state_machine(stateMachineArn=arn)


def _role_exists(place: Place, stage: Stage, client: Clients) -> None:
    """Only its own account can ask; taking it on is tried by the first delivery."""
    if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/\S+", place.url, re.ASCII):
        raise ValueError(f"{place.url} is not the ARN of a role")


@dataclass(frozen=True)
class Kind:
    """What is done with one kind of place."""

    rights: Callable[[Place, Stage], Iterator[tuple[tuple[str, ...], str]]]
    exists: Callable[[Place, Stage, Clients], None]
    fix: str


KINDS: dict[str, Kind] = {
    "s3://": Kind(_of_bucket, _bucket_exists, "create the bucket, or correct its name"),
    "sqs://": Kind(_of_queue, _queue_exists, "create the queue, or correct its name"),
    "sns:": Kind(_of_topic, _topic_exists, "create the topic, or correct its ARN"),
    "events:": Kind(_of_bus, _bus_exists, "create the event bus, or correct its name"),
    "states://": Kind(_of_machine, _machine_exists, "create the state machine, or correct its name"),
    "arn:": Kind(_of_role, _role_exists, "correct the role's ARN"),
}
"""How a URL begins -> its kind."""


def unknown_kinds(places: list[Place]) -> Iterator[Finding]:
    """Those of a kind that we know no rights for: they would be left out."""
    for place in places:
        if _kind(place.url) is None:
            fix = "write one of s3://, sqs://, sns:, events:, states://, or a role's ARN; other rights: infra/roles.yml"
            yield fault(f"{place.url!r} is no place that rights are known for", fix, place.where)


def existence(places: list[Place], stage: Stage, client: Clients) -> Iterator[Finding]:
    """Whether each is there. What we may not ask about is a doubt: the function's role may do more than we."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    for place in places:
        kind = _kind(place.url)
        if kind is None or "role" in place.options:
            continue
        try:
            kind.exists(place, stage, client)
        except ClientError as error:
            code = code_of(error)
            if is_absent(code):
                yield fault(f"{place.url} does not exist", kind.fix, place.where)
            else:
                yield doubt(f"{place.url} cannot be asked for with your credentials ({code})", where=place.where)
        except (ValueError, ParamValidationError) as error:
            yield fault(f"{place.url} cannot be anywhere: {' '.join(str(error).split())}", kind.fix, place.where)
        except BotoCoreError as error:
            yield doubt(f"{place.url} cannot be asked for: {error}", where=place.where)
        else:
            yield right(f"{place.url} exists")
