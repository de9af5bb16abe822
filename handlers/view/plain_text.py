"""The text of a text file, or of HTML: without tags, so that nothing in it can run or load anything."""

import codecs
from pathlib import Path

from handlers.mail.markup import html_text
from receiver.core.document_view import HTML

READ_BYTES = 2_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def file_text(path: Path, media_type: str) -> tuple[str, bool]:
    """The text, and whether the file has more."""
    with path.open("rb") as file:
        content = file.read(READ_BYTES + 1)
    text = _decoded(content[:READ_BYTES])
    return (html_text(text) if media_type in HTML else text), len(content) > READ_BYTES


def _decoded(content: bytes) -> str:
    """Decodes by the byte order mark, else as UTF-8, else as Windows-1252. No byte is dropped."""
    named = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if named:
        return content.decode(named, "replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)  # the last character may be cut in two
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
