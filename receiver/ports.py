"""What the engine needs from the outside world: one protocol for each dependency.

Adapters are in store, queue, cloud and in handlers. Each keeps its one outside package and its errors to itself, and
raises those of core/errors.py.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from receiver.core.balance import Tally
from receiver.core.bulkhead import Room
from receiver.core.change import Page, Query, Record, Write
from receiver.core.delivery_request import Content, DeliveryRequest
from receiver.core.document import Document, Receipt
from receiver.core.job import JobKind, JobReport
from receiver.core.mail import MailBounds, ReadMail
from receiver.core.notice import Notice
from receiver.core.page_list import PageList, ShownText
from receiver.core.plan import Target
from receiver.core.task import Task

if TYPE_CHECKING:  # the function that receives looks for nothing, and starts without the search language
    from receiver.core.search import Search, SearchPage

R = TypeVar("R", bound=Record)


class Clock(Protocol):
    def __call__(self) -> float:
        """Now, in Unix seconds."""
        ...


class Store(Protocol):
    """The truth. Everything that is promised is written here first."""

    async def open(self) -> None:
        """Opens it, or makes it, and looks whether it is sound; any other method opens it too, and does not look.

        Raises Misconfigured when this can never work (damaged, written by a newer Mailroom), StoreBusy when not now.
        """
        ...

    async def apply(self, *writes: Write) -> None:
        """Write all of it durably, or nothing.

        Raises Conflict naming the record (an Insert that exists, a Replace of another version, a CheckOwner that does
        not hold), StoreBusy when it cannot write now. An updated record is stored with its version raised by one.
        """
        ...

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        """Do with each of these what ``apply`` does, by itself: None where it is written, else what was raised."""
        ...

    async def get(self, kind: type[R], record_id: str) -> R | None:
        """The record, or None; one past its ``expires_at`` is None too."""
        ...

    async def find(self, kind: type[Record], query: Query) -> Page:
        """A page of the records of one index (core/change.py INDEXES)."""
        ...

    async def search(self, search: "Search", *, limit: int = 50, cursor: str | None = None) -> "SearchPage":
        """A page of the documents that fit, the newest first, of one moment the greatest id; bounded in cost.

        ``cursor`` comes from the previous page. A page may hold fewer than there are; then it says how far it looked.
        """
        ...

    async def claim(
        self,
        *,
        owner: str,
        now: float,
        lease_seconds: float,
        limit: int = 1,
        ids: Sequence[str] | None = None,
        room: Room | None = None,
    ) -> list[Task]:
        """Up to ``limit`` tasks that are ready and due, now leased to ``owner``: the most urgent, of these the oldest.

        With ``ids`` only those among them, with ``room`` only those for which there is some. No task is given to two
        owners: one whose worker is gone stays with it until operations/lease_takeover.py makes it ready again.
        """
        ...

    async def tally(self) -> Tally:
        """The totals, at a cost that does not grow with the store."""
        ...

    async def may_have_removed(self, document_id: str) -> bool:
        """Whether a document of this id may have been removed; False is certain. Costs no more than one record."""
        ...

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        """Forget up to ``limit`` records past their ``expires_at``; how many there were."""
        ...

    async def ready(self) -> None:
        """Returns when a write would succeed; raises StoreBusy otherwise."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the task queue: about one task, or (``task_id`` empty) about whatever is due."""

    task_id: str = ""
    handle: str = ""
    """The queue's own handle of this message."""


