"""A flag: a small durable fact that is not about one document, such as a paused destination."""

from dataclasses import dataclass

RESTORED = "restored"
"""The flag of a store that came back from a backup: LlamaCloud may know more of its documents than it does."""


def bytes_flag(sha256: str) -> str:
    """The id of the flag that says which document first came in with these bytes."""
    return f"bytes:{sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """``id`` says what it is about (``paused:s3://mail``), ``value`` what holds."""

    id: str
    value: str
    at: float
    version: int = 0
