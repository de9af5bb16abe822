"""Determines the type of a file, by its content if possible, else by its name; and whether it is mail.

LlamaCloud accepts more than 130 types of files, and adds new ones (its page "Supported Document Types"). So only files
that are certainly none of them are rejected here, before an upload costs anything. LlamaCloud decides about the rest.
"""

import mimetypes
import re

from receiver.core.document import Document
from receiver.core.header_block import is_mail
from receiver.core.manifest import is_manifest

PDF = "application/pdf"
MAIL = "message/rfc822"
OUTLOOK = "application/vnd.ms-outlook"
TNEF = "application/ms-tnef"
SIGNED = "application/pkcs7-mime"
"""CMS: signed or encrypted."""
ENVELOPES = frozenset({MAIL, OUTLOOK, TNEF, SIGNED})
"""Files that are opened, because the documents are inside."""
SAVED_PAGE = "multipart/related"
"""A page with its pictures, saved by a browser (MHTML). Source: RFC 2557."""
UNKNOWN = "application/octet-stream"
ONE_PAGE = frozenset({"image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp"})
"""Types that always have one page. TIFF may have many."""
JUNK_BYTES = 1024
"""How far from the start a PDF's header may be: readers search so far."""

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
    (b"\x1f\x9d", "an archive (compress)"),
    (b"\x28\xb5\x2f\xfd", "an archive (zstd)"),
    (b"\x04\x22\x4d\x18", "an archive (lz4)"),
    (b"LZIP\x01", "an archive (lzip)"),
    (b"MSCF\0\0\0\0", "an archive (cab)"),
    (b"MSWIM\0\0\0", "an archive (wim)"),
    (b"xar!\0", "an archive (xar)"),
    (b"!<arch>\n", "an archive (ar)"),
    (b"\xed\xab\xee\xdb", "an archive (rpm)"),
    (b"StuffIt (c)", "an archive (StuffIt)"),
    (b"SIT!\0", "an archive (StuffIt)"),
    (b"!BDN", "a mailbox of Outlook's (pst)"),
    (b"PK\x05\x06", "an empty archive (zip)"),
    (b"SQLite format 3\x00", "a database"),
)
_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
"""The sizes of the header that follows the file's own 14 bytes: of OS/2, and of each version of Windows."""
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_WITHIN: tuple[tuple[int, bytes, str], ...] = (
    *((2, b"-lh%d-" % method, "an archive (lzh)") for method in range(8)),
    (7, b"**ACE**", "an archive (ace)"),
    (257, b"ustar\0", "an archive (tar)"),
    (257, b"ustar  ", "an archive (tar)"),
    (32769, b"CD001", "an archive (iso)"),
)
"""Signatures further inside: offset, bytes, type."""
_ZIPPED = re.compile(
    r"\.(doc[xm]|dot[xm]|ppt[xm]|pot[xm]|xls[xmb]|xltx|od[tsp]|ott|epub|pages|numbers|key|vsdx|s[xt][wi]|uo[tp])$"
)
"""Extensions of documents that are zip archives inside."""
_ZIP_BEGINS = (b"mimetype", b"[Content_Types].xml", b"_rels/", b"docProps/")
"""The first entry of such a document: OpenDocument and EPUB, Office Open XML."""
_ZIP_FOLDERS = (b"word/", b"xl/", b"ppt/", b"Index/")
"""Further first entries, of Office Open XML and Apple. Archives may have such folders, so a ``.zip`` is an archive."""
_TNEF = b"\x78\x9f\x3e\x22"
_OUTLOOK = tuple(
    name.encode("utf-16-le") for name in ("__substg1.0_", "__properties_version1.0", "__nameid_version1.0")
)
"""Names in the directory of an Outlook message. Source: MS-OXMSG 2.2."""
_CMS = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83.{3}|\x84.{4})\x06"
    rb"(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x01-\x06]|\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01[\x09\x17])",
    re.DOTALL,
)
"""ContentInfo of CMS: SEQUENCE, then the OID of its content. Source: RFC 5652 section 3."""
_CMS_TEXT = re.compile(rb"\s*(-----BEGIN (PKCS7|PKCS #7 SIGNED DATA|CMS)-----|MI[A-Z0-9A-Za-z+/\r\n]{20})")


