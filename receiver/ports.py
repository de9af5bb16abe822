"""What the engine needs from the outside world: one protocol for each dependency.

The adapters are in store, queue, cloud and handlers. Only an adapter imports its outside package, and it translates
the errors of that package to those of core/errors.py.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from receiver.core.balance import Tally
from receiver.core.bulkhead import Room
from receiver.core.change import Page, Query, Record, Write
from receiver.core.delivery_request import Content, DeliveryRequest
from receiver.core.document import Document, Receipt
from receiver.core.job import JobKind, JobReport, JobRequest
from receiver.core.mail import MailBounds, ReadMail
from receiver.core.notice import Notice
from receiver.core.page_list import PageList, ShownText
from receiver.core.plan import Target
from receiver.core.task import Task

if TYPE_CHECKING:  # the Lambda function that receives never searches, and starts faster without this
    from receiver.core.search import Search, SearchPage

R = TypeVar("R", bound=Record)


class Clock(Protocol):
    def __call__(self) -> float:
        """Now, in Unix seconds."""
        ...


class Store(Protocol):
    """The source of truth: what Mailroom has promised is stored here."""

    async def open(self) -> None:
        """Opens or creates the store, and checks it. Every other method opens it too, without the check.

        Raises Misconfigured if it can never work (damaged, or written by a newer Mailroom), StoreBusy if it cannot now.
        """
        ...

    async def apply(self, *writes: Write) -> None:
        """Writes all of them durably, or none. A replaced record is stored with its version raised by one.

        Raises Conflict, which names the record (an Insert of one that exists, a Replace of another version, a
        CheckOwner of another owner), and StoreBusy if it cannot write now.
        """
        ...

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        """Applies each change by itself. Returns, for each, None or the error that ``apply`` would raise."""
        ...

    async def get(self, kind: type[R], record_id: str) -> R | None:
        """The record; None if there is none, or if it is past its ``expires_at``."""
        ...

    async def find(self, kind: type[Record], query: Query) -> Page:
        """A page of the records of one index (core/change.py INDEXES)."""
        ...

    async def search(self, search: "Search", *, limit: int = 50, cursor: str | None = None) -> "SearchPage":
        """A page of the matching documents, newest first; of those ingested at the same moment, the greatest id first.

        ``cursor`` comes from the previous page. To bound the cost, a page may hold fewer documents than match; it then
        says how far the search has come.
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
        """Leases up to ``limit`` tasks that are ready and due to ``owner``: the most urgent first, of these the oldest.

        ``ids`` and ``room`` narrow the choice: to these tasks, and to tasks for which there is room. No task has two
        owners: if a worker dies, its task stays leased until operations/lease_takeover.py makes it ready again.
        """
        ...

    async def tally(self) -> Tally:
        """The totals. The cost does not grow with the store."""
        ...

    async def may_have_removed(self, document_id: str) -> bool:
        """Whether a document with this id may have been removed. False is certain. Reads one record at most."""
        ...

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        """Removes up to ``limit`` records past their ``expires_at``, and returns how many."""
        ...

    async def ready(self) -> None:
        """Returns when a write would succeed; raises StoreBusy otherwise."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the task queue. It names one task, or (``task_id`` empty) any task that is due."""

    task_id: str = ""
    handle: str = ""
    """The queue's own handle of this message."""


class TaskQueue(Protocol):
    """Wakes a worker. Messages carry task ids only; a lost message costs a delay, never a document.

    Every method may raise Transient.
    """

    names_tasks: bool
    """Whether messages name tasks. Such messages must be acknowledged, and urgent ones cannot be asked for first."""

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None: ...

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        """The messages that arrived; [] after the timeout."""
        ...

    async def ack(self, *messages: Message) -> None:
        """These are settled: they need not be delivered again."""
        ...

    async def nack(self, *messages: Message) -> None:
        """These could not be processed: they may be delivered again later."""
        ...

    async def keep_leased(self) -> None:
        """Keeps received messages from being delivered again while their tasks run. It never returns; cancel it."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFile:
    """A file at LlamaCloud."""

    id: str
    name: str
    expires_at: float | None = None
    external_id: str = ""


class Cloud(Protocol):
    """LlamaCloud. Raises CloudBusy, CloudRefused, DocumentRefused, JobGone, FileGone."""

    @property
    def clock_ahead(self) -> float | None:
        """Seconds by which LlamaCloud's clock was ahead of ours at its last response; None before the first."""
        ...

    async def find_file(self, external_id: str, *, sha256: str, known: str = "") -> CloudFile | None:
        """The file with these bytes that was uploaded under our id before, if there is one.

        Anybody in the project can give a file our id, so its bytes are compared, except those of the ``known`` file.
        """
        ...

    async def upload(self, content: Content, *, name: str, external_id: str, purpose: str) -> CloudFile: ...

    async def file(self, file_id: str) -> CloudFile: ...

    def read_file(self, file_id: str) -> AsyncIterator[bytes]:
        """The file's bytes in chunks, from its presigned URL."""
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
        """All jobs created in this window, or those with these ids (at most 100), page by page."""
        ...

    async def cancel(self, kind: JobKind, job_id: str) -> JobReport: ...

    def renew(self, api_key: str) -> None:
        """Uses this key from now on. Raises Misconfigured for one that cannot be sent, and keeps the old one."""
        ...

    async def close(self) -> None: ...


