"""What a destination gets."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from receiver.core.document import Document
from receiver.core.errors import MailroomError
from receiver.core.message_type import Meaning
from receiver.core.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A document's bytes, wherever they are. A destination uses the access that suits it best."""

    size: int
    sha256: str
    """Hex; "" when it is not known before the bytes are read (an adopted job's file)."""
    media_type: str
    stream: Callable[[], AsyncIterator[bytes]]
    """The bytes in chunks, from the start at each call."""
    path: Path | None = None
    """The local file, when they are in one."""
    s3: tuple[str, str, str] | None = None
    """Bucket, key and version id (or ""), when they are in S3: a copy inside S3 is then possible."""
    download: Callable[[str], Awaitable[str]] | None = None
    """Makes a URL of the store's own that downloads them under this file name, for minutes; None where it has none."""


class PointerState(StrEnum):
    """What a message's pointer is."""

    STORED = "stored"
    """An object or file that holds the document."""
    LINKED = "linked"
    """Only Mailroom has it: a signed link to its copy, which expires."""
    PENDING = "pending"
    """It is not stored at its destination yet; another message follows."""
    NONE = "none"
    """There is nothing to point to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Where the document can be opened, and its manifest; "" where neither can."""

    url: str = ""
    state: PointerState = PointerState.NONE
    manifest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyMark:
    """What the manifest beside a stored copy is to say: that another place counts, or that this one does again."""

    url: str
    """Where the copy is."""
    document_id: str
    superseded: Mapping[str, Any] | None
    """Since when, why, and where the document is now; None where the copy counts."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Those of the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCopy:
    """What is stored at the place of a delivery now."""

    sha256: str
    """Of the bytes, in hex; "" where there is nothing."""
    size: int = 0
    manifest: bytes | None = None
    """The manifest beside it; None where there is none."""
    manifest_error: MailroomError | None = None
    """Why the manifest beside it could not be read."""
    version: str = ""
    """The store's own id of this version of the object; "" where it keeps none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """One delivery, complete: what, where, and the manifest beside it."""

    delivery_id: str
    document: Document
    plan: Plan
    url: str
    """The destination's URL with its fields filled in."""
    content: Content
    manifest: Mapping[str, Any]
    """The content of the manifest and of messages: classification, job, provenance, rule and reason."""
    options: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    """It was delivered there before: a holder of bytes checks the stored object before it reads anything."""
    options_changed: bool = False
    """It was delivered there with other options: the stored object gets these, and its bytes stay."""
    meaning: Meaning = Meaning.ROUTED
    sequence: int = 1
    """Of two messages about a document the one with the higher number is true."""
    replaces: str = ""
    """The id of the previous message to this place; "" for the first one."""
    pointer: Pointer = Pointer()
    """For destinations that only point to the document."""
    at: float = 0.0
    """When the message became true."""
