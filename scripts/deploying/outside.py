"""Places outside the stack: whether they are there, and which rights of the functions follow from them.

Each kind of place is one function: from its URL and options to the statements that using it needs (docs/destinations.md
and docs/alerts.md name the same), and the question whether it exists.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.destinations.queue_address import queue_of
from receiver.aws.regions import partition_of
from scripts.deploying.finding import Finding, doubt, fault, right
from scripts.deploying.stage import Stage

Statement = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Somewhere outside the stack that the table, the settings or own modules name."""

    url: str
    where: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def outside(places: list[Place], stage: Stage) -> list[Place]:
    """Those that are neither the stack's own nor at another service than AWS's; each once."""
    found = {
        (place.url, *sorted(place.options.items())): place
        for place in places
        if "endpoint" not in place.options and not _own(place.url, stage) and _kind(place.url)
    }
    return list(found.values())


def _own(url: str, stage: Stage) -> bool:
    buckets = {stage.bucket(which) for which in ("mail", "inbox", "spool")}
    if url.startswith("sns:"):
        return _spelled(url, "sns", "", stage) in (stage.topic("alerts"), stage.topic("watch"))
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
    partition = partition_of(region)
    arn = f"arn:{partition.id if partition else 'aws'}:sqs:{region}:{queue.account or stage.account}:{queue.name}"
    yield ("sqs:SendMessage", "sqs:GetQueueUrl"), arn


def _of_topic(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("sns:Publish", "sns:GetTopicAttributes"), _arn(place.url, "sns", "", stage)


def _of_bus(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("events:PutEvents", "events:DescribeEventBus"), _arn(place.url, "events", "event-bus/", stage)
    yield ("events:ListRules",), "*"  # AWS knows no narrower resource


def _of_machine(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    arn = _arn(place.url, "states", "stateMachine:", stage)
    machine = ":".join(arn.split(":")[:7])  # an alias or a version may follow
    for resource in (machine, f"{machine}:*"):
        yield ("states:StartExecution", "states:DescribeStateMachine"), resource


def _spelled(url: str, service: str, kind: str, stage: Stage) -> str:
    """The ARN that a URL holds, whatever it is, or that its name has in the stage's account and region."""
    name = url.partition(":")[2].removeprefix("//").rstrip("/")
    if name.startswith("arn:"):
        return name
    return f"arn:{stage.partition}:{service}:{stage.region}:{stage.account}:{kind}{name}"


def _arn(url: str, service: str, kind: str, stage: Stage) -> str:
    """The same. Raises ValueError for what is no ARN of one such resource."""
    name = _spelled(url, service, kind, stage)
    if not re.fullmatch(rf"arn:[a-z-]+:{service}:[a-z0-9-]+:\d{{12}}:{kind}[^\s/*]+", name, re.ASCII):
        raise ValueError(f"{name} is not an ARN of {service}")
    return name


def _of_role(place: Place, stage: Stage) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("sts:AssumeRole",), place.url


def _key_arn(key: str, stage: Stage) -> str:
    """A key's ARN; an alias names none, so that it means any key that has it."""
    if key.startswith("arn:") and ":alias/" not in key:
        return key
    named = "*" if "alias/" in key else key
    return f"arn:{stage.partition}:kms:{stage.region}:{stage.account}:key/{named}"


Clients = Callable[[str, str], Any]
"""Service and region (none is the stage's) -> a boto3 client."""


def _bucket_exists(place: Place, stage: Stage, clients: Clients) -> None:
    clients("s3", "").head_bucket(Bucket=_bucket(place.url)[0])


def _queue_exists(place: Place, stage: Stage, clients: Clients) -> None:
    queue = queue_of(place.url)
    owner = {"QueueOwnerAWSAccountId": queue.account} if queue.account else {}
    clients("sqs", queue.region).get_queue_url(QueueName=queue.name, **owner)


def _topic_exists(place: Place, stage: Stage, clients: Clients) -> None:
    arn = _arn(place.url, "sns", "", stage)
    clients("sns", arn.split(":")[3]).get_topic_attributes(TopicArn=arn)


def _bus_exists(place: Place, stage: Stage, clients: Clients) -> None:
    arn = _arn(place.url, "events", "event-bus/", stage)
    clients("events", arn.split(":")[3]).describe_event_bus(Name=arn)


def _machine_exists(place: Place, stage: Stage, clients: Clients) -> None:
    arn = _arn(place.url, "states", "stateMachine:", stage).split(":")[:7]  # without alias or version
    clients("stepfunctions", arn[3]).describe_state_machine(stateMachineArn=":".join(arn))


def _role_exists(place: Place, stage: Stage, clients: Clients) -> None:
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
MISSING = re.compile(r"NoSuchBucket|404|NonExistentQueue|QueueDoesNotExist|NotFound|ResourceNotFound|DoesNotExist")


def unknown_kinds(places: list[Place]) -> Iterator[Finding]:
    """Those of a kind that we know no rights for: they would be left out."""
    for place in places:
        if _kind(place.url) is None:
            fix = "write one of s3://, sqs://, sns:, events:, states://, or a role's ARN; other rights: infra/roles.yml"
            yield fault(f"{place.url!r} is no place that rights are known for", fix, place.where)


def existence(places: list[Place], stage: Stage, clients: Clients) -> Iterator[Finding]:
    """Whether each is there. What we may not ask about is a doubt: the function's role may do more than we."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    for place in places:
        kind = _kind(place.url)
        if kind is None or "role" in place.options:
            continue
        try:
            kind.exists(place, stage, clients)
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            if MISSING.search(code):
                yield fault(f"{place.url} does not exist", kind.fix, place.where)
            else:
                yield doubt(f"{place.url} cannot be asked for with your credentials ({code})", where=place.where)
        except (ValueError, ParamValidationError) as error:
            yield fault(f"{place.url} cannot be anywhere: {' '.join(str(error).split())}", kind.fix, place.where)
        except BotoCoreError as error:
            yield doubt(f"{place.url} cannot be asked for: {error}", where=place.where)
        else:
            yield right(f"{place.url} exists")
