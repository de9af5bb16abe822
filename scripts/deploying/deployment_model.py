"""What `mailroom.deploy.yaml` may say: one field per key, with meaning, bounds, and its parameter of serverless.yml.

Every key is optional. What the file leaves out has the default that serverless.yml gives the parameter.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from receiver.config.basics import Section, Text, Texts
from receiver.config.text import Wrong

REGION = r"^[a-z]{2,5}(-[a-z]+)+-\d+$"
NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
OWN = "stage"
"""A secret's value is kept in the stage's own secret."""


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not re.fullmatch(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+", value):
            raise Wrong(f"{value!r} is not an e-mail address", "write it like you@example.com")
    return values


def _site(value: str) -> str:
    if value and not re.fullmatch(r"https://[^/\s?#@]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1)(:\d+)?", value):
        raise Wrong(f"{value!r} is not an https:// address", "write it like https://mail.example.com")
    return value


def _pointer(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        _variable_name(name)
        if value != OWN and not value.startswith(("secretsmanager:", "ssm:/")):
            fix = f"write `{name}: {OWN}` (the value goes into the stage's own secret), or a pointer to one of yours"
            raise Wrong(f"{name} is neither {OWN!r} nor secretsmanager:NAME#KEY nor ssm:/PATH", fix)
    return values


def _variables(values: dict[str, str]) -> dict[str, str]:
    for name in values:
        _variable_name(name)
    return values


def _variable_name(name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise Wrong(f"{name!r} is not the name of a variable", "letters, digits and _, no digit at the beginning")


def _key(about: str, parameter: str = "", **more: Any) -> Any:
    """A key of the file; ``parameter`` is the one of serverless.yml that it sets."""
    return Field(
        default=None, description=about, json_schema_extra={"x-parameter": parameter} if parameter else None, **more
    )


Addresses = Annotated[Texts, AfterValidator(_addresses)]
Site = Annotated[str, AfterValidator(_site)]
Days = Annotated[int, Field(ge=1, le=3653)]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""What CloudWatch Logs takes. Source: PutRetentionPolicy."""
Pollers = Annotated[int, Field(ge=2, le=1000)]
"""Source: Lambda, ScalingConfig of an SQS event source."""
Reserved = Annotated[int, Field(ge=1, le=100_000)]
Rate = Annotated[int, Field(ge=1, le=100_000)]


class ThrottleSection(Section):
    """Of one API."""

    public_rate: Rate | None = _key("requests a second that the public API passes on", "publicRate")
    public_burst: Rate | None = _key("requests at once that the public API passes on", "publicBurst")
    operator_rate: Rate | None = _key("requests a second that the operator's API passes on", "operatorRate")
    operator_burst: Rate | None = _key("requests at once that the operator's API passes on", "operatorBurst")


class ConcurrencySection(Section):
    process: Pollers | None = _key(
        "batches of `process` at the same time; by default what the account allows, at most 10", "workers"
    )
    intake: Pollers | None = _key(
        "batches of `intake` at the same time; by default what the account allows, at most 5", "intakeWorkers"
    )
    receive_reserved: Reserved | None = _key(
        "reserved concurrency of `receive`: nothing else can use it, and `receive` cannot use more",
        "receiveConcurrency",
    )
    process_reserved: Reserved | None = _key("reserved concurrency of `process`", "processConcurrency")


class RetentionSection(Section):
    data: Literal["Delete", "Retain"] | None = _key("what removing the stage does to table and buckets", "data")
    deletion_protection: bool | None = _key("refuse to delete the table", "deletionProtection")
    logs_days: LogDays | None = _key("days that logs stay", "logDays")
    inbox_days: Days | None = _key("days that originals stay in the inbox at least", "inboxDays")


class VpcSection(Section):
    """Where the functions run; they need a way to LlamaCloud and AWS from there (docs/deploy-aws.md)."""

    subnets: Annotated[
        tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")], ...], Field(min_length=1, max_length=16)
    ] = Field(
        description="private subnets with a route to a NAT gateway", examples=[["subnet-0a1b2c3d", "subnet-4e5f6a7b"]]
    )
    security_groups: Annotated[
        tuple[Annotated[str, Field(pattern=r"^sg-[0-9a-f]+$")], ...], Field(min_length=1, max_length=5)
    ] = Field(description="security groups; they must allow HTTPS out", examples=[["sg-0a1b2c3d"]])


