"""What is handed to a destination."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from receiver.core.document import Document
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
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
    pointer: str = ""
    """Where the document itself lies, for destinations that only point to it: its first delivery that holds bytes."""
