"""The record of an e-mail: its header fields, its parts, and the outcome of each."""

from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """The outcome of a part of a mail. Every part has one."""

    DOCUMENT = "document"
    """It is a document of its own."""
    OPENED = "opened"
    """It is an envelope (a forwarded mail, winmail.dat, a signed container): its contents have entries of their own."""
    RECORDED = "recorded"
    """A short text beside attachments, stored with the mail's record and in manifests (``mail.body: record``)."""
    LEFT_OUT = "left_out"
    """It is no document, for the given reason; the mail itself still contains it."""
    HELD = "held"
    """A person must check it: it waits in review, and nothing was paid for it."""


EMPTY = "it is empty"
"""Why a part with nothing in it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a mail, in the mail's record."""

    where: str
    """Its position: ``2.1`` is the first part of the second part; what is inside an envelope follows a slash: ``3/1``.
    """
    name: str
    media_type: str
    size: int
    """Decoded bytes."""
    fate: Fate
    reason: str = ""
    """Why it was left out or is held."""
    document_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPart:
    """A part as the reader found it, with the file that holds its content where it is to be kept.

    Parts with the same ``file`` are one document: the pieces of a mail's text, for instance.
    """

    where: str
    name: str
    media_type: str
    size: int
    fate: Fate
    reason: str = ""
    body: bool = False
    """The mail's own text, and not an attachment."""
    text: str = ""
    """Of a body that shows no pictures: the whole of its text, when it is short."""
    file: str = ""
    """The path of a document's, or a held part's, content while the mail is open."""
    metadata: dict[str, str] = field(default_factory=dict)
    """The header fields of a forwarded mail: inner_from, inner_subject, inner_date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMail:
    """A mail as it was read. ``sender`` is the bare address of From, in lower case; it proves nothing by itself."""

    id: str
    """Message-ID, or the checksum of a mail that has none: it identifies the mail when it comes again."""
    digest: str
    """The checksum over all parts, which does not depend on how the mail came."""
    sender: str = ""
    subject: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    """Subject, recipients and date as they are in the mail; routes may match the subject."""
    parts: tuple[ReadPart, ...] = ()
    file: str = ""
    """The path of the mail's own bytes when it is one of several in a file (mbox); "" when it is all of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailBounds:
    """Bounds of one mail. A mail that exceeds a bound is held for a person, and nothing is paid for it."""

    max_parts: int = 200
    max_depth: int = 20
    """Levels of parts within parts, and of mails within mails."""
    max_unpacked: int = 256 * 1024 * 1024
    """Bytes of all parts, decoded."""
