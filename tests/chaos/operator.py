"""The operator: a person who cuts packets by hand, with ``mailroom recut``, and retries until it is done."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

from receiver.core.document import Document, DocumentState
from receiver.core.errors import StoreBusy
from receiver.ports import Store
from tests.chaos.letters import Letter
from tests.chaos.packets import Packet
from tests.chaos.process_pool import ProcessPool

LOOK_SECONDS = 0.5


class Operator:
    """Looks through the packets that were acknowledged, for those that are to be cut by hand."""

    def __init__(self, pool: ProcessPool, store: Store, acknowledged: Mapping[str, Letter]) -> None:
        self._processes = pool
        self._store = store
        self._acknowledged = acknowledged
        self._done: set[str] = set()
        self._too_late: set[str] = set()

    @property
    def has_work(self) -> bool:
        """Whether a packet is still to be cut by hand."""
        return bool(self._waiting())

    @property
    def known(self) -> Mapping[str, Letter]:
        """What was acknowledged; a packet whose bytes were removed before the operator came is not cut by hand."""
        late = {
            document_id: replace(packet, pieces=packet.first, first=(), hand=())
            for document_id, packet in self._acknowledged.items()
            if isinstance(packet, Packet) and document_id in self._too_late
        }
        return {**self._acknowledged, **late}

    async def work(self) -> None:
        """Cuts for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Looks at each packet once."""
        for document_id, packet in self._waiting().items():
            with contextlib.suppress(StoreBusy):
                await self._look_at(document_id, packet)

    async def _look_at(self, document_id: str, packet: Packet) -> None:
        document = await self._store.get(Document, document_id)
        if document is not None and document.state is DocumentState.OPEN:
            return
        if document is None or _is_cut_by_hand(document) or not _is_ready(document, packet):
            self._done.add(document_id)  # it was done; or it is lost, or its job failed, and there is nothing to cut
        elif document.forgotten_at is not None:
            self._done.add(document_id)
            self._too_late.add(document_id)
        else:
            await self._processes.command("operator", "recut", document_id, *packet.hand, "--who", "operator")

    def _waiting(self) -> dict[str, Packet]:
        return {
            document_id: letter
            for document_id, letter in self._acknowledged.items()
            if isinstance(letter, Packet) and letter.hand and document_id not in self._done
        }


def _is_ready(document: Document, packet: Packet) -> bool:
    held = document.plan is None and document.state is DocumentState.REVIEW
    return bool(document.pieces) if packet.when == "cut" else held


def _is_cut_by_hand(packet: Document) -> bool:
    return any(cut.by == "operator" for cut in packet.cuts)
