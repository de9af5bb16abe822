"""An e-mail taken apart: who sent it, about what, and the documents that it carries. Pure: bytes in, data out.

The attachments are the documents. A mail without any is itself a letter, and its text is the document. Pictures that
only dress up the text (a logo in the signature) and signatures are no documents.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parseaddr
from itertools import islice

from receiver.core.errors import DocumentRefused
from receiver.core.naming import whole

NAME_LIMIT = 255
NESTED = 100
"""Parts that hold parts, at most: reading them takes time by the square of their number."""
_BOUNDARY = re.compile(rb"boundary\s*\*?=", re.IGNORECASE)
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """One document in the mail."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What an e-mail says. ``sender`` is the bare address of From, in lower case; it proves nothing by itself."""

    sender: str
    subject: str
    id: str
    """Message-ID, or the checksum of a mail that has none: what makes a second delivery the same mail."""
    enclosures: tuple[Enclosure, ...]
    metadata: dict[str, str] = field(default_factory=dict)
    """Subject, recipients and date as they stand in the mail; routes may ask for the subject."""


def read_mail(content: bytes) -> Mail:
    """The mail in these bytes. Raises DocumentRefused for what is too twisted to be read, or holds nothing."""
    if sum(1 for _ in islice(_BOUNDARY.finditer(content), NESTED + 1)) > NESTED:
        raise DocumentRefused("the e-mail is nested too deeply", fix="save its attachments by hand")
    try:
        message = message_from_bytes(content, policy=policy.default)
        enclosures = tuple(_enclosures(message)) or tuple(_text(message))
        subject = _field(message, "Subject")
        told = {name: _field(message, name) for name in ("Subject", "To", "Cc", "Date", "Message-ID")}
        sender = parseaddr(_field(message, "From"))[1].lower()
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError) as error:
        raise DocumentRefused(
            f"the e-mail cannot be taken apart: {error}", fix="save its attachments by hand"
        ) from error
    if not enclosures:
        raise DocumentRefused("the e-mail holds neither an attachment nor text", fix="leave it out")
    return Mail(
        sender=whole(sender),
        subject=subject,
        id=told["Message-ID"].strip() or hashlib.sha256(content).hexdigest(),
        enclosures=enclosures,
        metadata={name.lower().replace("-", "_"): value for name, value in told.items() if value},
    )


def _field(message: Message, name: str) -> str:
    return whole(" ".join(str(message.get(name, "")).split()))[:1000]


def _enclosures(message: Message) -> Iterator[Enclosure]:
    """The attachments, those of forwarded mails among them, in the order of the mail."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart() or part.get_content_type() in _SIGNATURES or not _attached(part):
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            name = part.get_filename() or f"attachment-{number}{_suffix(part)}"
            yield Enclosure(name=whole(" ".join(name.split()))[-NAME_LIMIT:], content=content)


def _attached(part: Message) -> bool:
    kind, disposition = part.get_content_maintype(), part.get_content_disposition()
    if kind == "image" and part.get("Content-ID") and disposition != "attachment":
        return False  # it is shown inside the text
    return disposition == "attachment" or bool(part.get_filename()) or kind not in ("text", "multipart")


def _text(message: Message) -> Iterator[Enclosure]:
    """The mail's own text as a document: as it was set (HTML) where there is that, else plain."""
    if not isinstance(message, EmailMessage):
        return
    body = message.get_body(preferencelist=("html", "plain"))
    content = body.get_payload(decode=True) if body is not None else None
    if body is not None and isinstance(content, bytes) and content.strip():
        yield Enclosure(name=(_field(message, "Subject")[:80] or "mail") + _suffix(body), content=content)


def _suffix(part: Message) -> str:
    kinds = {"text/plain": ".txt", "text/html": ".html", "application/pdf": ".pdf", "image/png": ".png"}
    return kinds.get(part.get_content_type(), ".jpg" if part.get_content_type() == "image/jpeg" else "")
