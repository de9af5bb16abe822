"""Why a job is checked: an event came, or the sweep asks. Neither contains the result; the fetched job does.

The type of an event is a string from outside, which selects a handler and nothing more. A decision of the sweep is a
``Command``, which is only made here. Both are stored as tasks.
"""

from dataclasses import dataclass

from receiver.core.ids import task_id
from receiver.core.job import Job, SweepVerdict
from receiver.core.task import Task

FIRST_POLL = 1.0
"""Seconds after which a job without events is polled first: the interval of the vendor's own SDK (reference 3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdate:
    """What an event says happened to a job: a reason to fetch it, never a result."""

    type: str
    job_id: str
    other_id: str = ""
    document_id: str = ""
    """The document that the event's token proved."""
    event_id: str = ""
    heard_at: float = 0.0
    """When it came."""
    looks: int = 0
    """How often it was put back, because the job had no result yet or other tasks came first."""

    @classmethod
    def of(cls, task: Task) -> "JobUpdate":
        """The update that a task carries (made by ``handling_of``, pipeline/receive.py)."""
        return cls(
            type=task.details["type"],
            job_id=task.details.get("job_id", task.subject),  # tasks of the release before have it as their subject
            other_id=task.details.get("other_id", ""),
            document_id=task.details.get("document_id", ""),
            event_id=task.details.get("event_id", ""),
            heard_at=task.created_at,
            looks=task.looks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to do about a stored job though no event came."""

    job_id: str
    verdict: SweepVerdict
    looks: int = 0

    @classmethod
    def of(cls, task: Task) -> "Command":
        """The command that a task carries."""
        return cls(job_id=task.subject, verdict=SweepVerdict(task.details["verdict"]), looks=task.looks)


def recheck_of(job: Job, verdict: SweepVerdict, *, now: float) -> Task:
    """The task that checks this job. Each time the sweep asks about a job (``checks``) is another one."""
    poll = verdict is SweepVerdict.POLL
    return Task(
        id=task_id("recheck", job.id, verdict, *(() if poll else (job.checks,))),
        kind="recheck",
        subject=job.id,
        due_at=now + FIRST_POLL if poll else now,
        created_at=now,
        details={"verdict": verdict, "document_id": job.document_id},
    )
