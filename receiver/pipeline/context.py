"""What the steps work with: the ports, the routing table, and the terms on which jobs are created."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Protocol, TypeVar

from receiver.config import Config
from receiver.core import token
from receiver.core.alert import Alert
from receiver.core.budget import Budget
from receiver.core.change import Write, written_records
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import FileGone, Transient
from receiver.core.job import Job, JobKind, WebhookConfiguration
from receiver.core.job_update import Command, JobUpdate
from receiver.core.links import ContentLinks
from receiver.core.plan import Taken, Target
from receiver.core.route import RouteTable
from receiver.core.task import NOTICES, Task
from receiver.core.usual_times import UsualTimes
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.destination_traits import taken_by
from receiver.pipeline.local_copies import LocalCopies
from receiver.ports import (
    AlertChannel,
    Clock,
    Cloud,
    ContentSource,
    Cutter,
    Destination,
    MailReader,
    Meter,
    Spool,
    Store,
    TaskQueue,
    Viewer,
)

BRING_BACK = "submit the same file again from the same place: this stores its bytes again at no cost"
TOKEN_SECONDS = 7 * 86400.0
"""How long a per-job token is valid: far longer than any job, and not forever."""


def random_id() -> str:
    """16 hexadecimal digits."""
    return token_hex(8)


def lookup_budget() -> Budget:
    """Limits requests for jobs that events name and that are not on record: 10 a second, 20 at once."""
    return Budget(per_second=10, burst=20)


@dataclass(slots=True, kw_only=True)
class WebhookTerms:
    """Where LlamaCloud sends webhooks, and with which secrets. They are replaced when secrets rotate."""

    url: str
    """"" where LlamaCloud can reach nobody: then jobs are created without a webhook."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_secret: bytes = field(default=b"", repr=False)
    signing_secret: str = field(default="", repr=False)

    def take(self, fresh: "WebhookTerms") -> None:
        """Uses the new terms for jobs from now on."""
        self.url, self.headers = fresh.url, fresh.headers
        self.token_secret, self.signing_secret = fresh.token_secret, fresh.signing_secret

    def configuration(self, document: Document, events: Sequence[str], *, now: float) -> WebhookConfiguration | None:
        """The webhook configuration of a job for this document, with a token that is valid for no other."""
        return self.configuration_for(document.id, events, now=now)

    def configuration_for(self, document_id: str, events: Sequence[str], *, now: float) -> WebhookConfiguration | None:
        """The same, given only the document's id."""
        if not self.url:
            return None
        headers = dict(self.headers)
        if self.token_secret:
            headers[TOKEN_HEADER] = token.make_token(document_id, self.token_secret, expires_at=now + TOKEN_SECONDS)
        return WebhookConfiguration(
            url=self.url,
            headers=headers,
            signing_secret=self.signing_secret,
            events=tuple(events),
            output_format="json",
        )


