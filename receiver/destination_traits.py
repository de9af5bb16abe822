"""Optional abilities of a destination, besides those of ``Destination`` (receiver/ports.py)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol, runtime_checkable

from receiver.core.delivery_request import CopyMark, StoredCopy
from receiver.core.document import Receipt
from receiver.core.errors import MailroomError
from receiver.core.plan import Taken, Target
from receiver.ports import Destination


@runtime_checkable
class LeavesFiles(Protocol):
    """A destination that leaves an unfinished file behind if its process is killed."""

    async def clear_leftovers(self, target: Target, *, before: float) -> int:
        """Removes those under this target that are unchanged since this time, and returns how many.

        One call checks a part of a large target. The next call continues there, and after the end from the start.
        """
        ...


@runtime_checkable
class Doubts(Protocol):
    """A destination that recognizes targets which are probably wrong, but may be right."""

    def doubts(self, target: Target) -> list[str]:
        """What is odd about a target without faults. Connects to nothing."""
        ...


@runtime_checkable
class TakesNames(Protocol):
    """A destination whose places have several spellings, or that stores something beside what it delivers."""

    def taken(self, url: str) -> Taken:
        """The names that a delivery to this URL uses. Connects to nothing."""
        ...


@runtime_checkable
class HasEndpoints(Protocol):
    """A destination whose targets may name an endpoint."""

    def elsewhere(self, target: Target) -> str:
        """The endpoint in one spelling; "" for the default one. Connects to nothing."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A destination whose first delivery needs something slow that can be created before, such as a client."""

    async def prepare(self, target: Target) -> None:
        """Creates what a delivery to this target needs. Connects to nothing. Raises what the delivery would raise."""
        ...


async def prepare(targets: Iterable[Target], destinations: Mapping[str, Destination]) -> None:
    """Creates what the first deliveries to these targets would wait for. Errors are left to the deliveries."""
    for target in targets:
        known: object = destinations.get(target.scheme)
        if isinstance(known, Prepares):
            with suppress(MailroomError):
                await known.prepare(target)


@runtime_checkable
class KeepsRecords(Protocol):
    """A destination that also stores files of Mailroom itself: the records of removed documents."""

    async def keep(self, target: Target, name: str, content: bytes) -> str:
        """Writes a file with this name below the target, unless it exists, and returns its location.

        Raises DestinationBusy, AccessDenied, Unroutable.
        """
        ...


@runtime_checkable
class MarksCopies(Protocol):
    """A destination that can mark a stored document as superseded."""

    async def mark(self, mark: CopyMark) -> None:
        """Sets or removes the mark in the manifest beside the copy; does nothing if there is no manifest.

        Raises DestinationBusy, AccessDenied.
        """
        ...


@runtime_checkable
class ReadsBack(Protocol):
    """A destination whose copies can be read back, which shows what is stored now."""

    async def read_back(self, receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        """What is stored at the receipt's location, and the manifest beside it; ``options`` are the target's.

        It reads all bytes, in constant memory. Raises DestinationBusy, AccessDenied, Unroutable, and DeliveryConflict
        if something else than a file is there.
        """
        ...


def taken_by(destination: Destination | None, target: Target, url: str) -> Taken:
    """The names that a delivery to this target uses at this URL, in one spelling."""
    known: object = destination
    taken = known.taken(url) if isinstance(known, TakesNames) else Taken(place=url)
    return taken.at(known.elsewhere(target) if isinstance(known, HasEndpoints) else target.endpoint)
