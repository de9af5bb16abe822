"""Request bodies and query parameters as LlamaCloud publishes them, with its limits.

Sources: the types of SDK 2.19, the classify reference page, the vendor's OpenAPI document. Where they differ the wider
limit is taken (a rule's description: 500 or 2000 characters; categories: 50 or 500).
"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from llamacloud_sandbox.envelope import EVENT_TYPES
from llamacloud_sandbox.pages import selected
from llamacloud_sandbox.records import Hook
from llamacloud_sandbox.segment import UNCATEGORIZED

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("URL should be an absolute http or https URL")
    return url


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.match(name) or not _HEADER_VALUE.match(value) or value != value.strip():
            raise ValueError(f"{name!r} is no valid HTTP header")
    return headers


def _event(name: str) -> str:
    if name not in EVENT_TYPES:
        raise ValueError(f"{name!r} is no event type")
    return name


def _page_selection(text: str) -> str:
    selected(text)
    return text


def _unique(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} must be unique; {twice[0]!r} is given twice")


def _unambiguous(names: list[str]) -> None:
    """Which names the vendor refuses is not published; these would make the labels of segments ambiguous."""
    labels = [name.strip().casefold() for name in names]
    for name, label in zip(names, labels, strict=True):
        if label == UNCATEGORIZED:
            raise ValueError(f"category name {name!r} is reserved")
        if labels.count(label) > 1:
            raise ValueError(f"category names must differ by more than case and surrounding spaces; {name!r} does not")


def _uncategorized(value: Any) -> Any:
    """The boolean of the older API (SDK 1.0) as the newer word."""
    return {True: "include", False: "forbid"}[value] if isinstance(value, bool) else value


WebAddress = Annotated[str, AfterValidator(_web_address), WithJsonSchema({"type": "string", "format": "uri"})]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
EventName = Annotated[str, AfterValidator(_event), WithJsonSchema({"type": "string", "enum": list(EVENT_TYPES)})]
EventNames = Annotated[list[EventName], Field(min_length=1)]
PageSelection = Annotated[
    str, AfterValidator(_page_selection), WithJsonSchema({"type": "string", "examples": ["1,3,5-7"]})
]
TransactionId = Annotated[str, Field(max_length=255)]
SavedHookIds = Annotated[list[str], Field(max_length=4)]


class WebhookConfiguration(BaseModel):
    """One entry of `webhook_configurations`."""

    webhook_url: WebAddress | None = None
    webhook_events: EventNames | None = None
    webhook_headers: Headers | None = None
    webhook_output_format: Literal["string", "json"] | None = None
    webhook_signing_secret: str | None = None

    def hook(self) -> Hook:
        """The entry as the sender uses it; the format is `string` unless asked otherwise, as the SDK documents."""
        return Hook(
            url=self.webhook_url or "",
            events=None if self.webhook_events is None else tuple(self.webhook_events),
            headers=self.webhook_headers or {},
            output_format=self.webhook_output_format or "string",
            secret=self.webhook_signing_secret or None,
        )


class WebhookCreate(WebhookConfiguration):
    """A webhook configuration to save."""

    webhook_url: WebAddress


class ClassifyRule(BaseModel):
    """A type, and what a document of that type looks like."""

    type: str = Field(min_length=1, max_length=50, pattern=r"^[\w -]+$")
    description: str = Field(min_length=10, max_length=2000)


class Parsing(BaseModel):
    """How the document is parsed before it is classified."""

    lang: str = Field("en", max_length=35)
    max_pages: int | None = Field(None, ge=1)
    target_pages: PageSelection | None = None

    @model_validator(mode="after")
    def _one_selection(self) -> "Parsing":
        if self.max_pages is not None and self.target_pages is not None:
            raise ValueError("give max_pages or target_pages, not both")
        return self


class ClassifyConfiguration(BaseModel):
    """Rules to judge by."""

    rules: list[ClassifyRule] = Field(min_length=1)
    mode: Literal["FAST"] = "FAST"
    parsing_configuration: Parsing | None = None

    @model_validator(mode="after")
    def _unique_types(self) -> "ClassifyConfiguration":
        _unique([rule.type for rule in self.rules], "rule types")
        return self


class Notified(BaseModel):
    """What classify and split jobs have in common: a transaction id and webhooks."""

    transaction_id: TransactionId | None = None
    webhook_configurations: list[WebhookConfiguration] | None = None
    webhook_configuration_ids: SavedHookIds | None = None


class ClassifyCreate(Notified):
    """A classify job to create; `file_id` and `parse_job_id` are the deprecated spellings of `file_input`."""

    file_input: str | None = Field(None, max_length=200)
    file_id: str | None = Field(None, max_length=200)
    parse_job_id: str | None = Field(None, max_length=200)
    configuration: ClassifyConfiguration | None = None
    configuration_id: str | None = None


class ClassifierParsing(BaseModel):
    """How classify v1 parses: pages from 0, five of them unless told otherwise."""

    lang: str = Field("en", max_length=35)
    max_pages: int | None = Field(5, ge=1)
    target_pages: list[Annotated[int, Field(ge=0, lt=99_999)]] | None = Field(None, max_length=1000)


class ClassifierCreate(BaseModel):
    """A job of classify v1: many files, one set of rules."""

    file_ids: list[str] = Field(min_length=1, max_length=500)
    rules: list[ClassifyRule] = Field(min_length=1)
    mode: Literal["FAST", "MULTIMODAL"] = "FAST"
    parsing_configuration: ClassifierParsing | None = None
    webhook_configurations: list[WebhookConfiguration] | None = None


class Category(BaseModel):
    """A category to split by."""

    name: str = Field(min_length=1, max_length=200)
    description: str | None = Field(None, min_length=1, max_length=2000)


class SplittingStrategy(BaseModel):
    """What becomes of pages that fit no category, and where segments end."""

    allow_uncategorized: Annotated[Literal["include", "forbid", "omit"], BeforeValidator(_uncategorized)] = "include"
    custom_instructions: str | None = Field(None, max_length=5000)
    min_pages_per_split: int = Field(1, ge=1)


class SplitConfiguration(BaseModel):
    """Categories and how to split by them."""

    categories: list[Category] = Field(min_length=1, max_length=500)
    splitting_strategy: SplittingStrategy | None = None
    parse_tier: Literal["fast", "cost_effective", "agentic", "agentic_plus"] | None = None
    parse_config_id: str | None = None
    target_pages: PageSelection | None = None
    version: str | None = None

    @model_validator(mode="after")
    def _unique_names(self) -> "SplitConfiguration":
        _unambiguous([category.name for category in self.categories])
        return self


class SplitCreate(Notified):
    """A split job to create."""

    file_input: str = Field(max_length=200)
    configuration: SplitConfiguration | None = None
    configuration_id: str | None = None


class DocumentInput(BaseModel):
    """The nested input of the beta path."""

    type: str
    value: str = Field(max_length=200)


class BetaSplitCreate(BaseModel):
    """A split job on the beta path: the nested `configuration` of SDK 2, or the flat fields of SDK 1."""

    document_input: DocumentInput
    configuration: SplitConfiguration | None = None
    configuration_id: str | None = None
    categories: list[Category] | None = Field(None, min_length=1, max_length=500)
    splitting_strategy: SplittingStrategy | None = None


class FileFilter(BaseModel):
    """What `files/query` looks for."""

    data_source_id: str | None = None
    external_file_id: str | None = None
    file_ids: list[str] | None = None
    file_name: str | None = None
    only_manually_uploaded: bool | None = None
    project_id: str | None = None


class FileQuery(BaseModel):
    """A query over files; a page size above 1000 is coerced, as the SDK documents."""

    filter: FileFilter | None = None
    order_by: str | None = None
    page_size: int | None = Field(None, ge=1)
    page_token: str | None = None


class Parameters(BaseModel):
    """A preset's parameters; which others there are depends on the product type."""

    model_config = ConfigDict(extra="allow")

    product_type: Literal["classify_v2", "extract_v2", "parse_v2", "split_v1", "spreadsheet_v1", "unknown"]


class ConfigurationCreate(BaseModel):
    """A preset to save."""

    name: str = Field(min_length=1, max_length=255)
    parameters: Parameters


class ConfigurationUpdate(BaseModel):
    """What to change in a preset."""

    name: str | None = Field(None, min_length=1, max_length=255)
    parameters: Parameters | None = None
