"""A whole mailroom in memory for tests of the flow: real store, spool, table and steps; the outside is played.

The cloud and the places that are played here have their own tests against real servers; here the question is what the
flow makes of what they answer.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from handlers.event_types import classify, split, unknown
from receiver.config import Config, parse
from receiver.core.change import Insert, InsertIfAbsent, Query, R
from receiver.core.delivery_request import Content, CopyMark, DeliveryRequest, StoredCopy
from receiver.core.document import Classification, Document, Receipt
from receiver.core.errors import DeliveryConflict, FileGone, JobGone
from receiver.core.event import Event
from receiver.core.incident import Incident
from receiver.core.job import Job, JobKind, JobReport, JobRequest, JobStatus, rules_in
from receiver.core.notice import Notice
from receiver.core.plan import Target
from receiver.core.task import Task
from receiver.core.vendor_input import KEPT
from receiver.metrics import SummingMeter
from receiver.operations.lease_takeover import ExpiredLeases
from receiver.pipeline.context import Context, WebhookTerms
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.pipeline.ingest import IncomingFile, Ingested, ingest
from receiver.pipeline.process import Done, process
from receiver.pipeline.receive import handling_of
from receiver.ports import CloudFile
from receiver.queue.local import LocalQueue
from receiver.store.memory import MemoryStore
from receiver.store.spool import FolderSpool
from tests.builders import NOW
from tests.mail_fixtures import NearReader
from tests.pdf_fixtures import NearCutter

TABLE = """\
classify:
  rules:
    - {type: invoice, description: "an invoice with a number and a total"}
    - {type: contract, description: "an agreement between two parties"}
routes:
  - type: invoice
    min_confidence: 0.8
    to: ["bytes://invoices/", "words://invoices"]
  - {type: contract, to: ["bytes://contracts/"]}
no_match: {to: ["bytes://unsorted/"], review: true}
low_confidence: {review: true}
failed: {to: ["bytes://failed/"]}
alerting: {wait: 0 seconds}
alerts:
  - {on: ["*"], to: log, at_most: 1 per 10 minutes}
