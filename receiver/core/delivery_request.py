"""What is handed to a destination."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from receiver.core.document import Document
from receiver.core.message_type import Meaning
from receiver.core.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A document's bytes, wherever they lie. A destination takes the way that fits it best."""

    size: int
    sha256: str
    """Hex; "" when it is not known before the bytes were read (an adopted job's file)."""
    media_type: str
    stream: Callable[[], AsyncIterator[bytes]]
    """The bytes in chunks, from the start at each call."""
    path: Path | None = None
    """The local file, when they lie in one."""
    s3: tuple[str, str, str] | None = None
    """Bucket, key and version id (or ""), when they lie in S3: a copy inside S3 is then possible."""
    download: Callable[[str], Awaitable[str]] | None = None
    """Makes a URL of the store's own that downloads them under this file name, for minutes; None where it has none."""


class PointerState(StrEnum):
    """What a message's pointer is good for."""

    STORED = "stored"
    """An object or file that holds the document."""
    LINKED = "linked"
    """Nothing holds it but Mailroom: a signed link to it, which expires."""
    PENDING = "pending"
    """It is not where it shall be yet; a message of its own says when it is."""
    NONE = "none"
    """There is nothing to point to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Where the document can be opened, and its manifest; "" where neither can."""

    url: str = ""
    state: PointerState = PointerState.NONE
    manifest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """One delivery, complete: what, where, and the story that goes beside it."""

    delivery_id: str
    document: Document
    plan: Plan
    url: str
    """The destination's URL with its fields filled in."""
    content: Content
    manifest: Mapping[str, Any]
    """What is written beside the document, and said in messages: classification, job, provenance, rule and reason."""
    options: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    """It was delivered there before: whoever holds bytes looks what lies there before anything is read."""
    options_changed: bool = False
    """It was delivered there with other options: what is there gets these, and its bytes stay."""
    meaning: Meaning = Meaning.ROUTED
    sequence: int = 1
    """Of two messages about a document the one with the higher number is true."""
    replaces: str = ""
    """The id of the message that this place got before; "" for the first one."""
    pointer: Pointer = Pointer()
    """For destinations that only point to the document."""
    at: float = 0.0
    """When what it says became true."""