class DomainSection(Section):
    """A domain of your own in front of the public API."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)] = Field(
        description="the host name", examples=["mail.example.com"]
    )
    certificate: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+$")] = Field(
        description="its certificate in ACM, in the stage's region",
        examples=["arn:aws:acm:eu-central-1:123456789012:certificate/0f1e2d3c"],
    )
    hosted_zone: Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$")] | None = Field(
        default=None, description="Route 53 hosted zone that gets the record; without it you create the record"
    )


class StageSettings(Section):
    """The settings of a stage."""

    region: Annotated[str, Field(pattern=REGION)] | None = _key("AWS region", examples=["eu-central-1"])
    llama_cloud: Literal["us", "eu"] | Site | None = _key(
        "LlamaCloud's region, or its address; by default `eu` in eu-* regions of AWS, else `us`", "llamaCloud"
    )
    project_id: Text | None = _key("the LlamaCloud project to work in; the key's own by default", "projectId")
    organization_id: Text | None = _key("the LlamaCloud organization to work in", "organizationId")
    table: Text | None = _key("the routing table; infra/mailroom.STAGE.yaml or infra/mailroom.yaml by default")
    shadow: Text | None = _key("a table that decides beside the real one, and delivers nothing")
    alert_email: Addresses | None = _key(
        "who gets alerts and alarms by e-mail: one address, or a list", "alertEmail", examples=["you@example.com"]
    )
    watch_email: Addresses | None = _key(
        "who is notified that alerting itself does not work: one address, or a list",
        "watchEmail",
        examples=["me@example.org"],
    )
    heartbeat_url: Text | None = _key(
        "a watchdog outside AWS that is called after each sweep; may be a pointer", "heartbeatUrl"
    )
    public_url: Site | None = _key("where LlamaCloud calls, if not at the API's own address or `domain`", "publicUrl")
    operator_api: bool | None = _key("the operator's page and API on the internet", "operator")
    operator_url: Site | None = _key(
        "where people reach the operator's page, if not at its API's address", "operatorUrl"
    )
    variables: Annotated[dict[str, str], AfterValidator(_variables)] = Field(
        default={},
        description="variables for every function but `receive`: settings, and what the table names as env:NAME",
        examples=[{"MAILROOM_LOG_LEVEL": "debug"}],
    )
    secrets: Annotated[dict[str, str], AfterValidator(_pointer)] = Field(
        default={},
        description="secrets that the table or a setting names: `stage` keeps the value in the stage's own secret; "
        "secretsmanager:NAME#KEY and ssm:/PATH point to yours",
        examples=[{"SLACK_WEBHOOK_URL": "stage"}],
    )
    app: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = _key(
        "composition root of your own (MAILROOM_APP)", examples=["acme.app:build"]
    )
    modules: Texts | None = _key("your own packages or modules: each is put into the zips", examples=["acme"])
    grants: Texts | None = _key(
        "places that your own modules write to and the table does not name: s3://, sqs://, sns:, events:, states://, "
        "a role's ARN",
        examples=["s3://acme-finance/archive/"],
    )
    inbox_buckets: Texts | None = _key(
        "buckets of yours that documents are also taken from: bucket or bucket/prefix/", examples=["acme-scans/in/"]
    )
    concurrency: ConcurrencySection = Field(default=ConcurrencySection(), description="how much runs at the same time")
    throttle: ThrottleSection = Field(default=ThrottleSection(), description="how much the APIs pass on")
    retention: RetentionSection = Field(default=RetentionSection(), description="what stays, and how long")
    vpc: VpcSection | None = Field(default=None, description="run the functions in a VPC")
    domain: DomainSection | None = Field(default=None, description="a domain of your own in front of the public API")
    adopt: bool | None = _key("accept events of jobs that were created elsewhere", "adopt")
    inbox_source: Literal["left", "copied", "moved"] | None = _key(
        "what happens to an object in the inbox", "inboxSource"
    )
    webhook_queue: bool | None = _key(
        "a queue in front of `receive`: a webhook is acknowledged before it is verified, and none is lost while "
        "`receive` is throttled or broken",
        "webhookQueue",
    )
    function_url: bool | None = _key("a second public URL, without API Gateway and its throttle", "functionUrl")
    snap_start: bool | None = _key("restore `receive` and `console` from a snapshot", "snapStart")
    trace: bool | None = _key("trace every call with X-Ray", "xray")
    python: Annotated[str, Field(pattern=r"^3\.\d+$")] | None = _key("Lambda's Python", "python", examples=["3.13"])
    arch: Literal["arm64", "x86_64"] | None = _key("Lambda's processor", "arch")


class DeploymentFile(StageSettings):
    """The file: settings of all stages, and what single stages have otherwise."""

    stages: dict[str, StageSettings] = Field(
        default={},
        description="settings of single stages, by name; they come before the others",
        examples=[{"prod": {"retention": {"logs_days": 365}}}],
    )