"""


class InMemoryCloud:
    """Answers as it was told; remembers what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, CloudFile] = {}
        self.sums: dict[str, str] = {}
        """File id -> sha256 of its bytes."""
        self.reports: dict[str, JobReport] = {}
        self.by_transaction: dict[str, str] = {}
        self.orders: list[JobRequest] = []
        self.uploads: list[str] = []
        self.looked_up: list[str] = []
        """The files that were asked for by their id."""
        self.read: list[str] = []
        """The files whose bytes were fetched."""
        self.contents: dict[str, bytes] = {}
        self.gone: set[str] = set()
        """Files whose bytes are gone."""
        self.asked: list[str] = []
        """The jobs that were asked for by their id."""
        self.lists = 0
        """How often a list was asked for."""
        self.cancelled: list[str] = []
        self.broken: Exception | None = None
        self.refuse_cancel: Exception | None = None
        self.refuse_create: Exception | None = None
        """Refuses new jobs alone: reads still work."""
        self.away: Exception | None = None
        self.clock_ahead: float | None = None

    async def find_file(self, external_id: str, *, sha256: str, known: str = "") -> CloudFile | None:
        named = [file for file in self.files.values() if file.external_id == external_id]
        return next((file for file in named if file.id == known or self.sums.get(file.id) == sha256), None)

    async def upload(self, content: Content, *, name: str, external_id: str, purpose: str) -> CloudFile:
        self._fail()
        self.uploads.append(name)
        file = CloudFile(id=f"dfl-{len(self.files) + 1}", name=name, external_id=external_id)
        self.files[file.id], self.sums[file.id] = file, content.sha256
        return file

    async def file(self, file_id: str) -> CloudFile:
        self._fail()
        self.looked_up.append(file_id)
        if file_id not in self.files:
            raise FileGone(f"LlamaCloud no longer has {file_id}")
        return self.files[file_id]

    async def read_file(self, file_id: str) -> AsyncIterator[bytes]:
        self.read.append(file_id)
        if file_id in self.gone:
            raise FileGone(f"LlamaCloud has no PDF of {file_id} any more: {KEPT}")
        yield self.contents.get(file_id, file_id.encode())

    async def create(self, order: JobRequest) -> JobReport:
        self._fail()
        if self.refuse_create is not None:
            raise self.refuse_create
        self.orders.append(order)
        job_id = self.by_transaction.setdefault(order.transaction_id, f"job-{len(self.by_transaction) + 1}")
        report = JobReport(
            id=job_id, kind=order.kind, status=JobStatus.PENDING, file_id=order.file_id,
            transaction_id=order.transaction_id, created_at=NOW, rules=rules_in(order.configuration),
        )  # fmt: skip
        return self.reports.setdefault(job_id, report)

    async def job(self, kind: JobKind, job_id: str, *, beta: bool = False) -> JobReport:
        self.asked.append(job_id)
        self._fail()
        if job_id not in self.reports:
            raise JobGone(f"{kind} job {job_id} is not known")
        return self.reports[job_id]

    async def jobs(
        self,
        kind: JobKind,
        *,
        since: float | None = None,
        until: float | None = None,
        ids: Sequence[str] = (),
        status: str | None = None,
        beta: bool = False,
    ) -> AsyncIterator[JobReport]:
        self.lists += 1
        if self.away is not None:
            raise self.away
        for report in [self.reports[item] for item in ids if item in self.reports] if ids else [*self.reports.values()]:
            created = report.created_at or NOW
            if report.kind is kind and (since or created) <= created <= (until or created):
                yield report

    async def cancel(self, kind: JobKind, job_id: str) -> JobReport:
        if self.refuse_cancel is not None:
            raise self.refuse_cancel
        self.cancelled.append(job_id)
        return self.finish(job_id, JobStatus.CANCELLED)

    def renew(self, api_key: str) -> None: ...

    async def close(self) -> None: ...

    def finish(self, job_id: str, status: JobStatus = JobStatus.COMPLETED, **fields: Any) -> JobReport:
        """The job as it is from now on."""
        self.reports[job_id] = replace(self.reports[job_id], status=status, **fields)
        return self.reports[job_id]

    def classified(self, job_id: str, type_: str | None, confidence: float = 0.95) -> JobReport:
        """The job completed with this result."""
        found = Classification(type=type_, confidence=confidence, reasoning="it says so")
        return self.finish(job_id, classification=found)

    def _fail(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class InMemoryDestination:
    """A destination that records its requests, and refuses some when set up to."""

    holds_bytes: bool
    requests: list[DeliveryRequest] = field(default_factory=list)
    broken: Exception | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    """What lies there, by its URL."""
    superseded: dict[str, list[str]] = field(default_factory=dict)
    """The places that count instead, by the URL whose manifest says so."""

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        if self.broken is not None:
            raise self.broken
        fresh = await self._put(request) if self.holds_bytes else request not in self.requests
        self.requests.append(request)
        return Receipt(location=request.url, checksum=f"sha256:{request.document.sha256}", fresh=fresh)

    async def mark(self, mark: CopyMark) -> None:
        if self.broken is not None:
            raise self.broken
        assert mark.url in self.objects
        self.superseded.pop(mark.url, None)
        if mark.superseded is not None:
            self.superseded[mark.url] = mark.superseded["locations"]

    async def read_back(self, receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        if self.broken is not None:
            raise self.broken
        data, manifest = self.objects.get(receipt.location), self.objects.get(receipt.manifest)
        if data is None:
            return StoredCopy(sha256="", manifest=manifest)
        return StoredCopy(sha256=hashlib.sha256(data).hexdigest(), size=len(data), manifest=manifest)

    async def _put(self, request: DeliveryRequest) -> bool:
        if request.again and request.url in self.objects:
            return False
        fresh = request.url not in self.objects
        data = b"".join([chunk async for chunk in request.content.stream()])
        if self.objects.setdefault(request.url, data) != data:
            raise DeliveryConflict(f"{request.url} holds something else")
        return fresh

    async def content(self, document: Document) -> Content:
        """As a source: the bytes that were delivered there."""

        async def stream() -> AsyncIterator[bytes]:
            if document.content not in self.objects:
                raise FileGone(f"{document.content} no longer exists")
            yield self.objects[document.content]

        return Content(
            size=document.size, sha256=document.sha256, media_type=document.media_type, stream=stream
        )  # fmt: skip

    async def release(self, location: str) -> None:
        raise AssertionError("what was delivered is never released")

    def faults(self, target: Target) -> list[str]:
        return []

    async def probe(self, target: Target) -> list[str]:
        return []


@dataclass
class InMemoryChannel:
    """A channel that remembers what it was told, each notice with its count."""

    told: list[tuple[Notice, int]] = field(default_factory=list)
    broken: Exception | None = None
    faults: list[str] | None = None
    tracks: bool = False

    async def notify(self, notice: Notice) -> str:
        if self.broken is not None:
            raise self.broken
        self.told.append((notice, notice.count))
        return notice.thread or f"thread-{notice.key}-{len(self.told)}"

    async def probe(self) -> list[str] | None:
        return [str(self.broken)] if self.broken is not None else self.faults

    @property
    def words(self) -> list[str]:
        """What was told, in short: ``firing job.failed``."""
        return [f"{notice.status} {notice.kind}" for notice, _ in self.told]


class InMemoryApp:
    """The mailroom, and the hands that move it: ``ingest``, ``work``, ``event``, ``later``."""

    def __init__(self, folder: Path, table: str = TABLE) -> None:
        self.now = NOW
        self.folder = folder
        self.cloud = InMemoryCloud()
        self.bytes = InMemoryDestination(holds_bytes=True)
        self.words = InMemoryDestination(holds_bytes=False)
        self.channel = InMemoryChannel()
        self.store = MemoryStore(clock=lambda: self.now)
        self.context = self._context(_table(table))

    def _context(self, config: Config) -> Context:
        return Context(
            store=self.store,
            queue=LocalQueue(),
            cloud=self.cloud,
            spool=FolderSpool(self.folder / "spool"),
            config=config,
            webhook_terms=WebhookTerms(
                url="https://mail.example.com/webhooks/llamacloud", headers={"X-Key": "k"}, token_secret=b"s"
            ),
            registry=HandlerRegistry(classify.router, split.router, unknown.router),
            clock=lambda: self.now,
            spread=lambda: 1.0,
            meter=SummingMeter(),
            cutter=NearCutter(),
            mail_reader=NearReader(),
            sources={"bytes": self.bytes},
            destinations={"bytes": self.bytes, "words": self.words},
            channels={"log": self.channel},
            adopt=True,
        )

    def use(self, table: str) -> None:
        """Another routing table from now on."""
        self.context = replace(self.context, config=_table(table))

    def later(self, seconds: float) -> None:
        self.now += seconds

    async def workers_die(self, seconds: float = 61) -> None:
        """Whoever holds a task is gone; once the leases are over that is noticed, and the retries are due."""
        takeover = ExpiredLeases(clock=lambda: self.now)
        await takeover.take_over(self.context)
        self.later(seconds)
        await takeover.take_over(self.context)
        self.later(30)

    async def ingest(self, name: str = "letter.pdf", content: bytes = b"%PDF-1.7 a letter", **fields: Any) -> Ingested:
        path = self.folder / "in.bin"
        path.write_bytes(content)
        return await ingest(IncomingFile(name=name, kind="folder", source=path, **fields), self.context)

    async def work(self, *, rounds: int = 20) -> list[Done]:
        """Does what is due now, and what follows from it, until nothing is due."""
        done: list[Done] = []
        for _ in range(rounds):
            claimed = await self.store.claim(owner="in-memory", now=self.now, lease_seconds=60, limit=50)
            if not claimed:
                return done
            done += [await process(task, self.context) for task in claimed]
        raise AssertionError("there is always something due")

    async def work_on(self, limit: int) -> list[Done]:
        """Does so many of the tasks that are due now, the oldest."""
        claimed = await self.store.claim(owner="in-memory", now=self.now, lease_seconds=60, limit=limit)
        return [await process(task, self.context) for task in claimed]

    async def do(self, task_id: str) -> Done:
        """Does this one task, which is due."""
        (task,) = await self.store.claim(owner="in-memory", now=self.now, lease_seconds=60, ids=[task_id])
        return await process(task, self.context)

    async def event(self, job_id: str, type_: str = "classify.success", **fields: Any) -> None:
        """An event as the receiver keeps it."""
        event = Event(
            id=fields.pop("id", f"evt-{job_id}-{type_}"), type=type_, job_id=job_id, received_at=self.now, **fields
        )
        await self.store.apply(Insert(event), InsertIfAbsent(handling_of(event, now=self.now)))

    async def submitted(self, **fields: Any) -> Document:
        """A document whose job is at LlamaCloud."""
        taken = await self.ingest(**fields)
        await self.work()
        return await self.document(taken.document.id)

    async def routed(self, type_: str | None = "invoice", confidence: float = 0.95, **fields: Any) -> Document:
        """A document whose job said this, with everything done that follows."""
        document = await self.submitted(**fields)
        self.cloud.classified(document.job_id, type_, confidence)
        await self.event(document.job_id)
        await self.work()
        return await self.document(document.id)

    async def document(self, document_id: str) -> Document:
        found = await self.store.get(Document, document_id)
        assert found is not None
        return found

    async def all(self, kind: type[R], by: str = "all", key: str | None = None) -> list[R]:
        records: list[R] = (await self.store.find(kind, Query(by=by, key=key, limit=5000))).records
        return records

    async def tasks(self, kind: str) -> list[Task]:
        return [item for item in await self.all(Task) if item.kind == kind]

    async def all_documents(self) -> list[Document]:
        return await self.all(Document)

    async def incidents(self) -> list[Incident]:
        return await self.all(Incident)

    async def jobs(self, document: Document) -> list[Job]:
        return await self.all(Job, "document", document.id)


def _table(text: str) -> Config:
    return parse(text, {})