class TaskQueue(Protocol):
    """Wakes a worker. It carries task ids and nothing else; a lost message costs a delay, never a document.

    All of it may raise Transient.
    """

    names_tasks: bool
    """Whether its messages name tasks, so that it cannot be asked for certain ones, and they must be acknowledged."""

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None: ...

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        """The messages that came; [] after the timeout."""
        ...

    async def ack(self, *messages: Message) -> None:
        """These need not come again."""
        ...

    async def nack(self, *messages: Message) -> None:
        """These came, but nothing could be done: they may come again, later."""
        ...

    async def keep_leased(self) -> None:
        """What must go on beside a worker, for as long as there is one; it never returns."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfiguration:
    """The webhook configuration that a job carries (reference 1.2: webhook_configurations)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    output_format: str = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFile:
    """A file at LlamaCloud."""

    id: str
    name: str
    expires_at: float | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job to be created. ``configuration`` is the vendor's own object, made from mailroom.yaml."""

    kind: JobKind
    file_id: str
    configuration: Mapping[str, Any]
    transaction_id: str
    registration: WebhookConfiguration | None = None
    webhook_ids: tuple[str, ...] = ()
    """Webhooks saved at LlamaCloud that hear of the job beside ours."""
    beta: bool = False


class Cloud(Protocol):
    """LlamaCloud. Raises CloudBusy, CloudRefused, DocumentRefused, JobGone, FileGone."""

    @property
    def clock_ahead(self) -> float | None:
        """Seconds by which LlamaCloud's clock was ahead of ours at its last answer; None before the first."""
        ...

    async def find_file(self, external_id: str, *, sha256: str, known: str = "") -> CloudFile | None:
        """The file with these bytes that was uploaded under our id before, if there is one.

        Whoever shares the project can give a file of theirs our id, so it is read, unless it is the ``known`` one.
        """
        ...

    async def upload(self, content: Content, *, name: str, external_id: str, purpose: str) -> CloudFile: ...

    async def file(self, file_id: str) -> CloudFile: ...

    def read_file(self, file_id: str) -> AsyncIterator[bytes]:
        """The file's bytes in chunks, through the presigned URL."""
        ...

    async def create(self, order: JobRequest) -> JobReport: ...

    async def job(self, kind: JobKind, job_id: str, *, beta: bool = False) -> JobReport: ...

    def jobs(
        self,
        kind: JobKind,
        *,
        since: float | None = None,
        until: float | None = None,
        ids: Sequence[str] = (),
        status: str | None = None,
        beta: bool = False,
    ) -> AsyncIterator[JobReport]:
        """All jobs created in this window, or those of these ids (100 at most), page after page."""
        ...

    async def cancel(self, kind: JobKind, job_id: str) -> JobReport: ...

    def renew(self, api_key: str) -> None:
        """Asks with this key from now on. Raises Misconfigured for one that cannot be sent; the old one stays then."""
        ...

    async def close(self) -> None: ...


