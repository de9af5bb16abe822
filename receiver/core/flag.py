"""A flag: a small durable fact that is not about one document, such as a paused destination."""

from dataclasses import dataclass

RESTORED = "restored"
"""The flag of a store that was restored from a backup: LlamaCloud may have newer data about its documents."""


def bytes_flag(sha256: str) -> str:
    """The id of the flag that names the first document with these bytes."""
    return f"bytes:{sha256}"


def verified_flag(document_id: str) -> str:
    """The id of the flag that says when a document was verified last, and what was found."""
    return f"verified:{document_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """``id`` says what the flag is about (``paused:s3://mail``), ``value`` what is true of it."""

    id: str
    value: str
    at: float
    version: int = 0
