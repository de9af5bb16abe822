"""What became of the mail; each delivery is read back from where its receipt says that it lies."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.demo.stage import Stage
from handlers.local_aws import LocalAws
from receiver import show
from receiver.bootstrap import App
from receiver.cli.submit import Refusal
from receiver.core.change import Query, Tally
from receiver.core.document import DeliveryState, Document
from receiver.core.incident import Incident
from receiver.flow.dossier import found

MISSING = "missing"
"""The status of a delivery that is not found where its receipt says."""


@dataclass(frozen=True)
class Report:
    """The demo's result as data, and whether it is a success."""

    documents: list[dict[str, Any]]
    refused: list[Refusal]
    alerts: list[dict[str, Any]]
    books: Tally

    @property
    def data(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "documents": self.documents,
            "refused": [{"name": one.name, "reason": one.reason} for one in self.refused],
            "alerts": self.alerts,
            "balance": show.balance(self.books),
        }

    @property
    def settled(self) -> bool:
        """Whether the books balance, nothing is open, and every delivery lies in its place."""
        statuses = {each["status"] for one in self.documents for each in one["deliveries"]}
        return self.books.balanced and not self.books.open and statuses <= {DeliveryState.DELIVERED}

    @property
    def fine(self) -> bool:
        """Whether, besides, every file could be taken in."""
        return self.settled and not self.refused


async def report_of(stage: Stage, refused: list[Refusal]) -> Report:
    """The report on everything that the stage has taken in."""
    store = stage.app.tools.store
    places = Places(stage.aws)
    documents = [await asyncio.to_thread(_read_back, one, places) for one in await _family_order(stage.app)]
    incidents = await found(store, Incident, Query(newest_first=True), limit=100)
    return Report(documents, refused, [show.incident(one) for one in incidents], await store.tally())


async def _family_order(app: App) -> list[Document]:
    """All documents as they came in, each packet followed by its pieces in the order of their pages."""
    everything = await found(app.tools.store, Document, Query(), limit=1_000_000)
    return sorted(everything, key=lambda one: (one.taken_in_at, one.parent_id or one.id, one.pages))


class Places:
    """Where documents were delivered to, looked at from outside. A queue is read once."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._queues: dict[str, dict[str, str]] = {}

    def hold(self, document: Document, location: str) -> bool:
        """Whether the document, or the message about it, lies there. An HTTP endpoint cannot be asked."""
        scheme = location.partition(":")[0]
        if scheme == "sqs":
            queue, _, message_id = location.rpartition("#")
            return document.id in self._messages(queue).get(message_id, "")
        if scheme in {"s3", "folder"}:
            return hashlib.sha256(self._bytes(location)).hexdigest() == document.sha256
        return True

    def _bytes(self, location: str) -> bytes:
        try:
            if location.startswith("s3:"):
                return self._aws.object(location)
            return Path(location.removeprefix("folder://")).read_bytes()
        except (KeyError, OSError):
            return b""

    def _messages(self, queue: str) -> dict[str, str]:
        if queue not in self._queues:
            self._queues[queue] = {one["MessageId"]: one["Body"] for one in self._aws.messages(queue)}
        return self._queues[queue]


def _read_back(document: Document, places: Places) -> dict[str, Any]:
    shown = show.document(document)
    shown["deliveries"] = [_found(each, document, places) for each in shown["deliveries"]]
    return shown


def _found(delivery: dict[str, Any], document: Document, places: Places) -> dict[str, Any]:
    """The delivery as it is found in its place."""
    location: str | None = delivery["location"]
    lost = location is not None and not places.hold(document, location)
    return {"to": delivery["to"], "status": MISSING if lost else delivery["status"], "location": location}
