"""Parses LlamaCloud's responses leniently, into our own records.

Unknown fields are ignored, old and new field names are both accepted, and only fields that Mailroom cannot work without
are required, because the API grew three times in 2026.

Source: SDK 2.19 types, reference 1.1 to 1.5 and 3.5.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel, ValidationError

from receiver.core.document import Classification
from receiver.core.errors import CloudBusy
from receiver.core.job import JobKind, JobReport, JobStatus, Segment, rules_in
from receiver.ports import CloudFile

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

STATUSES = {
    "pending": JobStatus.PENDING,
    "running": JobStatus.RUNNING,
    "processing": JobStatus.RUNNING,
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
}
"""LlamaCloud's status names in lower case. An unknown one does not count as final (``status_of``)."""


MOST_CREDITS = 1e9
"""Maximum credits of one job. A higher number is an error of the reporter, and would distort the sums."""


def unix_seconds(value: datetime | None) -> float | None:
    """Unix seconds. A time without a zone is UTC, as usual in FastAPI services."""
    if value is None:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def iso(at: float) -> str:
    """The time in the API's format: ISO 8601 in UTC, with microseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _share(value: Any) -> float | None:
    """A confidence that can be compared: a number within 0..1; None for anything else, NaN too."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None


def _credits(usage: Any) -> float | None:
    """The credits that were billed; None until billing has recorded them (null), and for values that cannot be a price:
    text, NaN (which cannot be stored), negative numbers, more than MOST_CREDITS.
    """
    value = usage.get("credits") if isinstance(usage, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST_CREDITS else None


def _at_most(characters: int) -> AfterValidator:
    return AfterValidator(lambda text: text if len(text) <= characters else f"{text[: characters - 1]}…")


Word = Annotated[str, _at_most(255)]
"""A type or category. LlamaCloud's own limit is 50 characters; jobs of other clients may have anything."""
Name = Annotated[str, _at_most(1000)]
Text = Annotated[str, _at_most(20_000)]
"""A text that is stored on a record; a DynamoDB item has at most 400 KB."""


class Wire(BaseModel):
    """The base of all payloads. A validation error never shows the payload."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class FilePayload(Wire):
    id: str
    name: Name = ""
    project_id: str = ""
    expires_at: datetime | None = None
    external_file_id: str | None = None

    def record(self) -> CloudFile:
        return CloudFile(
            id=self.id,
            name=self.name,
            expires_at=unix_seconds(self.expires_at),
            external_id=self.external_file_id or "",
        )


class PresignedUrl(Wire):
    url: str = Field(repr=False)


class ParsedPdf(Wire):
    exists: bool = True
    presigned_url: str | None = Field(None, repr=False)


class ParsedContent(Wire):
    pdf: ParsedPdf | None = Field(default=None, validation_alias=AliasChoices("outputPDF", "output_pdf"))


class ParseJob(Wire):
    id: str
    status: str = "COMPLETED"
    project_id: str = ""
    name: Name | None = None
    error_message: Text | None = None


class ParseJobPayload(Wire):
    """A parse job, with links to its results if they were requested."""

    job: ParseJob
    result_content_metadata: ParsedContent | None = None


class ProjectPayload(Wire):
    id: str
    name: str = ""
    organization_id: str = ""


class PiecePayload(Wire):
    category: Word
    pages: tuple[int, ...]
    confidence_category: Word | None = None

    def record(self) -> Segment:
        return Segment(category=self.category, pages=self.pages, confidence=(self.confidence_category or "").lower())


class ResultPayload(Wire):
    """The result of a job. Classify: type, confidence and reasoning (type null: no rule matched). Split: segments."""

    type: Word | None = None
    confidence: Any = None
    reasoning: Text | None = None
    segments: tuple[PiecePayload, ...] = ()

    def classification(self) -> Classification | None:
        """The classification; None for an empty object, which is not the same as "no rule matched"."""
        if not self.model_fields_set & {"type", "confidence"}:
            return None
        share, reasoning = _share(self.confidence), self.reasoning or ""
        if share is None and self.confidence is not None:
            given = f"{self.confidence!r:.50}"
            reasoning = f"The reported confidence, {given}, is not between 0 and 1: it counts as 0. {reasoning}".strip()
        return Classification(type=self.type or None, confidence=share or 0.0, reasoning=reasoning)


class JobPayload(Wire):
    """A classify or split job. The name of its input field differs between versions, and on the beta path."""

    id: str
    status: str
    project_id: str = ""
    file_input: str | None = Field(
        None,
        validation_alias=AliasChoices(
            "file_input", "document_input_value", AliasPath("document_input", "value"), "file_id"
        ),
    )
    transaction_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    """When the job ended, if it has."""
    error_message: Text | None = None
    result: ResultPayload | None = None
    usage: Any = None
    """What was billed for the job, including its parse job. An invalid value does not make the result unreadable."""
    configuration: Any = None
    """The configuration of a classify job. It is only compared, so any value is accepted."""
    categories: Any = None
    """Of a split job, which has these fields instead of ``configuration``."""

    def report(self, kind: JobKind) -> JobReport:
        """The job as our record. Without a result, ``classification`` is None and ``segments`` is empty."""
        found = self.result or ResultPayload()
        asked = self.configuration if kind is JobKind.CLASSIFY else {"categories": self.categories}
        return JobReport(
            id=self.id,
            kind=kind,
            status=status_of(self.status),
            file_id=self.file_input or "",
            transaction_id=self.transaction_id or "",
            created_at=unix_seconds(self.created_at),
            ended_at=unix_seconds(self.updated_at) if status_of(self.status).final else None,
            classification=found.classification() if kind is JobKind.CLASSIFY else None,
            segments=tuple(piece.record() for piece in found.segments) if kind is JobKind.SPLIT else (),
            error=self.error_message or "",
            credits=_credits(self.usage),
            rules=rules_in(asked if isinstance(asked, dict) else {}),
        )


class WebhookPayload(Wire):
    """A saved webhook configuration. LlamaCloud never returns the signing secret. It returns the headers, in clear or
    masked (reference 1.5, release notes of SDK 2.20.0).
    """

    id: str
    webhook_url: str
    webhook_events: tuple[str, ...] | None = None
    webhook_headers: dict[str, str | None] | None = Field(None, repr=False)
    webhook_output_format: str | None = None
    has_secret: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Listed(Wire, Generic[T]):
    """A page of a list."""

    items: tuple[T, ...] = ()
    next_page_token: str | None = None


class Bare(RootModel[tuple[T, ...]], Generic[T]):
    """A list that is a bare JSON array: projects, and webhook configurations on their beta path."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


def status_of(word: str) -> JobStatus:
    """Our status for LlamaCloud's. An unknown one counts as running, so that the job's deadline applies."""
    return STATUSES.get(word.lower(), JobStatus.RUNNING)


_WRONG = {"json_invalid": "is not JSON", "missing": "is missing"}
"""pydantic's error types that a proxy's page or half a response causes, in our words."""
NOT_THE_API = (
    "check that LLAMA_CLOUD_BASE_URL is a LlamaCloud URL, and that no proxy answers in its place; Mailroom retries by "
    "itself while it runs"
)


def read_payload(shape: type[M], body: bytes, *, asked: str) -> M:
    """The parsed payload. Raises CloudBusy if the response cannot be read (truncated, or a proxy's page)."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        wrong = _WRONG.get(first["type"], "is not as LlamaCloud documents it")
        raise CloudBusy(f"LlamaCloud's response to {asked} cannot be read: {place} {wrong}", fix=NOT_THE_API) from error
