"""Derives ids: the same input always gives the same id.

So a document that is ingested twice is the same document, and a repeated delivery is the same delivery. The names that
LlamaCloud gets are in core/submission.py.
"""

import hashlib
import re
from base64 import b32encode
from urllib.parse import unquote_to_bytes

from receiver.core.document import Origin

_QUOTED = re.compile(r"[%:\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that are quoted in an id's parts: the separator, the quote character, and control characters."""
_ID = re.compile(r"[A-Za-z0-9._~:@=+-]{1,255}")
_SEPARATORS = str.maketrans({"\0": "\1\3", "\1": "\1\2"})
DOCUMENT = "doc"
"""Prefix of the id of every document."""


def task_id(kind: str, *parts: str | float) -> str:
    """The id of the task of this kind about these parts: ``submit:doc_x:0``.

    Different parts give different ids, whatever they contain: an id from outside cannot imitate two parts or another
    task. Nothing is cut off; the stores accept ids of any length.
    """
    texts = [kind, *map(str, parts)]
    plain = ":".join(texts)
    if plain.isprintable() and "%" not in plain and plain.count(":") == len(parts):  # the usual case
        return plain
    return ":".join([_QUOTED.sub(_quote, text) for text in texts])


def event_key(event_id: str, document_id: str) -> str:
    """Our id of an event: LlamaCloud's own, and the document that its token proves, if it has one.

    Otherwise the holder of one document's token could use up the id of another document's event, which would then count
    as a repetition.
    """
    return task_id(event_id, document_id) if document_id else task_id(event_id)


def id_parts(made: str) -> tuple[str, ...]:
    """The parts given to ``task_id`` or ``event_key``. They may be parts of another id, as in an alert's about a
    task."""
    parts = made.split(":")
    return tuple(unquote_to_bytes(item).decode(errors="surrogatepass") if "%" in item else item for item in parts)


def _quote(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogatepass"))


def may_be_id(text: str) -> bool:
    """Whether this could be an id of LlamaCloud's.

    Its ids are opaque (reference 1.0), but they become part of a path. One that a server could read as another path,
    query or fragment is rejected, and never requested.
    """
    return _ID.fullmatch(text) is not None and text not in {".", ".."}


def place(url: str) -> str:
    """The partner of a destination, which fails as a unit: its bucket, queue or host (``s3://bucket``), all folders
    together, or else the whole URL.
    """
    scheme, found, rest = url.partition("://")
    if not found or rest.startswith(("https://", "http://", "arn:")):  # an alert channel, a URL in a URL, an ARN
        return url.partition("#")[0].rstrip("/")
    return f"{scheme}://{rest.split('/')[0].rpartition('@')[2]}"


def document_id(origin: Origin, sha256: str) -> str:
    """The id of the document with this content from this place."""
    if origin.by_sender:
        by = f"{len(origin.sender)}:{origin.sender}"
        return _derive(DOCUMENT, f"{origin.kind} by", by, origin.locator, sha256)
    return _derive(DOCUMENT, origin.kind, origin.locator, sha256)


def adopted_id(job_id: str) -> str:
    """The id of the document behind a job that was created elsewhere."""
    return _derive(DOCUMENT, "adopted", job_id)


def piece_id(parent_id: str, pages: tuple[int, ...]) -> str:
    """The id of a packet's piece with these pages."""
    return _derive(DOCUMENT, "piece", parent_id, ",".join(map(str, pages)))


def mail_batch(message_id: str) -> str:
    """The batch that the attachments of one e-mail share."""
    return _derive("mail", message_id)


def mail_id(message_id: str, digest: str) -> str:
    """The id of a mail's record: the same however the mail came, another one when a part of it differs."""
    return _derive(DOCUMENT, "mail", message_id, digest)


def delivery_id(document_id: str, place: str, *what: str) -> str:
    """The id of a delivery: the document, where to, and what is delivered (a checksum; of a message also its content).

    The name of the row is not included: renaming a row sends nothing again.
    """
    return _derive("dlv", document_id, place, *what)


def claim_id(*parts: str) -> str:
    """A fingerprint of what a message claims: the same for the same claim."""
    return _derive("clm", *parts)


def short_hash(kind: str, cause: str) -> str:
    """The fingerprint of this kind and cause: twelve letters and digits that a person can type."""
    digest = hashlib.sha256(f"{kind}\0{cause}".encode(errors="backslashreplace")).digest()
    return b32encode(digest).decode().lower()[:12]


def _derive(prefix: str, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(part.translate(_SEPARATORS) for part in parts).encode()).digest()
    return f"{prefix}_{b32encode(digest[:15]).decode().lower()}"
