"""A LlamaCloud classify or split job, the request that creates it, and the API's report on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from receiver.core.document import Classification, Document, DocumentState, Step
from receiver.core.pages import Segment as Segment
from receiver.core.short_repr import short_repr
from receiver.core.submission import number_in


class JobKind(StrEnum):
    """An open set: a family of events may bring a kind of its own, ``JobKind("extract")``, by its one file."""

    CLASSIFY = "classify"
    SPLIT = "split"

    @classmethod
    def _missing_(cls, value: object) -> "JobKind | None":
        """A kind that is not named here, from the code of its family or from a record; one object for each."""
        if not isinstance(value, str) or not value:
            return None
        kind = str.__new__(cls, value)
        kind._name_, kind._value_ = value.upper(), value
        return cls.__dict__["_value2member_map_"].setdefault(value, kind)  # type: ignore[no-any-return]


class JobStatus(StrEnum):
    """The vendor's words, lower case and one for both products.

    Source: classify says PENDING, RUNNING, COMPLETED, FAILED, CANCELLED; split says pending, processing, completed,
    failed, cancelled (SDK 2.19). ``gone`` is ours: the API answers 404.
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"

    @property
    def final(self) -> bool:
        """Whether the job will not change any more."""
        return self not in (JobStatus.PENDING, JobStatus.RUNNING)


class SweepVerdict(StrEnum):
    """Why a stored job is checked though no event came: our own words, which no event can contain."""

    FINISHED = "finished"
    """LlamaCloud's list shows it as ended."""
    GONE = "gone"
    """The list does not show it."""
    STUCK = "stuck"
    """It has been running for longer than ``stuck_after``."""
    POLL = "poll"
    """A job on split's beta path, which sends no events: it is polled until it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfiguration:
    """The webhook configuration of a job (reference 1.2: webhook_configurations)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    output_format: str = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job to create. ``configuration`` is LlamaCloud's own object, made from mailroom.yaml."""

    kind: JobKind
    file_id: str
    configuration: Mapping[str, Any]
    transaction_id: str
    registration: WebhookConfiguration | None = None
    webhook_ids: tuple[str, ...] = ()
    """Webhooks saved at LlamaCloud that also get the job's events."""
    beta: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """The API's report on a job: the full result, fetched, never taken from an event's payload."""

    id: str
    kind: JobKind
    status: JobStatus
    file_id: str = ""
    transaction_id: str = ""
    created_at: float | None = None
    ended_at: float | None = None
    """When a job that has ended did, by LlamaCloud's clock."""
    classification: Classification | None = None
    segments: tuple[Segment, ...] = ()
    error: str = ""
    credits: float | None = None
    rules: frozenset[tuple[str, str]] = frozenset()
    """The rules of the job (``rules_in``); empty where the API does not show them."""

    __repr__ = short_repr


