"""Records for tests: whole and plausible, each field open to a keyword.

Ids count up, so that two calls give two records; a test that cares about an id names it.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from receiver.core.alert import AlertState, Severity
from receiver.core.channel import Channel
from receiver.core.document import Document, Origin
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.incident import Example, Incident, Occurrence
from receiver.core.job import Job, JobKind
from receiver.core.notification import Notification
from receiver.core.task import Task

NOW = 1_800_000_000.0
"""The moment at which builders put everything (2027-01-15 08:00 UTC)."""

_numbers = count(1)


def an_event(**fields: Any) -> Event:
    """A verified ``classify.success``."""
    number = next(_numbers)
    given = {"id": f"evt-{number}", "type": "classify.success", "job_id": f"job-{number}", "received_at": NOW}
    return Event(**{**given, **fields})


def a_task(**fields: Any) -> Task:
    """A task that is ready and due at NOW."""
    number = next(_numbers)
    given = {"id": f"task-{number}", "kind": "react", "subject": f"job-{number}", "due_at": NOW, "created_at": NOW}
    return Task(**{**given, **fields})


def a_document(**fields: Any) -> Document:
    """An open PDF that came in by folder; ``overdue_at`` is None until a deadline is given."""
    number = next(_numbers)
    given = {
        "id": f"doc-{number}",
        "name": f"letter-{number}.pdf",
        "sha256": f"{number:064x}",
        "size": 1234,
        "media_type": "application/pdf",
        "origin": Origin(kind="folder", locator=f"inbox/letter-{number}.pdf"),
        "content": f"spool:{number:064x}",
        "taken_in_at": NOW,
        "batch_id": f"doc-{number}",
    }
    return Document(**{**given, **fields})


def a_job(**fields: Any) -> Job:
    """A pending classify job; ``overdue_at`` is None until a deadline is given."""
    number = next(_numbers)
    given = {"id": f"job-{number}", "kind": JobKind.CLASSIFY, "document_id": f"doc-{number}", "created_at": NOW}
    return Job(**{**given, **fields})


def an_alert(**fields: Any) -> AlertState:
    """What is remembered of a group of alerts that came once."""
    number = next(_numbers)
    given = {"id": f"job.failed:cause-{number}", "kind": "job.failed", "first_at": NOW, "last_at": NOW, "count": 1}
    return AlertState(**{**given, **fields})


def a_flag(**fields: Any) -> Flag:
    """A paused destination."""
    return Flag(**{"id": f"paused:s3://mail-{next(_numbers)}", "value": "paused", "at": NOW, **fields})


def an_incident(**fields: Any) -> Incident:
    """One that is going on, with one example."""
    number = next(_numbers)
    given = {
        "id": f"fingerprint{number}",
        "kind": "job.failed",
        "cause": "damaged",
        "title": "classify job failed: letter.pdf",
        "severity": Severity.ERROR,
        "opened_at": NOW,
        "last_at": NOW,
        "count": 1,
        "unmended": 1,
        "examples": (Example(at=NOW, document_id=f"doc-{number}", name="letter.pdf", detail="it is damaged"),),
        "recent": ((30_000_000, 1),),
    }
    return Incident(**{**given, **fields})


def an_occurrence(**fields: Any) -> Occurrence:
    """One that still stands."""
    number = next(_numbers)
    given = {"id": f"alert:{number}", "part": f"fingerprint{number}.1", "at": NOW, "kind": "job.failed"}
    return Occurrence(**{**given, **fields})


def a_notification(**fields: Any) -> Notification:
    """What a channel was told of an incident; it is to be looked at again."""
    number = next(_numbers)
    given = {"id": f"fingerprint{number}>log", "incident_id": f"fingerprint{number}", "channel": "log", "due_at": NOW}
    return Notification(**{**given, **fields})


def a_channel(**fields: Any) -> Channel:
    """A channel that does not take notices."""
    return Channel(
        **{"id": f"https://alerts.example.com/{next(_numbers)}", "failures": 2, "failing_since": NOW, **fields}
    )


INCIDENTS: list[Callable[..., Any]] = [an_incident, an_occurrence, a_notification, a_channel]

BUILDERS: list[Callable[..., Any]] = [a_document, a_job, an_event, a_task, an_alert, a_flag, *INCIDENTS]
"""One for each kind of record."""
