"""What the sandbox keeps: files, jobs, saved webhook targets and saved configurations. Times are Unix seconds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """A job's state in the spelling of classify; split says the same in lower case, and `processing` for RUNNING."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


@dataclass(frozen=True, kw_only=True)
class File:
    """One uploaded file; its bytes lie in the state's folder under its id."""

    id: str
    project_id: str
    name: str
    size: int
    sha256: str
    created_at: float
    purpose: str | None = None
    external_file_id: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Hook:
    """Where to send a job's events: one entry of `webhook_configurations`, or a saved one."""

    url: str
    events: tuple[str, ...] | None = None  # None = every event
    headers: dict[str, str] = field(default_factory=dict)
    output_format: str = "string"
    secret: str | None = None

    def wants(self, event_type: str) -> bool:
        """Whether the hook is subscribed to this event type."""
        return self.events is None or event_type in self.events


@dataclass(frozen=True, kw_only=True)
class SavedHook:
    """A saved webhook configuration (`whc-…`)."""

    id: str
    project_id: str
    hook: Hook
    output_format: str | None  # as the user gave it; null means `string`
    created_at: float
    updated_at: float


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A saved product configuration (`cfg-…`)."""

    id: str
    project_id: str
    name: str
    product_type: str
    parameters: dict[str, Any]
    version: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, kw_only=True)
class Job:
    """One classify or split job with all that its answers and its events need."""

    id: str
    product: str  # classify | split
    project_id: str
    user_id: str
    file_id: str
    input: str  # as asked for: a file id or a parse job id
    input_type: str  # file_id | parse_job_id
    configuration: dict[str, Any]
    created_at: float
    updated_at: float
    status: Status = Status.PENDING
    configuration_id: str | None = None
    transaction_id: str | None = None
    parse_job_id: str | None = None
    result: dict[str, Any] | None = None
    error_message: str | None = None
    credits: float | None = None
    parse_credits: float | None = None
    hooks: tuple[Hook, ...] = ()
    group: str | None = None  # the job of classify v1 that it is a part of; v2 does not show it then


@dataclass(frozen=True, kw_only=True)
class ClassifierJob:
    """A job of classify v1: many files by one set of rules, each judged by a job of its own (`parts`)."""

    id: str
    project_id: str
    user_id: str
    rules: list[dict[str, Any]]
    mode: str
    parts: tuple[str, ...]
    created_at: float
    hooks: tuple[Hook, ...] = ()
    product: str = "classify"


@dataclass(frozen=True, kw_only=True)
class ParseJob:
    """The parse job that every classify or split of a file starts; its id can be the input of a later job."""

    id: str
    project_id: str
    file_id: str
    created_at: float
    completed: bool = False