def rules_in(configuration: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Name and description of each classify rule or split category in a configuration of the vendor's.

    White space does not count, and what has another shape is left out: this is read from answers, too.
    """
    listed = configuration.get("rules") or configuration.get("categories") or ()
    found = [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list | tuple) else []
    return frozenset((_text(item.get("type") or item.get("name")), _text(item.get("description"))) for item in found)


def _text(value: object) -> str:
    return " ".join(str(value or "").split())


ASK_AGAIN, STEADY, MORE = 5.0, 3, 1.5
"""Seconds until an unfinished job is asked about again, the first times; then each wait is so many times longer. So a
result of which no event comes is late by half of what its job took, or by these seconds."""
SELDOM = 3600.0
FOLLOW_UP = 60.0
"""Seconds that the task which goes on with a job has before the job is asked about again, at the least."""


def pause_after(checks: int) -> float:
    """Seconds from the check after this many to the next."""
    return float(min(ASK_AGAIN * MORE ** max(0, min(checks, 60) - STEADY + 1), SELDOM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Our record of a job: its document, and by when an event must have come."""

    id: str
    kind: JobKind
    document_id: str
    created_at: float
    transaction_id: str = ""
    status: JobStatus = JobStatus.PENDING
    deadline: float | None = None
    """Past this moment the sweep asks the API itself."""
    heard_at: float | None = None
    """When we first learned of it, by our own clock; None for a job from before this was stored."""
    checks: int = 0
    first_wait: float | None = None
    """Seconds from its creation to its first deadline; None for a job from before this was kept."""
    followed: bool = False
    """Whether a task follows from the latest check. Until the deadline, that task has time to end."""
    beta: bool = False
    """True for a split job on the beta path, which knows no webhooks."""
    pages: int | None = None
    """Pages that LlamaCloud reads for it; None where that is not known."""
    credits: float | None = None
    """What LlamaCloud charged, where it says so (``expand=usage``)."""
    segments: tuple[Segment, ...] = ()
    """What a split job found; stored, because LlamaCloud does not say for how long it keeps it."""
    error: str = ""
    ended_at: float | None = None
    """When it ended, by LlamaCloud's clock; None until then, and where that is not known."""
    heard_by: str = ""
    """How its end was learned: by an ``event``, or without one, ``asked``."""
    version: int = 0

    __repr__ = short_repr

    @property
    def known_since(self) -> float:
        """When we first learned of it: its age by our own clock. ``created_at`` may be by LlamaCloud's."""
        return self.created_at if self.heard_at is None else self.heard_at

    def asked(self, status: JobStatus, now: float) -> "Job":
        """The job after a check that found this status, with the time of the next check."""
        deadline = now + pause_after(self.checks)
        return replace(self, status=status, checks=self.checks + 1, deadline=deadline, followed=False)

    def followed_up(self, now: float) -> "Job":
        """The job after a check from which a task follows; it is checked again if nothing comes of that."""
        deadline = now + max(pause_after(self.checks), FOLLOW_UP)
        return replace(self, checks=self.checks + 1, deadline=deadline, followed=True)

    def in_hand(self, now: float) -> bool:
        """Whether the task that follows from the latest check still has time: another check would only make one more.

        The deadline alone says until when, because that is what is brought back after a clock was wrong.
        """
        return self.followed and self.overdue_at is not None and now < self.overdue_at

    def longest_wait(self, deadline_seconds: float) -> float:
        """How far ahead its deadline can lie; ``deadline_seconds`` is the table's."""
        return max(pause_after(self.checks - 1), FOLLOW_UP) if self.checks else deadline_seconds

    def stuck(self, *, after: float, deadline_seconds: float) -> bool:
        """Whether our checks found it unfinished for ``after`` seconds.

        Checks count, and not the difference of two times: a clock that jumps can make that as long as it likes.
        """
        first = deadline_seconds if self.first_wait is None else self.first_wait
        looked_for = first + sum(map(pause_after, range(self.checks)))
        return not self.status.final and looked_for >= after

    @property
    def overdue_at(self) -> float | None:
        """When to ask about an unfinished job; None for finished ones (a sparse index rests on this)."""
        return None if self.status.final else self.deadline


def already_processed(document: Document, job_id: str, job: Job | None) -> bool:
    """Whether this job's result counted before, or is not for this document any more: then nothing may happen again.

    ``job`` is its record. It shows a document that was resubmitted because of this job, and has no other one yet.
    """
    taken = job is not None and (job.status.final or job.document_id != document.id or _is_earlier(document, job))
    superseded = bool(document.job_id) and document.job_id != job_id
    decided = document.plan is not None or document.step is Step.SPLIT
    return taken or superseded or decided or document.state is not DocumentState.OPEN


def _is_earlier(document: Document, job: Job) -> bool:
    """Whether the job was created for an earlier submission, whose rules, or bytes, were others.

    Its result could not be fetched then, so that it has none on record.
    """
    number = number_in(job.transaction_id)
    return number is not None and number < document.submissions