class ContentSource(Protocol):
    """A place where documents' bytes are stored. ``Document.content`` begins with its scheme."""

    async def content(self, document: Document) -> Content:
        """The document's bytes. Raises FileGone."""
        ...

    async def release(self, location: str) -> None:
        """Removes the bytes at this location, which nobody needs any more; bytes that are not ours are only marked.

        It may be repeated. Raises Transient, Permanent.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """Where a document's bytes are stored: in the spool, or where they came from."""

    location: str
    sha256: str
    size: int
    head: bytes = b""
    """The first bytes, which show the media type."""


class Spool(ContentSource, Protocol):
    """Stores the bytes of documents that came by folder, upload or e-mail, separately for each document.

    Each call of ``keep`` makes a new location, and none is ever used again: releasing an old one removes nothing new.
    """

    async def keep(
        self, source: AsyncIterator[bytes] | Path, *, limit: int, owner: Callable[[str], str]
    ) -> StoredContent:
        """Stores the bytes durably, all or none. ``owner`` returns the document's id for their SHA-256.

        Raises DocumentRefused for more than ``limit`` bytes, StoreBusy.
        """
        ...

    async def listed(self, *, after: str, limit: int) -> list[tuple[str, float]]:
        """The next locations after this one ("" for the first), in a fixed order, and when each was stored."""
        ...

    async def claim(self, installation: str) -> str:
        """The installation that owns this spool; a spool without owner is now this one's. Raises StoreBusy."""
        ...

    async def clear_leftovers(self, *, before: float) -> int:
        """Removes unfinished files of processes that died, if unchanged since this time; returns how many."""
        ...


class OpenPdf(Protocol):
    """A PDF that is open for cutting."""

    @property
    def count(self) -> int: ...

    @property
    def files(self) -> Sequence[str]:
        """Names of the embedded files that belong to no page. Only a cut of all pages contains them."""
        ...

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        """Those of these pages (from 1) that are certainly blank."""
        ...

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        """Writes a PDF with these pages, complete and in this order, and nothing of the other pages.

        The same pages give the same bytes; all pages give the file itself. Raises Uncuttable if it cannot be known what
        belongs to a page.
        """
        ...


class Cutter(Protocol):
    """Opens PDFs, outside the event loop.

    Every method raises Uncuttable for a file that is locked, broken beyond repair or no PDF, ReaderDied if the process
    that reads it dies, and Transient if there is no such process.
    """

    async def count(self, path: Path) -> int:
        """How many pages this PDF has."""
        ...

    def opened(self, path: Path) -> AbstractAsyncContextManager[OpenPdf]:
        """The PDF during the block, repaired if it is damaged. ReaderDied may be raised in the block, too."""
        ...

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        """Writes the PDF without its password. Raises Uncuttable if the password is wrong."""
        ...


class MailReader(Protocol):
    """Reads mails and their parts, outside the event loop."""

    def opened(self, path: Path, *, name: str, bounds: MailBounds) -> AbstractAsyncContextManager[Sequence[ReadMail]]:
        """The mails in this file during the block, their parts as files; none if it is no mail.

        Raises Unreadable for a mail that exceeds the bounds or cannot be parsed, Transient if its process dies.
        """
        ...


class Viewer(Protocol):
    """Renders files in another process. Raises NotViewable (locked, damaged, too large), Transient."""

    async def pages(self, path: Path, media_type: str) -> PageList: ...

    async def picture(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        """A page (from 1) as PNG, so many pixels wide, less for a large page. Also raises NotFound."""
        ...

    async def text(self, path: Path, media_type: str, page: int) -> ShownText:
        """The text of this page; of a file without pages, all of it. Also raises NotFound."""
        ...


@runtime_checkable
class Destination(Protocol):
    """A kind of place that documents are delivered to. One instance serves all targets of its URL scheme."""

    holds_bytes: bool
    """True if it stores the document itself; False if it sends a message that points to it."""

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Delivers the document. Repeated calls have the effect of one.

        Raises DestinationBusy, AccessDenied, DeliveryConflict.
        """
        ...

    def faults(self, target: Target) -> list[str]:
        """What is wrong with this target as written, with the fix. Connects to nothing."""
        ...

    async def probe(self, target: Target) -> list[str]:
        """What the service finds wrong with it (no such bucket, no permission), with the fix."""
        ...


class AlertChannel(Protocol):
    """A place that notices are sent to."""

    tracks: bool
    """Whether it keeps the state of each incident, so that it must also be told of an acknowledgement."""

    async def notify(self, notice: Notice) -> str:
        """Sends it. Returns the thread for later notices of the incident; "" if the channel has no threads.

        Raises DestinationBusy, AccessDenied, Unroutable; PartlyNotified if only some of its addresses accepted it.
        """
        ...

    async def probe(self) -> list[str] | None:
        """What the service finds wrong with it, with the fix; None if only a notice could show that.

        Raises PartlyNotified if it works, but not for all of its addresses.
        """
        ...


class Meter(Protocol):
    """Records metrics, by the names of receiver/metrics.py."""

    def count(self, name: str, value: float = 1, **labels: str) -> None: ...

    def observe(self, name: str, seconds: float, *, times: int = 1, **labels: str) -> None: ...
