"""The evidence after a run: what lies in the buckets and queues, what LlamaCloud did, and what the store believes."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from handlers.local_aws import LocalAws
from receiver.cloud.client import LlamaCloud
from receiver.core.change import Query, Tally
from receiver.core.document import Document
from receiver.core.event import Event
from receiver.core.job import JobKind, JobReport
from receiver.core.task import Task
from receiver.flow.dossier import found
from receiver.ports import Store
from tests.chaos.mail import BUCKETS, FIFO, STANDARD

STORY = ".mailroom.json"
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
    told: bool
    """Whether its story lies beside it, and tells of this delivery."""


@dataclass(frozen=True, slots=True)
class Message:
    queue: str
    delivery_id: str
    document_id: str


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
    events: set[str]
    tasks: list[Task]
    tally: Tally


async def gather(aws: LocalAws, sandbox: str, books: Store) -> Evidence:
    """Reads everything back, and closes the store. Call it when the product is stopped."""
    objects, strays = _objects(aws)
    try:
        return Evidence(
            objects=objects,
            strays=strays,
            messages=_messages(aws),
            jobs=await _jobs(sandbox),
            acknowledged_events=_acknowledged(sandbox),
            documents={one.id: one for one in await found(books, Document, Query(), limit=ALL)},
            events={one.id for one in await found(books, Event, Query(), limit=ALL)},
            tasks=await found(books, Task, Query(), limit=ALL),
            tally=await books.tally(),
        )
    finally:
        await books.close()


def _objects(aws: LocalAws) -> tuple[list[Object], list[str]]:
    keys = [(bucket, key) for bucket in BUCKETS for key in aws.objects(bucket)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda place: _got(aws, *place), keys))
    bodies = {f"{bucket}/{key}": one for (bucket, key), one in zip(keys, got, strict=True)}
    stories = {place.removesuffix(STORY): body for place, (body, _) in bodies.items() if place.endswith(STORY)}
    objects = [
        Object(place, hashlib.sha256(body).hexdigest(), said.get("delivery-id", ""), said.get("document-id", ""),
               _tells(stories.get(place), said))
        for place, (body, said) in bodies.items() if not place.endswith(STORY)
    ]  # fmt: skip
    return objects, sorted(stories.keys() - {one.place for one in objects})


def _got(aws: LocalAws, bucket: str, key: str) -> tuple[bytes, dict[str, str]]:
    answer = aws.client("s3").get_object(Bucket=bucket, Key=key)
    return answer["Body"].read(), answer["Metadata"]


def _tells(story: bytes | None, said: Mapping[str, str]) -> bool:
    return story is not None and said.get("delivery-id", "?").encode() in story


def _messages(aws: LocalAws) -> list[Message]:
    found_ = []
    for queue in (STANDARD, *FIFO):
        for message in aws.messages(queue):
            event = json.loads(message["Body"])
            found_.append(Message(queue, event["id"], event["subject"]))
    return found_


async def _jobs(sandbox: str) -> dict[str, list[JobReport]]:
    """The vendor's own books: a document's id is the third word of our transaction id."""
    cloud = LlamaCloud(sandbox, KEY)
    jobs: dict[str, list[JobReport]] = defaultdict(list)
    try:
        async for job in cloud.jobs(JobKind.CLASSIFY, since=0, until=4e9):
            words = job.transaction_id.split("-")
            jobs[words[2] if len(words) == 4 else ""].append(job)
    finally:
        await cloud.close()
    for each in jobs.values():
        each.sort(key=lambda job: int(job.transaction_id.rpartition("-")[2] or 0))
    return jobs


def _acknowledged(sandbox: str) -> set[str]:
    with httpx.Client(trust_env=False, timeout=60) as client:
        sent: list[dict[str, Any]] = client.get(f"{sandbox}/_sandbox/deliveries").json()["deliveries"]
    return {one["event_id"] for one in sent if one["state"] == "delivered"}
