"""Requests to LlamaCloud: paths by kind of job, and the bodies that create jobs and webhook configurations.

Source: reference 1.2 (classify), 1.4 (split, and its beta path), 1.5 (saved webhook configurations).
"""

from collections.abc import Mapping
from typing import Any

from receiver.core.errors import Misconfigured, NotAllowed
from receiver.core.job import JobKind, JobRequest, JobStatus, WebhookConfiguration

UNCATEGORIZED = "include"
"""The value of ``allow_uncategorized`` when the configuration has none.

The vendor's pages contradict each other on its default (include or forbid, reference 6), so it is always sent.
"""

PATHS = {
    (JobKind.CLASSIFY, False): "/api/v2/classify",
    (JobKind.SPLIT, False): "/api/v1/split/jobs",
    (JobKind.SPLIT, True): "/api/v1/beta/split/jobs",
}


def job_path(kind: JobKind, *, beta: bool = False) -> str:
    """The path at which jobs of this kind are created and listed. Raises Misconfigured for an unknown kind."""
    if (kind, beta) not in PATHS:
        raise Misconfigured(f"it is not known where LlamaCloud has {kind} jobs")
    return PATHS[kind, beta]


def status_word(kind: JobKind, status: JobStatus) -> str:
    """The status as a filter of this kind's list. Raises NotAllowed for ``gone``, which only Mailroom has."""
    if status is JobStatus.GONE:
        raise NotAllowed("LlamaCloud cannot list unknown jobs")
    if kind is JobKind.CLASSIFY:
        return status.upper()
    return "processing" if status is JobStatus.RUNNING else str(status)


def job_body(order: JobRequest) -> dict[str, Any]:
    """The request that creates this job.

    Split's beta path has neither webhooks nor ``transaction_id`` (reference 1.4), so both are left out there.
    """
    configuration = _explicit(order) if order.kind is JobKind.SPLIT else dict(order.configuration)
    # A request has either a preset or a configuration (reference 1.2, 1.4).
    asked = configuration if "configuration_id" in configuration else {"configuration": configuration}
    if order.beta and order.kind is JobKind.SPLIT:
        return {"document_input": {"type": "file_id", "value": order.file_id}, **asked}
    fields: dict[str, Any] = {
        "file_input": order.file_id,
        **asked,
        "transaction_id": order.transaction_id,
    }
    if order.registration is not None:
        fields["webhook_configurations"] = [webhook_body(order.registration)]
    if order.webhook_ids:
        fields["webhook_configuration_ids"] = list(order.webhook_ids)
    return fields


def _explicit(order: JobRequest) -> dict[str, Any]:
    """The split configuration with ``allow_uncategorized`` always set; a preset has its own."""
    if "configuration_id" in order.configuration:
        return dict(order.configuration)
    strategy = {"allow_uncategorized": UNCATEGORIZED, **(order.configuration.get("splitting_strategy") or {})}
    return {**order.configuration, "splitting_strategy": strategy}


def webhook_body(registration: WebhookConfiguration) -> dict[str, Any]:
    """A webhook configuration. Without ``events`` LlamaCloud sends all events; it rejects an empty list."""
    fields: dict[str, Any] = {
        "webhook_url": registration.url,
        "webhook_headers": dict(registration.headers),
        "webhook_events": list(registration.events),
        "webhook_output_format": registration.output_format,
        "webhook_signing_secret": registration.signing_secret,
    }
    return {name: value for name, value in fields.items() if value}


def secrets(registration: WebhookConfiguration | None) -> tuple[str, ...]:
    """The secret values in the registration, which no message may contain."""
    if registration is None:
        return ()
    headers: Mapping[str, str] = registration.headers
    return tuple(value for value in (*headers.values(), registration.signing_secret) if value)
