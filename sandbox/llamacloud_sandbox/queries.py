"""Query parameters as LlamaCloud publishes them, with its limits. Sources: the parameter types of SDK 2.19."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from llamacloud_sandbox.api import Scope


class FileList(Scope):
    """Query of the list of files."""

    page_size: int = Field(50, ge=1, le=1000)
    page_token: str | None = None
    file_ids: list[str] | None = None
    file_name: str | None = None
    external_file_id: str | None = None
    order_by: Literal["name", "id", "created_at"] | None = None
    expand: list[Literal["download_url"]] | None = None


class FileGet(Scope):
    """Query of one file."""

    expand: list[Literal["download_url"]] | None = None


class FileContent(Scope):
    """Query of a download link."""

    expires_at_seconds: int | None = Field(None, ge=1, le=7 * 86_400)


class JobList(Scope):
    """Query of the lists of jobs (without the status, which each product spells its own way)."""

    page_size: int = Field(50, ge=1, le=100)
    page_token: str | None = None
    job_ids: list[str] | None = None
    created_at_on_or_after: datetime | None = None
    created_at_on_or_before: datetime | None = None


class ClassifyList(JobList):
    """Query of the list of classify jobs."""

    status: Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] | None = None
    configuration_id: str | None = None


class SplitList(JobList):
    """Query of the list of split jobs."""

    status: Literal["pending", "processing", "completed", "failed", "cancelled"] | None = None


class ClassifyGet(Scope):
    """Query of one classify job."""

    expand: list[Literal["usage"]] | None = None


class WebhookList(Scope):
    """Query of the paged list of webhook configurations."""

    page_size: int = Field(50, ge=1, le=1000)
    page_token: str | None = None
    include_total: bool = False


class ConfigurationList(Scope):
    """Query of the list of presets."""

    page_size: int = Field(50, ge=1, le=1000)
    page_token: str | None = None
    name: str | None = None
    product_type: list[str] | None = None
    latest_only: bool = False


class ProjectList(BaseModel):
    """Query of the array of projects."""

    organization_id: str | None = None
    project_name: str | None = None


class ProjectPage(BaseModel):
    """Query of the page of projects."""

    organization_id: str | None = None
    name: str | None = None
    page_size: int = Field(50, ge=1, le=1000)
    page_token: str | None = None
