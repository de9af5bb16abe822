"""The model of ``mailroom.yaml``: one class per section, one field per key, with its meaning and its limits.

``load`` turns accepted files into the plain data of config.py, and editors complete from the JSON Schema of these
classes. The sections for LlamaCloud's jobs are in vendor_sections.py.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from receiver.config.basics import Confidence, Patterns, Section, Text, Texts, form
from receiver.config.conditions import WhenSection
from receiver.config.text import (
    Wrong,
    ceiling_text,
    duration,
    kinds,
    named_once,
    option,
    pause_text,
    quiet_hours_text,
    rate_text,
    repeat_text,
    resolved_channel,
    resolved_destination,
    window,
)
from receiver.config.vendor_sections import ClassifySection, SplitSection
from receiver.core.retention import LONGEST_DAYS, Retention

Url = Annotated[
    str,
    AfterValidator(resolved_destination),
    Field(
        description="s3://bucket/prefix/…, sqs://name-or-url, sns://topic, events://bus, states://machine, "
        "folder:///dir/…, https://…; env:NAME for a variable"
    ),
]


Option = Annotated[Any, AfterValidator(option), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class TargetSection(BaseModel):
    """A destination: its URL, and its own options."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Option]

    to: Url = Field(description="the destination's URL", examples=["sqs://invoices"])


OneTarget = Annotated[Annotated[Url, Tag("(text)")] | Annotated[TargetSection, Tag("(spelt out)")], Discriminator(form)]
Targets = Annotated[
    Annotated[Url, Tag("(text)")] | Annotated[tuple[OneTarget, ...], Field(min_length=1), Tag("(spelt out)")],
    Discriminator(form),
]


class WaySection(Section):
    """A route: destinations, review, or both; at least one of the two."""

    to: Targets | None = Field(default=None, description="destinations")
    review: bool = Field(default=False, description="hold documents for a person")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "WaySection":
        if not self.to and not self.review:
            raise Wrong("has no destination", 'add "to: [s3://bucket/prefix/]" or "review: true"')
        return self


class MailSection(Section):
    to: Targets | None = Field(default=None, description="where a mail itself is archived, as it was sent")
    review: bool = Field(default=False, description="hold every mail for a person once its parts are delivered")
    body: Literal["document", "record"] = Field(
        default="document",
        description="the text beside attachments: a document of its own, or (up to 4,000 characters) with the mail's "
        "record and in the manifests of its documents",
    )
    max_parts: Annotated[int, Field(ge=1, le=400)] = Field(
        default=200, description="maximum parts of one mail; a mail with more is held for a person"
    )
    max_depth: Annotated[int, Field(ge=1, le=50)] = Field(
        default=20, description="maximum nesting of parts and of attached mails"
    )
    max_unpacked: Annotated[int, Field(ge=1)] = Field(
        default=256 * 1024 * 1024, description="maximum decoded bytes of all parts"
    )


class RouteSection(WaySection):
    type: Annotated[Texts, AfterValidator(named_once)] = Field(
        description='types that this row matches; "*" is every type', examples=["invoice"]
    )
    name: Text | None = Field(default=None, description="the row's name in plans and messages; without it, its types")
    min_confidence: Confidence = Field(default=0.0, description="below: low_confidence")
    when: WhenSection = Field(default_factory=WhenSection, description="further conditions")
    goes_on: bool = Field(
        default=False,
        alias="continue",
        description="add these destinations and continue: a later row decides the route",
    )


Channel = Annotated[
    str,
    AfterValidator(resolved_channel),
    Field(
        description="log, pagerduty:KEY, slack:URL, teams:URL, mailto:ADDRESS, sns:ARN, events:BUS or https://…; "
        "env:NAME for a variable",
        examples=["log"],
    ),
]
SeverityName = Literal["info", "warning", "error", "critical"]


class EscalationSection(Section):
    to: Channel
    after: Annotated[str, AfterValidator(duration)] = Field(
        description="how long an incident may go unacknowledged", examples=["15 minutes"]
    )


def _with_earlier_key(schema: dict[str, Any]) -> None:
    """Adds ``on`` besides ``kind`` to the JSON Schema: one of the two is required."""
    meaning = "the earlier name of kind; YAML 1.1 tools read it as true"
    schema["properties"]["on"] = {**schema["properties"]["kind"], "description": meaning, "deprecated": True}
    schema["required"].remove("kind")
    schema["oneOf"] = [{"required": ["kind"]}, {"required": ["on"]}]


KIND = AliasChoices("kind", "on")


class AlertSection(Section):
    model_config = ConfigDict(json_schema_extra=_with_earlier_key)

    kind: Annotated[Texts, AfterValidator(kinds)] = Field(
        validation_alias=KIND, description="kinds of alerts, or patterns: job.*", examples=[["job.failed"]]
    )
    to: Channel
    min_severity: SeverityName = Field(default="info", description="only incidents of at least this severity")
    at_most: Annotated[str, AfterValidator(window)] = Field(
        default="1 per 10 minutes",
        description="per cause: an incident that recurs sooner is reported when this time has passed",
    )
    repeat: Annotated[str, AfterValidator(repeat_text)] = Field(
        default="4 hours", description="how often the channel gets reminders of an active incident; or never"
    )
    ceiling: Annotated[str, AfterValidator(ceiling_text)] = Field(
        default="20 per hour", description="maximum notices to the channel; other causes are combined in a digest"
    )
    quiet_hours: Annotated[str, AfterValidator(quiet_hours_text)] | None = Field(
        default=None,
        description="hours in which only critical incidents are reported; the rest follows afterwards",
        examples=["20:00-07:00 Europe/Berlin"],
    )
    escalate: EscalationSection | None = Field(
        default=None, description="another channel to notify if nobody acknowledges an incident"
    )
    secret: Option | None = Field(
        default=None, description="for an https:// channel: env:NAME of the whsec_ key that signs its notices"
    )
    headers: dict[str, Option] = Field(
        default_factory=dict, description="for an https:// channel: headers to send; env:NAME for a variable"
    )


