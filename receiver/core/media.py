"""What kind of file it is: by its content where that tells, else by its name; and whether it is mail at all.

LlamaCloud takes more than 130 kinds of files and adds to them (its page "Supported Document Types"). So only what
surely is none of them is refused here, before anything is uploaded and paid for; of the rest LlamaCloud decides.
"""

import mimetypes
import re

PDF = "application/pdf"
MAIL = "message/rfc822"
UNKNOWN = "application/octet-stream"
HEAD_BYTES = 1024
"""Bytes from the start of a file that are enough to judge it."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"{\\rtf", "application/rtf"),
)
_NO_MAIL: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "an archive (gzip)"),
    (b"BZh", "an archive (bzip2)"),
    (b"\xfd7zXZ\x00", "an archive (xz)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)"),
    (b"Rar!\x1a\x07", "an archive (rar)"),
    (b"PK\x05\x06", "an empty archive (zip)"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
_ZIPPED = re.compile(
    r"\.(doc[xm]|dot[xm]|ppt[xm]|pot[xm]|xls[xmb]|xltx|od[tsp]|ott|epub|pages|numbers|key|vsdx|s[xt][wi]|uo[tp])$"
)
"""Extensions of documents that are zip archives inside."""
_ZIP_BEGINS = (b"mimetype", b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/", b"Index/")
"""The first entries that such a document begins with: OpenDocument and EPUB, Office Open XML, Apple's."""
_MAIL_FIELDS = re.compile(
    rb"^(From|To|Date|Subject|Message-ID|MIME-Version|Received|Return-Path|Delivered-To|DKIM-Signature):",
    re.IGNORECASE | re.MULTILINE,
)


def media_type(head: bytes, name: str) -> str:
    """The media type of the file that begins with ``head`` (HEAD_BYTES are enough).

    A PDF may carry junk before its header; readers look for it in the first 1,024 bytes, and so do we.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if is_mail(head):
        return MAIL
    if b"%PDF-" in head[:HEAD_BYTES]:
        return PDF
    guessed = mimetypes.guess_type(name)[0] or UNKNOWN
    if head.startswith(_OLE):
        return guessed if guessed.startswith("application/vnd.ms-") else "application/msword"
    if guessed == PDF or guessed.startswith("image/"):
        return _textual(head)
    return guessed


def is_mail(head: bytes) -> bool:
    """Whether it is an e-mail as it was sent: it begins with a header field, and there are at least three known ones.

    A line ``From `` of an mbox may stand before them.
    """
    start = head.split(b"\n", 1)[1] if head.startswith(b"From ") and b"\n" in head else head
    begins = re.match(rb"[!-9;-~]{1,76}:[ \t\r\n]", start)
    return bool(begins) and len({found.lower() for found in _MAIL_FIELDS.findall(start)}) >= 3


def refusal(head: bytes, name: str, *, packet: bool = False) -> str:
    """Why LlamaCloud, or the cut of a packet, could not take the file; "" when nothing speaks against it."""
    if not head:
        return "is empty"
    for magic, kind in _NO_MAIL:
        if head.startswith(magic):
            return f"is {kind}, not a document"
    if head.startswith(_ZIP) and not _zipped_document(head, name):
        return "is an archive (zip), not a document"
    kind = media_type(head, name)
    if packet and kind not in (PDF, MAIL):
        return f"is {kind}: only a PDF can be cut, so only a PDF can be a packet"
    return ""


def _zipped_document(head: bytes, name: str) -> bool:
    """Whether a zip archive is a document inside: by its first entry (its name begins at byte 30), or by its name."""
    return head[30:].startswith(_ZIP_BEGINS) or bool(_ZIPPED.search(name.lower()))


def _textual(head: bytes) -> str:
    """For a name that promises what the content does not keep: text, HTML, or unknown."""
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "text/html"
    try:
        head[:512].decode("ascii")
    except UnicodeDecodeError:
        return UNKNOWN
    return "text/plain"
