"""What a destination may be able to do beside delivering (``Destination`` in receiver/ports.py): each is optional."""

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
    """A destination that leaves an unfinished file behind when its process is killed."""

    async def clear_leftovers(self, target: Target, *, before: float) -> int:
        """Removes those under this target that nobody has touched since this moment; how many there were.

        A call looks at a part of a large target; the next one goes on from there, and round and round.
        """
        ...


@runtime_checkable
class Doubts(Protocol):
    """A destination that knows of targets that are probably wrong, and may be right."""

    def doubts(self, target: Target) -> list[str]:
        """What is odd about a target without faults, in words; asks nobody."""
        ...


@runtime_checkable
class TakesNames(Protocol):
    """A destination whose places can be written in several ways, or that puts something beside what it delivers."""

    def taken(self, url: str) -> Taken:
        """What a delivery to this address takes up; asks nobody."""
        ...


@runtime_checkable
class HasEndpoints(Protocol):
    """A destination whose targets may name the endpoint where they are."""

    def elsewhere(self, target: Target) -> str:
        """That endpoint in one spelling; "" where it is the usual one. Asks nobody."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A destination whose first delivery waits for something that can be made before."""

    async def prepare(self, target: Target) -> None:
        """Makes what a delivery to this target needs; asks nobody. Raises the error that the delivery would."""
        ...


async def prepare(targets: Iterable[Target], destinations: Mapping[str, Destination]) -> None:
    """Makes what the first deliveries to these targets would wait for. What is wrong with one, its delivery says."""
    for target in targets:
        known: object = destinations.get(target.scheme)
        if isinstance(known, Prepares):
            with suppress(MailroomError):
                await known.prepare(target)


@runtime_checkable
class KeepsRecords(Protocol):
    """A destination that also keeps files of Mailroom's own: the records of documents that are removed."""

    async def keep(self, target: Target, name: str, content: bytes) -> str:
        """Writes a file of this name below the target, unless there is one; its location.

        Raises DestinationBusy, AccessDenied, Unroutable.
        """
        ...


@runtime_checkable
class MarksCopies(Protocol):
    """A destination that can say beside a stored document that it no longer counts."""

    async def mark(self, mark: CopyMark) -> None:
        """Has the manifest beside the copy say so, or no longer; nothing where there is no manifest.

        Raises DestinationBusy, AccessDenied.
        """
        ...


@runtime_checkable
class ReadsBack(Protocol):
    """A destination whose copies can be read again, so that anybody can see what is stored now."""

    async def read_back(self, receipt: Receipt, options: Mapping[str, str]) -> StoredCopy:
        """What is stored where the receipt says, and the manifest beside it; ``options`` are the target's.

        It reads all bytes, in constant memory. Raises DestinationBusy, AccessDenied, Unroutable, DeliveryConflict when
        no file is there but something else.
        """
        ...


def taken_by(destination: Destination | None, target: Target, url: str) -> Taken:
    """What a delivery to this target takes up at this URL, in one spelling."""
    known: object = destination
    taken = known.taken(url) if isinstance(known, TakesNames) else Taken(place=url)
    return taken.at(known.elsewhere(target) if isinstance(known, HasEndpoints) else target.endpoint)
