"""What creating a classify and a split job have in common: the input, the saved configuration, the webhooks."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llamacloud_sandbox.api import Call
from llamacloud_sandbox.queries import JobList
from llamacloud_sandbox.records import Hook, Job
from llamacloud_sandbox.refused import Refused, invalid
from llamacloud_sandbox.routes.files import available
from llamacloud_sandbox.shapes import Notified

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Input:
    """What a job reads: the file, and how it was named."""

    file_id: str
    given: str
    kind: str  # file_id | parse_job_id


def input_named(call: Call, given: str, refuse: Callable[[str, str], Refused]) -> Input:
    """The file behind a file id or a parse job id of this project. Raises `refuse(kind, id)` if there is none."""
    if given.startswith("pjb-"):
        parse_job = call.parts.state.parse_jobs.get(given)
        if parse_job is None or parse_job.project_id != call.project_id:
            raise refuse("parse_job_id", given)
        return Input(parse_job.file_id, given, "parse_job_id")
    file = available(call, given)
    if file is None or file.project_id != call.project_id:
        raise refuse("file_id", given)
    return Input(file.id, given, "file_id")


def configuration_chosen(call: Call, given: M | None, preset_id: str | None, product_type: str, model: type[M]) -> M:
    """The inline configuration, or the saved one; exactly one of them. Raises Refused (400, 404, 422)."""
    if (given is None) == (preset_id is None):
        raise invalid(["body"], "give exactly one of 'configuration' and 'configuration_id'")
    if given is not None:
        return given
    product = product_type.split("_")[0]
    preset = call.parts.state.presets.get(preset_id or "")
    if preset is None or preset.project_id != call.project_id or preset.product_type != product_type:
        raise Refused(404, f"{product.capitalize()} configuration {preset_id} not found")
    try:
        return model.model_validate(preset.parameters)
    except ValidationError as error:
        raise Refused(400, f"Invalid {product} configuration parameters for {preset_id}") from error


def hooks_of(call: Call, asked: Notified) -> tuple[Hook, ...]:
    """The job's inline webhooks, then its saved ones. Raises Refused (404) for an id that is not this project's."""
    hooks = [each.hook() for each in asked.webhook_configurations or ()]
    for hook_id in asked.webhook_configuration_ids or ():
        saved = call.parts.state.hooks.get(hook_id)
        if saved is None or saved.project_id != call.project_id:
            raise Refused(404, f"Webhook configuration {hook_id} not found")
        hooks.append(saved.hook)
    return tuple(hooks)


def new_job(call: Call, product: str, source: Input, **fields: Any) -> Job:
    """A pending job of this project. Only split's prefix is published; classify's is ours."""
    now = call.parts.clock()
    prefix = {"classify": "cls", "split": "spl"}[product]
    return Job(
        id=f"{prefix}-{uuid.uuid4()}",
        product=product,
        project_id=call.project_id,
        user_id=call.user_id,
        file_id=source.file_id,
        input=source.given,
        input_type=source.kind,
        created_at=now,
        updated_at=now,
        **fields,
    )


def job_found(call: Call, product: str, job_id: str) -> Job:
    """The job of that product, id and project. Raises Refused (404)."""
    job = call.parts.state.jobs.get(job_id)
    if job is None or job.product != product or job.project_id != call.project_id or job.group is not None:
        raise Refused(404, f"{product.capitalize()} job not found")
    return job


def job_filter(call: Call, product: str, asked: JobList, status: str | None) -> Callable[[Job], bool]:
    """Whether a job belongs into the list that was asked for; `status` in the spelling of classify."""
    after, before = asked.created_at_on_or_after, asked.created_at_on_or_before
    ids = None if asked.job_ids is None else set(asked.job_ids)
    earliest, latest = _seconds(after), _seconds(before)

    def wanted(job: Job) -> bool:
        return (
            job.product == product
            and job.group is None
            and job.project_id == call.project_id
            and status in {None, job.status.value}
            and (ids is None or job.id in ids)
            and (earliest is None or job.created_at >= earliest)
            and (latest is None or job.created_at <= latest)
        )

    return wanted


def _seconds(moment: datetime | None) -> float | None:
    """Unix seconds; a time without a zone is taken as UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
