"""The evidence after a run: what lies in the buckets and queues, what LlamaCloud did, and what the store believes."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from handlers.demo.local_aws import LocalAws
from receiver.cloud.client import LlamaCloud
from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import FileGone
from receiver.core.event import Event
from receiver.core.incident import Incident, Occurrence
from receiver.core.job import JobKind, JobReport
from receiver.core.submission import document_named_by, number_in
from receiver.core.task import Task
from receiver.core.vendor_input import SCHEME
from receiver.pipeline.records import find_records
from receiver.ports import Spool, Store
from tests.chaos.letters import BUCKETS, FIFO, STANDARD
from tests.chaos.mail import ALERTS
from tests.chaos.packets import marks

MANIFEST_SUFFIX = ".mailroom.json"
ALL = 1_000_000
KEY = "llx-chaos"
"""The key of the run: LlamaCloud shows each project its own jobs."""


@dataclass(frozen=True, slots=True)
class Object:
    """One document's bytes in a bucket."""

    place: str
    """bucket/key"""
    sha256: str
    delivery_id: str
    document_id: str
    manifest: Mapping[str, Any] | None
    """What is beside it; None when nothing does."""

    @property
    def told(self) -> bool:
        """Whether its manifest is beside it, and is about this delivery."""
        return self.manifest is not None and self.manifest["delivery_id"] == self.delivery_id


@dataclass(frozen=True, slots=True)
class Message:
    queue: str
    delivery_id: str
    document_id: str
    type: str = "mailroom.document.routed"

    @property
    def withdraws(self) -> bool:
        """Whether it says that the document is no affair of this queue any more."""
        return self.type == "mailroom.document.superseded"

    @property
    def follows(self) -> bool:
        """Whether it says where the document lies, after one that could not say so yet."""
        return self.type == "mailroom.document.available"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All of it, as it was found."""

    objects: list[Object]
    strays: list[str]
    """Stories without a document beside them."""
    messages: list[Message]
    jobs: Mapping[str, list[JobReport]]
    """Document id -> its jobs at LlamaCloud, oldest first."""
    acknowledged_events: set[str]
    """The ids of events that were answered 2xx."""
    documents: Mapping[str, Document]
    kept: Mapping[str, str]
    """Document id -> the SHA-256 of its bytes in the spool, where they are still there."""
    marks: Mapping[str, tuple[str, ...]]
    """The id of a piece -> the marks on the pages of its bytes: those that are kept, or were delivered."""
    incidents: Mapping[tuple[str, str], str]
    """The kind of an alert and the document's id -> the incident that it was counted in."""
    notices: Counter[str]
    """The incidents that a person was told of."""
    repeated: int
    """Notices that came more than once."""
    events: set[str]
    tasks: list[Task]
    tally: Tally
    by_id: Mapping[str, bool] = field(default_factory=dict)
    """The documents that were submitted by their id at LlamaCloud -> whether their bytes are still there."""


async def gather(
    aws: LocalAws, sandbox: str, totals: Store, spool: Spool, *, vendor_ids: Mapping[str, str]
) -> Evidence:
    """Reads everything back, and closes the store. Call it when the product is stopped."""
    bodies = _bodies(aws)
    objects, strays = _objects(bodies)
    delivered = {item.document_id: bodies[item.place][0] for item in objects}
    try:
        documents = await find_records(totals, Document, Query(), limit=ALL)
        kept = {item.id: content for item in documents if (content := await _kept(item, spool)) is not None}
        bytes_of = delivered | kept
        notices = _notices(aws)
        there = {vendor_id: await _is_there(sandbox, vendor_id) for vendor_id in vendor_ids.values()}
        return Evidence(
            objects=objects,
            strays=strays,
            messages=_messages(aws),
            jobs=await _jobs(sandbox),
            acknowledged_events=_acknowledged(sandbox),
            documents={item.id: item for item in documents},
            kept={document_id: hashlib.sha256(content).hexdigest() for document_id, content in kept.items()},
            marks={item.id: _marks(bytes_of.get(item.id)) for item in documents if item.parent_id},
            incidents=await _incidents(totals),
            notices=Counter(item["key"]["Value"] for item in notices if item["status"]["Value"] == "firing"),
            repeated=len(notices) - len({item["notice_id"]["Value"] for item in notices}),
            events={item.event_id for item in await find_records(totals, Event, Query(), limit=ALL)},
            tasks=await find_records(totals, Task, Query(), limit=ALL),
            by_id={item.id: there[item.origin.locator] for item in documents if item.origin.kind == SCHEME},
            tally=await totals.tally(),
        )
    finally:
        await totals.close()