def media_type(head: bytes, name: str) -> str:
    """The media type of the file that begins with ``head`` (HEAD_BYTES are enough)."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if kind := _picture(head) or envelope(head, name):
        return kind
    if b"%PDF-" in head[:JUNK_BYTES] and not (head.startswith(_ZIP) or _archive(head, name)):
        return PDF
    guessed = mimetypes.guess_type(name)[0] or UNKNOWN
    if guessed == MAIL:  # its name says mail, but it is not
        return SAVED_PAGE if name.lower().endswith((".mht", ".mhtml")) else _textual(head)
    if head.startswith(_OLE):
        return guessed if guessed.startswith("application/vnd.ms-") else "application/msword"
    if guessed == PDF or guessed.startswith("image/"):
        return _textual(head)
    return guessed


def _picture(head: bytes) -> str:
    """WebP or BMP; "" for anything else. A text may begin with BM, too, but has no header's size (4 bytes) at 14."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/bmp" if head.startswith(b"BM") and head[14:18] in _BMP_HEADERS else ""


def named_type(name: str) -> str:
    """The type of a file with this name, if nobody has read it."""
    return mimetypes.guess_type(name)[0] or UNKNOWN


def envelope(head: bytes, name: str) -> str:
    """Which of ENVELOPES it is (a file that contains documents but is none itself); "" for anything else."""
    if head.startswith(_TNEF):
        return TNEF
    if head.startswith(_OLE):
        known = name.lower().endswith((".msg", ".oft")) or any(mark in head for mark in _OUTLOOK)
        return OUTLOOK if known else ""
    if _CMS.match(head) or (name.lower().endswith((".p7m", ".p7s")) and _CMS_TEXT.match(head)):
        return SIGNED
    return MAIL if is_mail(head) else ""


def refusal(head: bytes, name: str, *, packet: bool = False) -> str:
    """Why LlamaCloud, or the cutter, cannot accept the file; "" if there is no reason."""
    if not head:
        return "is empty"
    if kind := _archive(head, name) or _program(head):
        return f"is {kind}, not a document"
    if is_manifest(head, name):
        return "is the manifest of a document that Mailroom delivered"
    kind = media_type(head, name)
    if packet and kind != PDF and kind not in ENVELOPES:
        return f"is {kind}: only a PDF can be cut, so only a PDF can be a packet"
    return ""


def _archive(head: bytes, name: str) -> str:
    """What kind of archive or database it is; "" for none."""
    found = next((kind for magic, kind in _NO_MAIL if head.startswith(magic)), "")
    found = found or next((kind for place, magic, kind in _WITHIN if head.startswith(magic, place)), "")
    return found or ("an archive (zip)" if head.startswith(_ZIP) and not _zipped_document(head, name) else "")


def _program(head: bytes) -> str:
    written = head.startswith(b"MZ") and b"\0" not in head[:64]  # a letter may begin with MZ, too
    return "a program" if head.startswith(_PROGRAMS) and not written else ""


def _zipped_document(head: bytes, name: str) -> bool:
    """Whether a zip archive is a document inside: by its first entry (its name begins at byte 30), or by its name."""
    begins = _ZIP_BEGINS if name.lower().endswith(".zip") else (*_ZIP_BEGINS, *_ZIP_FOLDERS)
    return head[30:].startswith(begins) or bool(_ZIPPED.search(name.lower()))


def _textual(head: bytes) -> str:
    """The type of a file whose content contradicts its name: text, HTML, or unknown."""
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "text/html"
    try:
        head[:512].decode("ascii")
    except UnicodeDecodeError:
        return UNKNOWN
    return "text/plain"


def is_unread(document: Document) -> bool:
    """Whether its bytes may still answer conditions, because they were not read or a PDF's pages not counted."""
    uncounted = document.page_count is None and document.media_type == PDF
    return not document.packet and (not document.sha256 or uncounted)
