"""What an operator's command needs, from the store of this machine or from a server elsewhere.

Both adapters answer in the shapes of the API (receiver/http/openapi_schemas.py), so that a command is written once.
tests/contracts runs one suite over both.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from receiver.core.copy_check import DocumentCheck
from receiver.core.search import Search
from receiver.operations.bulk_correction import DocumentSelection
from receiver.operations.manual_routing import RoutingDecision
from receiver.operations.replay import ReplayFilter
from receiver.packets.correct import CutRequest

Shown = dict[str, Any]


class Operations(Protocol):
    """Reads and mends documents. Every method raises NotFound, Malformed and NotAllowed as the API does."""

    async def search(self, asked: Search, *, limit: int, cursor: str | None) -> Shown:
        """The documents that fit, with what ``show.search_page`` says."""
        ...

    async def called(self, word: str) -> list[Shown]:
        """The documents that this id, beginning of an id, name or job id names; at least one."""
        ...

    async def document(self, document_id: str) -> Shown:
        """Everything on record about it."""
        ...

    async def overdue(self, *, since: float | None, limit: int) -> list[Shown]:
        """Open documents past their deadline, the oldest first."""
        ...

    async def events(self, *, job: str | None, since: float | None, limit: int) -> list[Shown]:
        """Verified events, the newest first."""
        ...

    async def event(self, word: str) -> Shown:
        """One event, by its key or LlamaCloud's id."""
        ...

    async def tasks(self, *, state: str | None, subject: str | None, since: float | None, limit: int) -> list[Shown]:
        """Tasks, the newest first."""
        ...

    async def task(self, task_id: str) -> Shown:
        """One task with all its fields."""
        ...

    async def balance(self, *, limit: int, recount: bool) -> Shown:
        """``balance``, ``balanced``, ``overdue``; with ``recount`` also that."""
        ...

    async def calibration(self, *, since: float | None, target: float) -> Shown:
        """How often LlamaCloud was right, by the type that it said."""
        ...

    async def incidents(self, *, everything: bool, limit: int | None) -> list[Shown]:
        """Open incidents; with ``everything`` also those that are over, the newest first."""
        ...

    async def incident(self, key: str, *, limit: int) -> Shown:
        """One incident, its documents and notices."""
        ...

    async def route_names(self) -> list[str]:
        """The routes that a person can choose."""
        ...


class Mending(Operations, Protocol):
    """What changes documents, pauses work, and answers incidents."""

    async def found_ids(self, asked: Search) -> list[str]:
        """The ids of all that a search finds, at most MOST_AT_ONCE. Raises Malformed if these may not be all."""
        ...

    async def caused(self, key: str) -> list[str]:
        """The ids of the documents of an incident that are not fixed yet."""
        ...

    async def failed_since(self, since: float) -> list[str]:
        """The ids of the documents that came to nothing since then."""
        ...

    async def refuse_decision(self, decision: RoutingDecision) -> None:
        """Raises click's BadParameter for a type or route that the table does not have, where that is known before."""
        ...

    async def correct(self, ids: Sequence[str], decision: RoutingDecision, *, dry_run: bool) -> list[Shown]:
        """One decision about many documents: the result for each."""
        ...

    async def route(self, document_id: str, decision: RoutingDecision) -> Shown:
        """A decision about one document: the document on its new route."""
        ...

    async def foreseen_resubmission(self, ids: Sequence[str]) -> Shown:
        """What resubmitting these would cost: ``documents``, ``wanted``, ``price``."""
        ...

    async def resubmit(self, ids: Sequence[str], *, who: str) -> list[Shown]:
        """The result for each document."""
        ...

    async def foreseen_reclassification(self, ids: Sequence[str], *, also_decided: bool) -> Shown:
        """What reclassifying these would cost: ``documents``, ``wanted``, ``price``."""
        ...

    async def reclassify(self, ids: Sequence[str], *, who: str, also_decided: bool) -> list[Shown]:
        """The result for each document."""
        ...

    async def dismiss(self, ids: Sequence[str], note: str, *, who: str) -> list[Shown]:
        """The result for each document."""
        ...

    async def price_of_new_bytes(self, document_id: str, file: Path | None) -> str:
        """What submitting this file for the document costs; None: its own bytes. "" where that is not known before."""
        ...

    async def unlock(self, document_id: str, password: str, *, who: str) -> Shown:
        """The document, decrypted and resubmitted."""
        ...

    async def replace(self, document_id: str, file: Path, *, who: str) -> Shown:
        """The document with these bytes, resubmitted."""
        ...

    async def recut(self, document_id: str, request: CutRequest) -> Shown:
        """The packet with its new cut."""
        ...

    async def replay(self, choice: ReplayFilter, *, dry_run: bool) -> Shown:
        """``replayed`` has the result of each document and task; ``price`` what resubmitting some of them costs."""
        ...

    def selected(self, selection: DocumentSelection) -> AsyncIterator[str]:
        """The ids of the documents that fit, the newest first, however many."""
        ...

    async def verify_each(self, ids: AsyncIterator[str], found: Callable[[DocumentCheck], None]) -> None:
        """Reads the copies of each back; ``found`` is told of each."""
        ...

    async def restore(self, check: DocumentCheck, *, who: str) -> str:
        """What is done about what was found missing, in words; "" where nothing can be."""
        ...

    async def pause(self, what: str, *, resume: bool) -> None:
        """Pauses it, or resumes it."""
        ...

    async def acknowledge(self, key: str, *, who: str) -> Shown:
        """The incident, acknowledged."""
        ...

    async def silence(self, key: str, seconds: float, why: str, *, who: str) -> Shown:
        """The incident, silenced; 0 seconds end that."""
        ...

    async def settled(self, ids: Sequence[str]) -> list[Shown]:
        """The documents, once none of them is open."""
        ...
