"""The pages of a Word document (DOCX): a zip of XML."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from xml.etree import ElementTree

from llamacloud_sandbox.unreadable import Unreadable

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAIN = "word/document.xml"
LARGEST_PART = 50 * 2**20  # bytes unpacked: a small zip can hold an enormous text
_BREAK = "\f"


def is_docx(content: bytes) -> bool:
    """Whether the content is a zip with a Word document in it."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _MAIN in archive.namelist()
    except zipfile.BadZipFile:
        return False


def pages(content: bytes) -> list[str]:
    """The text as Word last broke it into pages; the letterhead (header) stands on the first. Raises `Unreadable`."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            headers = sorted(name for name in archive.namelist() if name.startswith("word/header"))
            text = "\n".join(_text(archive, name) for name in (*headers, _MAIN))
    except (zipfile.BadZipFile, ElementTree.ParseError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unreadable("The Word document is damaged or encrypted.") from error
    return [page.strip() for page in text.split(_BREAK)]


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > LARGEST_PART:
        raise Unreadable("The Word document is too large.")
    xml = archive.read(name)
    if b"<!DOCTYPE" in xml[:2048]:  # no Word writes one; it could only be there to make entities explode
        raise Unreadable("The Word document is damaged.")
    return "".join(_pieces(ElementTree.fromstring(xml)))  # noqa: S314 - see above


def _pieces(element: ElementTree.Element) -> Iterator[str]:
    tag = element.tag.removeprefix(_W)
    if tag == "t":
        yield element.text or ""
    elif tag == "lastRenderedPageBreak" or (tag == "br" and element.get(f"{_W}type") == "page"):
        yield _BREAK
    elif tag in ("br", "tab"):
        yield "\n" if tag == "br" else "\t"
    for child in element:
        yield from _pieces(child)
    if tag in ("p", "tr"):
        yield "\n"
    elif tag == "tc":
        yield "\t"
