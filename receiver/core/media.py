"""What kind of file it is: by its content where that tells, else by its name."""

import mimetypes

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
)
PDF = "application/pdf"
UNKNOWN = "application/octet-stream"


def media_type(head: bytes, name: str) -> str:
    """The media type of the file that begins with ``head`` (the first 1,024 bytes are enough).

    A PDF may carry junk before its header; readers look for it in the first 1,024 bytes, and so do we.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    guessed = mimetypes.guess_type(name)[0] or UNKNOWN
    if guessed == "application/pdf" or guessed.startswith("image/"):
        return _textual(head)
    return guessed


def _textual(head: bytes) -> str:
    """For a name that promises what the content does not keep: text, HTML, or unknown."""
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "text/html"
    try:
        head[:512].decode("ascii")
    except UnicodeDecodeError:
        return UNKNOWN
    return "text/plain"
