"""What reading back a document's copies shows: each against what its record says, and what that makes of the document.

Records prove what was delivered. Only bytes that were read again prove what is stored now: what cannot be read (a
message, an endpoint) is named with what its record says, and never counted as intact.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from receiver.core.delivery_request import StoredCopy
from receiver.core.document import Delivery, Document
from receiver.core.manifest import SUFFIX


class CopyState(StrEnum):
    """What was found at one place."""

    INTACT = "intact"
    DIFFERENT = "different"
    """Other bytes are stored there, or the manifest is about something else."""
    MISSING = "missing"
    UNREADABLE = "unreadable"
    """Nobody knows: this process may not read it, or the place does not answer."""
    SUPERSEDED_GONE = "superseded_gone"
    """A copy that no longer counts, and that somebody removed."""
    NOT_READ_BACK = "not_read_back"
    """A message or an endpoint: only its record says that it was delivered."""
    NOT_DELIVERED = "not_delivered"
    """Its record says that it is not there (yet)."""
    REMOVED = "removed"
    """Retention removed it."""


class Verdict(StrEnum):
    """What the copies make of a document: the worst of them."""

    DIFFERENT = "different"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    INTACT = "intact"
    """Everything that can be read back is as its record says, and something was."""
    UNPROVEN = "unproven"
    """Nothing of it can be read back."""


DIFFERENCES = (Verdict.DIFFERENT, Verdict.MISSING, Verdict.UNREADABLE)


class CopyKind(StrEnum):
    """What lies at a place."""

    RECEIVED = "received"
    """The bytes as they were received: in the spool, or where they came from."""
    COPY = "copy"
    MANIFEST = "manifest"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCopy:
    """One place, and what was found there."""

    place: str
    kind: CopyKind
    state: CopyState
    expected: str = ""
    """The SHA-256 on record, in hex."""
    found: str = ""
    """The SHA-256 of what was read."""
    why: str = ""
    fix: str = ""
    superseded: bool = False

    @property
    def differs(self) -> bool:
        """Whether this is not as its record says, or could not be read."""
        return self.state in (CopyState.DIFFERENT, CopyState.MISSING, CopyState.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCheck:
    """What was found of one document."""

    document_id: str
    name: str
    at: float
    copies: tuple[CheckedCopy, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst that was found."""
        states = {item.state for item in self.copies}
        wrong = (item for item in DIFFERENCES if CopyState(item) in states)
        read = any(item.state is CopyState.INTACT and item.kind is not CopyKind.MANIFEST for item in self.copies)
        return next(wrong, Verdict.INTACT if read else Verdict.UNPROVEN)

    @property
    def differs(self) -> bool:
        """Whether anything is not as its record says, or could not be read."""
        return self.verdict in DIFFERENCES


@dataclass(slots=True)
class CheckTotals:
    """How many documents have which verdict, and how many places of each kind are in which state."""

    documents: Counter[str] = field(default_factory=Counter)
    places: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, check: DocumentCheck) -> None:
        """Counts one document."""
        self.documents[check.verdict] += 1
        for item in check.copies:
            self.places.setdefault(item.kind, Counter())[item.state] += 1

    @property
    def differ(self) -> int:
        """Documents with a difference."""
        return sum(self.documents[item] for item in DIFFERENCES)

    def shown(self) -> dict[str, Any]:
        """As the HTTP API and ``--json`` show it; the numbers of ``documents`` add up to ``checked``."""
        documents = {item.value: self.documents[item] for item in Verdict}
        places = {kind: dict(states) for kind, states in sorted(self.places.items())}
        return {"checked": self.documents.total(), "documents": documents, "places": places}


def delivery_checked(
    item: Delivery, stored: StoredCopy, document: Document, *, unread: tuple[str, str] | None = None
) -> list[CheckedCopy]:
    """The copy of this delivery, and the manifest beside it, compared with the records.

    ``unread``: why the manifest could not be read, and what to do.
    """
    assert item.receipt is not None
    expected = item.receipt.checksum.removeprefix("sha256:") or document.sha256
    copy = bytes_checked(item.receipt.location, CopyKind.COPY, expected, stored, superseded=item.superseded)
    if copy.state is CopyState.SUPERSEDED_GONE or not (item.receipt.manifest or stored.manifest or unread):
        return [copy]
    if unread:
        state, (why, fix) = CopyState.UNREADABLE, unread
    else:
        (state, why), fix = _manifest_state(stored.manifest, item, expected, document), ""
    manifest = CheckedCopy(
        place=item.receipt.manifest or item.receipt.location + SUFFIX,
        kind=CopyKind.MANIFEST,
        state=state,
        why=why,
        fix=fix,
        superseded=item.superseded,
    )
    return [copy, manifest]


def bytes_checked(
    place: str, kind: CopyKind, expected: str, stored: StoredCopy, *, superseded: bool = False
) -> CheckedCopy:
    """What is stored at this place, compared by its SHA-256."""
    state, why = _bytes_state(expected, stored, superseded)
    return CheckedCopy(
        place=place, kind=kind, state=state, expected=expected, found=stored.sha256, why=why, superseded=superseded
    )


def _bytes_state(expected: str, stored: StoredCopy, superseded: bool) -> tuple[CopyState, str]:
    if not stored.sha256:
        gone = CopyState.SUPERSEDED_GONE if superseded else CopyState.MISSING
        return gone, "it no longer counts, and was removed" if superseded else "nothing is stored there"
    if not expected:
        return CopyState.NOT_READ_BACK, "its record has no checksum to compare with"
    if stored.sha256 == expected:
        return CopyState.INTACT, "it no longer counts" if superseded else ""
    version = f", version {stored.version}" if stored.version else ""
    return CopyState.DIFFERENT, f"other bytes are stored there ({stored.size} bytes{version})"


def _manifest_state(content: bytes | None, item: Delivery, expected: str, document: Document) -> tuple[CopyState, str]:
    """What the manifest beside a copy says of the things that no later decision changes."""
    if content is None:
        return CopyState.MISSING, "there is no manifest beside the document"
    try:
        says = json.loads(content)
    except (ValueError, RecursionError):
        return CopyState.DIFFERENT, "it is not a manifest"
    if not isinstance(says, dict):
        return CopyState.DIFFERENT, "it is not a manifest"
    wrong = [*_wrong_fields(says, {"document_id": document.id, "sha256": expected}), *_wrong_mark(says, item)]
    return (CopyState.DIFFERENT, "; ".join(wrong)) if wrong else (CopyState.INTACT, "")


def _wrong_fields(says: Mapping[str, Any], recorded: Mapping[str, str]) -> Iterable[str]:
    for name, value in recorded.items():
        if value and says.get(name) != value:
            yield f"its {name} is {str(says.get(name))[:100]!r}, on record {value!r}"


def _wrong_mark(says: Mapping[str, Any], item: Delivery) -> Iterable[str]:
    if item.mark and "superseded" not in says:
        yield "it does not say that the copy is superseded"
    if not item.mark and not item.superseded and "superseded" in says:
        yield "it says that the copy is superseded, and the copy counts"
