"""Reports where each document went; each delivery is read back from where its receipt says it is."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.demo.environment import DemoEnvironment
from handlers.demo.local_aws import LocalAws
from receiver import show
from receiver.bootstrap import App
from receiver.cli.submit import SubmitRefusal
from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import DeliveryState, Document
from receiver.core.incident import Incident
from receiver.pipeline.records import find_records

MISSING = "missing"
"""The status of a delivery that is not found where its receipt says."""


@dataclass(frozen=True)
class Report:
    """The demo's result as data, and whether it is a success."""

    documents: list[dict[str, Any]]
    refused: list[SubmitRefusal]
    alerts: list[dict[str, Any]]
    totals: Tally

    @property
    def data(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "documents": self.documents,
            "refused": [{"name": item.name, "reason": item.reason} for item in self.refused],
            "alerts": self.alerts,
            "balance": show.balance(self.totals),
        }

    @property
    def settled(self) -> bool:
        """Whether the totals balance, nothing is open, and every delivery is at its destination."""
        statuses = {each["status"] for item in self.documents for each in item["deliveries"]}
        return self.totals.balanced and not self.totals.open and statuses <= {DeliveryState.DELIVERED}

    @property
    def fine(self) -> bool:
        """The same, and whether every file could be ingested."""
        return self.settled and not self.refused


async def report_of(stage: DemoEnvironment, refused: list[SubmitRefusal]) -> Report:
    """The report on everything that the demo ingested."""
    store = stage.app.context.store
    places = Places(stage.aws)
    documents = [await asyncio.to_thread(_read_back, item, places) for item in await _family_order(stage.app)]
    incidents = await find_records(store, Incident, Query(newest_first=True), limit=100)
    return Report(documents, refused, [show.incident(item) for item in incidents], await store.tally())


async def _family_order(app: App) -> list[Document]:
    """All documents in the order received, each packet followed by its pieces in page order."""
    everything = await find_records(app.context.store, Document, Query(), limit=1_000_000)
    return sorted(everything, key=lambda item: (item.taken_in_at, item.parent_id or item.id, item.pages))


class Places:
    """Reads destinations as their owners would. Each queue is read once."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._queues: dict[str, dict[str, str]] = {}

    def hold(self, document: Document, location: str) -> bool:
        """Whether the document, or the message about it, is there; True for an HTTP endpoint, which cannot be asked."""
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
            self._queues[queue] = {item["MessageId"]: item["Body"] for item in self._aws.messages(queue)}
        return self._queues[queue]


def _read_back(document: Document, places: Places) -> dict[str, Any]:
    shown = show.document(document)
    shown["deliveries"] = [_found(each, document, places) for each in shown["deliveries"]]
    return shown


def _found(delivery: dict[str, Any], document: Document, places: Places) -> dict[str, Any]:
    """The delivery, with the status ``missing`` if it is not at its destination."""
    location: str | None = delivery["location"]
    lost = location is not None and not places.hold(document, location)
    return {"to": delivery["to"], "status": MISSING if lost else delivery["status"], "location": location}