class SeveritySection(Section):
    model_config = ConfigDict(json_schema_extra=_with_earlier_key)

    kind: Annotated[Texts, AfterValidator(kinds)] = Field(
        validation_alias=KIND, description="kinds of alerts, or patterns", examples=[["job.failed"]]
    )
    when: Annotated[str, AfterValidator(rate_text)] | None = Field(
        default=None,
        description="only above this rate, of one cause; a percentage is of the documents received in that time",
        examples=["more than 5 in 10 minutes or 20 %"],
    )
    severity: SeverityName = Field(description="info, warning, error or critical", examples=["critical"])


class AlertingSection(Section):
    wait: Annotated[str, AfterValidator(pause_text)] = Field(
        default="10 seconds",
        description="how long the first notice of an incident waits, to include what follows at once",
    )
    quiet_after: Annotated[str, AfterValidator(duration)] = Field(
        default="1 hour", description="when an incident without a visible end counts as over"
    )
    severities: tuple[SeveritySection, ...] = Field(
        default=(), description="severities by kind and rate, instead of the defaults; the last match wins"
    )


Days = Annotated[float, Field(ge=1, le=LONGEST_DAYS)]
_USUAL = Retention()


class RetentionDays(Section):
    """How long each kind of record is kept."""

    events_days: Days = Field(default=_USUAL.events_days, description="how long events are kept")
    tasks_days: Days = Field(default=_USUAL.tasks_days, description="how long finished tasks are kept")
    alerts_days: Days = Field(default=_USUAL.alerts_days, description="how long closed incidents are kept")
    content_days: Days = Field(
        default=_USUAL.content_days,
        description="how long the bytes of routed and failed documents are kept; those in review stay",
    )
    documents_days: Days | None = Field(
        default=_USUAL.documents_days,
        description="how long the records of routed and failed documents are kept; for ever by default",
    )

    @property
    def days(self) -> dict[str, Any]:
        """Days by name."""
        return {name: getattr(self, name) for name in RetentionDays.model_fields}


class RetentionSection(RetentionDays):
    archive: OneTarget | None = Field(
        default=None,
        description="where the records of a document are archived before they are removed: s3://bucket/prefix/ or "
        "folder:///dir/",
        examples=["s3://acme-archive/mailroom/"],
    )


class DaysAlone(RetentionDays):
    """The section with only these keys; any others are ignored."""

    model_config = ConfigDict(extra="ignore")


class RetentionAlone(BaseModel):
    """The file with only this section; all others are ignored."""

    retention: DaysAlone = Field(default_factory=DaysAlone)


class ResubmitSection(Section):
    times: Annotated[int, Field(ge=0, le=10)] = Field(
        default=1, description="maximum resubmissions of one document; each costs its credits again"
    )
    when: Patterns = Field(
        default=("*timeout*", "*timed out*", "*temporar*", "*unavailable*", "*internal*", "*try again*"),
        description="patterns for LlamaCloud's message; Mailroom resubmits after a failed job whose message matches",
    )


class ConfigFile(Section):
    """mailroom.yaml"""

    classify: ClassifySection = Field(
        description="the classify request",
        examples=[{"rules": [{"type": "invoice", "description": "has an invoice number and a total amount due"}]}],
    )
    split: SplitSection = Field(default_factory=SplitSection, description="how packets are cut")
    routes: Annotated[tuple[RouteSection, ...], Field(min_length=1)] = Field(
        description="the routing table: the first matching row wins",
        examples=[[{"type": "invoice", "min_confidence": 0.8, "to": ["s3://bucket/invoices/"]}]],
    )
    no_match: WaySection = Field(
        description="the classifier found no matching rule",
        examples=[{"to": ["s3://bucket/unsorted/"], "review": True}],
    )
    low_confidence: WaySection = Field(
        description="a rule matches, but below the row's min_confidence", examples=[{"review": True}]
    )
    failed: WaySection = Field(
        description="the job failed, or the document was rejected", examples=[{"to": ["s3://bucket/failed/"]}]
    )
    packet: WaySection | None = Field(default=None, description="where a packet itself is archived")
    mail: MailSection = Field(default_factory=MailSection, description="how e-mails are handled")
    alerts: tuple[AlertSection, ...] = Field(default=(), description="alert channels")
    alerting: AlertingSection = Field(default_factory=AlertingSection, description="settings for all alerts")
    retention: RetentionSection = Field(
        default_factory=RetentionSection, description="how long finished records are kept"
    )
    deadline: Annotated[str, AfterValidator(duration)] = Field(
        default="10 minutes",
        description="how long a job may take before the sweep asks LlamaCloud",
        examples=["10 minutes"],
    )
    stuck_after: Annotated[str, AfterValidator(duration)] = Field(
        default="60 minutes",
        description="how long a job may stay unfinished before it is cancelled, and resubmitted or held; unless given, "
        "a job that reads more pages may take longer: 30 minutes and 5 for each page, as LlamaCloud allows a parse",
        examples=["60 minutes"],
    )
    message_wait: Annotated[str, AfterValidator(duration)] = Field(
        default="15 minutes",
        description="how long messages wait for the document to be stored before they are sent without a pointer",
        examples=["15 minutes"],
    )
    resubmit: ResubmitSection = Field(
        default_factory=ResubmitSection, description="what is resubmitted after a failed, stuck or lost job"
    )