EventHandler = Callable[[JobUpdate, "Context"], Awaitable["StepResult"]]
CommandHandler = Callable[[Command, "Context"], Awaitable["StepResult"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTerms:
    """The terms on which a kind of job is created."""

    events: tuple[str, ...]
    """The events that its webhook asks for. Without a list LlamaCloud sends all, pending and running too (reference
    2.4).
    """
    configuration: Callable[[Config], Mapping[str, Any]]
    """Its rules, from mailroom.yaml."""
    webhooks: Callable[[Config], Sequence[str]] = lambda _: ()
    """The ids of saved webhooks that also get its events."""


class Registry(Protocol):
    """The registrations of the application (pipeline/handler_registry.py): who handles what, and the terms of jobs."""

    def handler_for(self, event_type: str) -> EventHandler: ...
    def command_handler_for(self, kind: JobKind) -> CommandHandler: ...
    def terms_of(self, kind: JobKind) -> JobTerms: ...
    @property
    def job_events(self) -> tuple[str, ...]: ...


@dataclass(slots=True, kw_only=True)
class Context:
    """What every step gets. Only ``take`` and ``take_shadow`` change it."""

    store: Store
    queue: TaskQueue
    cloud: Cloud
    spool: Spool
    config: Config
    webhook_terms: WebhookTerms
    registry: Registry
    clock: Clock
    spread: Callable[[], float]
    """A random number in 0..1, for jitter."""
    meter: Meter
    shadow: RouteTable | None = None
    """A second routing table whose decisions are only compared with those of the real one (pipeline/shadow.py)."""
    random_id: Callable[[], str] = random_id
    """A unique name: 16 hexadecimal digits."""
    sources: Mapping[str, ContentSource] = field(default_factory=dict)
    """Scheme of Document.content -> the source that reads it, besides the spool and LlamaCloud."""
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    """URL scheme -> destination."""
    cutter: Cutter | None = None
    """None in a process that never cuts packets."""
    mail_reader: MailReader | None = None
    """None in a process that never ingests mail."""
    viewer: Viewer | None = None
    """None in a process that shows no documents."""
    copies: LocalCopies = field(default_factory=LocalCopies)
    """Temporary files of the documents that are being viewed."""
    channels: Mapping[str, AlertChannel] = field(default_factory=dict)
    """The ``to`` of an alert rule -> its channel."""
    lookups: Budget = field(default_factory=lookup_budget)
    """One for all tasks of this process."""
    usual_times: UsualTimes = field(default_factory=UsualTimes)
    """How long jobs take; one for all tasks of this process."""
    operator_url: str = ""
    """URL of the operator's page, for links in notices; "" without one."""
    heartbeat: Callable[[], Awaitable[None]] | None = None
    """Sends the heartbeat to an external watchdog; raises a MailroomError when that fails."""
    site: str = ""
    """The name of this installation, for people who run several."""
    links: ContentLinks | None = None
    """Signs links to documents that only Mailroom stores; None if no endpoint serves them."""
    adopt: bool = False
    """Whether a job that was created elsewhere becomes a document."""
    max_document: int = 512 * 1024 * 1024

    def take(self, config: Config, channels: Mapping[str, AlertChannel]) -> None:
        """Uses this mailroom.yaml from now on, and its alert channels."""
        self.config, self.channels = config, channels

    def take_shadow(self, table: RouteTable) -> None:
        """Uses this shadow table from now on."""
        self.shadow = table

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        """Enqueues tasks that were just written. If the queue fails, the sweep enqueues them again."""
        if not task_ids:
            return
        try:
            await self.queue.enqueue(*task_ids, delay_seconds=delay_seconds)
        except Transient:
            self.meter.count("mailroom_enqueue_failures")

    async def enqueue_written(self, writes: Iterable[Write]) -> None:
        """Enqueues the ready tasks among what was just written, each for when it is due."""
        now, tasks = self.clock(), written_records(writes, Task)
        waits = {task.id: task.claimable_at - now for task in tasks if task.claimable_at is not None}
        await self.enqueue(*(task_id for task_id, seconds in waits.items() if seconds <= 0))
        for task_id, seconds in waits.items():
            if seconds > 0:
                await self.enqueue(task_id, delay_seconds=seconds)

    async def content(self, document: Document) -> Content:
        """The document's bytes, from the source that its location names. Raises FileGone."""
        if document.forgotten_at is not None:
            raise FileGone(why_forgotten(document), fix=BRING_BACK)
        scheme, _, rest = document.content.partition(":")
        if scheme == "llamacloud":
            return Content(
                size=document.size,
                sha256=document.sha256,
                media_type=document.media_type,
                stream=lambda: self.cloud.read_file(rest),
            )
        if (source := self.source_of(document.content)) is None:
            raise FileGone(f"no source can read {document.content}")
        return await source.content(document)

    async def release(self, location: str) -> None:
        """Removes the bytes at this location. What is at LlamaCloud expires there by itself."""
        if (source := self.source_of(location)) is not None:
            await source.release(location)

    def holds(self, target: Target) -> bool:
        """Whether the document itself is stored there, and not only a message about it."""
        destination = self.destinations.get(target.scheme)
        return destination is not None and destination.holds_bytes

    def taken(self, target: Target, url: str) -> Taken:
        """The place that a delivery to this target would use at this URL, in canonical spelling. Makes no request."""
        return taken_by(self.destinations.get(target.scheme), target, url)

    def source_of(self, location: str) -> ContentSource | None:
        """The source that reads this location; None if this process has none."""
        scheme = location.partition(":")[0]
        return self.spool if scheme == "spool" else self.sources.get(scheme)


def why_forgotten(document: Document) -> str:
    """A sentence that says when its bytes were removed."""
    at = datetime.fromtimestamp(document.forgotten_at or 0.0, UTC)
    return f"the bytes of document {document.id} ({document.name}) were removed by retention on {at:%Y-%m-%d}"


async def document_of(task: Task, store: Store) -> Document | None:
    """The document that a task works on: its subject, or its job's document. None for a notice about one."""
    if task.kind in NOTICES:
        return None
    document = await store.get(Document, task.subject)
    if document is not None:
        return document
    job = await store.get(Job, task.subject)
    return await store.get(Document, job.document_id) if job else None


Change = Callable[[], Awaitable[Sequence[Write]]]
T = TypeVar("T")


def once_as_read(read_before: T, read: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """A function that returns ``read_before`` when first called, and reads again on each later call.

    A ``change`` uses it. Its writes are conditional on the versions that were read, so the first attempt needs no
    second read. After a Conflict the change is called again, and needs the current records.
    """
    calls = 0

    async def current() -> T:
        nonlocal calls
        calls += 1
        return read_before if calls == 1 else await read()

    return current


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The result of a step.

    ``change`` reads what it needs and returns the writes. It is called again when another worker has changed a record
    in between. The step itself, which may have external effects, is not.
    """

    note: str
    change: Change | None = None
    again_at: float | None = None
    """When the step is to run again. That is no failure, and does not count as an attempt."""
    bulk: bool = False
    """Whether all other tasks go first from now on."""
    alerts: tuple[Alert, ...] = ()
    asked: bool | None = None
    """Whether LlamaCloud answered. None: it did if there is a change or a next attempt."""
    alerts_of: Callable[[Sequence[Write]], Sequence[Alert]] | None = None
    """The alerts, given the writes: what Mailroom fixes by itself has none."""


Run = Callable[[Task, Context], Awaitable[StepResult]]
GiveUp = Callable[[Task, Exception, Context], Awaitable[Sequence[Write]]]


@dataclass(frozen=True, slots=True)
class TaskHandler:
    """How a kind of task is run, and what happens to its subject when it is given up."""

    run: Run
    give_up: GiveUp | None = None
    attempt_failed: GiveUp | None = None
    """What to write, beside the retry, when an attempt failed and will be repeated."""
    alert: Callable[[Task, Exception, str, str, float], Alert] | None = None
    """Makes the alert of a task that was given up, from task, error, fix, cause and now. None: the general alert."""