async def _is_there(sandbox: str, vendor_id: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        return (await client.get(f"{sandbox}/api/v1/files/{vendor_id}/content", headers=headers)).is_success


def _bodies(aws: LocalAws) -> dict[str, tuple[bytes, dict[str, str]]]:
    """What lies in the buckets, by bucket/key, and what is said of it there."""
    keys = [(bucket, key) for bucket in BUCKETS for key in aws.objects(bucket)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda place: _got(aws, *place), keys))
    return {f"{bucket}/{key}": item for (bucket, key), item in zip(keys, got, strict=True)}


def _objects(bodies: Mapping[str, tuple[bytes, dict[str, str]]]) -> tuple[list[Object], list[str]]:
    manifests = {
        place.removesuffix(MANIFEST_SUFFIX): body
        for place, (body, _) in bodies.items()
        if place.endswith(MANIFEST_SUFFIX)
    }
    objects = [
        Object(place, hashlib.sha256(body).hexdigest(), said.get("delivery-id", ""), said.get("document-id", ""),
               json.loads(manifests[place]) if place in manifests else None)
        for place, (body, said) in bodies.items() if not place.endswith(MANIFEST_SUFFIX)
    ]  # fmt: skip
    return objects, sorted(manifests.keys() - {item.place for item in objects})


def _got(aws: LocalAws, bucket: str, key: str) -> tuple[bytes, dict[str, str]]:
    answer = aws.client("s3").get_object(Bucket=bucket, Key=key)
    return answer["Body"].read(), answer["Metadata"]


async def _kept(document: Document, spool: Spool) -> bytes | None:
    """The document's bytes; None when they are gone."""
    try:
        content = await spool.content(document)
        return b"".join([chunk async for chunk in content.stream()])
    except FileGone:
        return None


def _marks(content: bytes | None) -> tuple[str, ...]:
    return () if content is None else marks(content)


def _notices(aws: LocalAws) -> list[dict[str, Any]]:
    return [item["MessageAttributes"] for item in aws.alerts(ALERTS)]


async def _incidents(totals: Store) -> dict[tuple[str, str], str]:
    known = await find_records(totals, Incident, Query(), limit=ALL)
    parts = [f"{item.id}.{number}" for item in known for number in range(1, item.number + 1)]
    occurrences = [
        item
        for part in parts
        for item in await find_records(totals, Occurrence, Query(by="incident", key=part), limit=ALL)
    ]
    return {(item.kind, item.document_id): item.part.partition(".")[0] for item in occurrences}


def _messages(aws: LocalAws) -> list[Message]:
    found_ = []
    for queue in (STANDARD, *FIFO):
        for message in aws.messages(queue):
            event = json.loads(message["Body"])
            found_.append(Message(queue, event["id"], event["subject"], event["type"]))
    return found_


async def _jobs(sandbox: str) -> dict[str, list[JobReport]]:
    """The vendor's own books, by the document that our transaction id names."""
    cloud = LlamaCloud(sandbox, KEY)
    jobs: dict[str, list[JobReport]] = defaultdict(list)
    try:
        for kind in JobKind:
            async for job in cloud.jobs(kind, since=0, until=4e9):
                jobs[document_named_by(job.transaction_id)].append(job)
    finally:
        await cloud.close()
    for each in jobs.values():
        each.sort(key=submission)
    return jobs


def submission(job: JobReport) -> int:
    """Which submission of its document this is, from 0."""
    return number_in(job.transaction_id) or 0


def _acknowledged(sandbox: str) -> set[str]:
    with httpx.Client(trust_env=False, timeout=60) as client:
        sent: list[dict[str, Any]] = client.get(f"{sandbox}/_sandbox/deliveries").json()["deliveries"]
    return {item["event_id"] for item in sent if item["state"] == "delivered"}
