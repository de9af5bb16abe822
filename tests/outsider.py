"""An outsider: somebody who can send events, with the token of one document or with none, and nothing else."""

import itertools
import json
from typing import Any

from receiver.core import token
from receiver.core.event import Inbound
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.verify_webhook import TOKEN_HEADER, Proof, WebhookSecrets
from receiver.metrics import SummingMeter
from receiver.pipeline.receive import Accepted, ReceiverDependencies, receive
from receiver.ports import CloudFile
from tests.builders import NOW
from tests.in_memory_app import InMemoryApp

SECRET = b"s"
"""The secret of tests/in_memory_app.py."""
_numbers = itertools.count(1)


class Outsider:
    """Sends to the receiver of this application. ``token_of`` names the document whose token this sender has."""

    def __init__(self, app: InMemoryApp, token_of: str = "") -> None:
        required = frozenset({Proof.TOKEN} if token_of else ())
        lock = WebhookSecrets(token_secrets=(SECRET,), required=required)
        self._desk = app
        self._receiver = ReceiverDependencies(
            store=app.store,
            queue=app.context.queue,
            secrets=lock,
            clock=lambda: app.now,
            meter=SummingMeter(),
            keep_seconds=9e6,
        )
        self._headers: list[tuple[bytes, bytes]] = []
        if token_of:
            made = token.make_token(token_of, SECRET, expires_at=app.now + 9e6)
            self._headers = [(TOKEN_HEADER.lower().encode(), made.encode())]

    async def say(self, event_type: str, event_id: str = "", **data: Any) -> Accepted | Exception:
        """What the receiver makes of this event."""
        said = {"event_id": event_id or f"out-{next(_numbers)}", "event_type": event_type, "data": data}
        (outcome,) = await receive([Inbound(self._headers, json.dumps(said).encode())], self._receiver)
        return outcome


def elsewhere(app: InMemoryApp, job_id: str, **fields: Any) -> JobReport:
    """A job of the same LlamaCloud project that was created by somebody else, for a file of theirs."""
    app.cloud.files[f"dfl-{job_id}"] = CloudFile(id=f"dfl-{job_id}", name=f"{job_id}.pdf")
    given: dict[str, Any] = {
        "kind": JobKind.CLASSIFY,
        "status": JobStatus.RUNNING,
        "created_at": NOW,
        "file_id": f"dfl-{job_id}",
    }
    report = app.cloud.reports[job_id] = JobReport(id=job_id, **{**given, **fields})
    return report