class ContentSource(Protocol):
    """A place that documents' bytes lie in; ``Document.content`` begins with its scheme."""

    async def content(self, document: Document) -> Content:
        """The document's bytes. Raises FileGone."""
        ...

    async def release(self, location: str) -> None:
        """Nobody needs the bytes at this location any more: they go, or are marked where they are not ours.

        Done twice it is done once. Raises Transient, Permanent.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """Bytes that are kept: by the spool, or where they came from."""

    location: str
    sha256: str
    size: int
    head: bytes = b""
    """The first bytes, to tell the media type by."""


class Spool(ContentSource, Protocol):
    """Keeps the bytes of documents that came in by folder, upload or e-mail, those of each document by themselves.

    Each keeping has a location of its own, which is never used again: what is released can't be what was just kept.
    """

    async def keep(
        self, source: AsyncIterator[bytes] | Path, *, limit: int, owner: Callable[[str], str]
    ) -> StoredContent:
        """The bytes, durably kept, whole or not at all. ``owner`` says which document they are of, by their SHA-256.

        Raises DocumentRefused past ``limit`` bytes, StoreBusy.
        """
        ...

    async def listed(self, *, after: str, limit: int) -> list[tuple[str, float]]:
        """The next locations beyond this one ("" for the first), in a fixed order, and when each was kept."""
        ...

    async def claim(self, installation: str) -> str:
        """Whose spool this is: that installation's, if it is nobody's yet. Raises StoreBusy."""
        ...

    async def clear_leftovers(self, *, before: float) -> int:
        """Removes what was being kept when its process died, untouched since this moment; how many there were."""
        ...


class OpenPdf(Protocol):
    """A PDF that is open for cutting."""

    @property
    def count(self) -> int: ...

    @property
    def files(self) -> Sequence[str]:
        """Names of the embedded files that belong to no page: only all pages together carry them."""
        ...

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        """Those of these pages (from 1) that certainly show nothing."""
        ...

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        """Writes these pages, whole and in this order, as a PDF of their own, and nothing of the others.

        The same pages give the same bytes; all pages together give the file itself. Raises Uncuttable where nobody can
        tell what belongs to a page.
        """
        ...


class Cutter(Protocol):
    """Opens packets, outside of the event loop."""

    async def count(self, path: Path) -> int:
        """How many pages this PDF has.

        Raises Uncuttable for what is locked, hopeless or no PDF, ReaderDied, Transient.
        """
        ...

    def opened(self, path: Path) -> AbstractAsyncContextManager[OpenPdf]:
        """The PDF while the block lasts, repaired when it is damaged.

        Raises Uncuttable for what is locked, hopeless or no PDF, ReaderDied (in the block, too) when the process that
        reads it broke down, Transient when there is none.
        """
        ...

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        """Writes the PDF without its password. Raises Uncuttable when this is not the password, and as ``opened``."""
        ...


class MailReader(Protocol):
    """Takes mails apart, outside of the event loop."""

    def opened(self, path: Path, *, name: str, bounds: MailBounds) -> AbstractAsyncContextManager[Sequence[ReadMail]]:
        """The mails in this file while the block lasts, their contents as files; none when it is no mail after all.

        Raises Unreadable for what exceeds the bounds or defeats the reader, Transient when the reading broke down.
        """
        ...


class Viewer(Protocol):
    """Shows what is in a file, outside of this process. Raises NotViewable (locked, damaged, too much), Transient."""

    async def pages(self, path: Path, media_type: str) -> PageList: ...

    async def picture(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        """A page (from 1) as PNG, so many pixels wide, or less where it is large. Raises NotFound, and as above."""
        ...

    async def text(self, path: Path, media_type: str, page: int) -> ShownText:
        """The text of this page; of a file without pages, the whole. Raises NotFound, and as above."""
        ...


@runtime_checkable
class Destination(Protocol):
    """A place that documents are delivered to; one instance serves all targets of its URL scheme."""

    holds_bytes: bool
    """True where the document itself is put; False where a message only points to it."""

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Delivers once in effect, however often it is called.

        Raises DestinationBusy, AccessDenied, DeliveryConflict.
        """
        ...

    def faults(self, target: Target) -> list[str]:
        """What is wrong with this target as it is written, in words with the fix; asks nobody."""
        ...

    async def probe(self, target: Target) -> list[str]:
        """What is wrong with it out there (no such bucket, no permission), in words with the fix."""
        ...


class AlertChannel(Protocol):
    """A place that notices go to."""

    tracks: bool
    """Whether it keeps the state of each incident, and so wants to know that somebody acknowledged it."""

    async def notify(self, notice: Notice) -> str:
        """Tells; the name of the thread that later notices of the incident belong to, "" where there is none.

        Raises DestinationBusy, AccessDenied, Unroutable; PartlyNotified when only some of its addresses took it.
        """
        ...

    async def probe(self) -> list[str] | None:
        """What is wrong with it out there, in words with the fix; None when only a notice could show that.

        Raises PartlyNotified when it works, but not for all of its addresses.
        """
        ...


class Meter(Protocol):
    """Counts what happens; names are those of receiver/metrics.py."""

    def count(self, name: str, value: float = 1, **labels: str) -> None: ...

    def observe(self, name: str, seconds: float, *, times: int = 1, **labels: str) -> None: ...
