"""The pages of office files that are a ZIP of XML: Word, PowerPoint, OpenDocument; spreadsheets go to ``sheets``.

Python's own zipfile and expat do it in a page of code. Names of elements are compared without their namespaces, which
are all that tells strict Office Open XML (ISO/IEC 29500) from what Office writes by default.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from xml.parsers import expat

from llamacloud_sandbox.unreadable import Unreadable

LARGEST_PART = 50 * 2**20  # bytes unpacked: a small zip can hold an enormous text
_CHUNK = 64 * 1024
_BREAK = "\f"
_NUMBER = re.compile(r"\d+")
_DAMAGED = (zipfile.BadZipFile, expat.ExpatError, NotImplementedError, RuntimeError, EOFError, KeyError)

Attributes = Mapping[str, str]


def pages(path: Path) -> list[str]:
    """The text of each page, slide or sheet. Raises `Unreadable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            reader = _reader(archive)
            if reader is not None:
                return reader(archive)
    except _DAMAGED as error:
        raise Unreadable("The office document is damaged or encrypted.") from error
    from llamacloud_sandbox.formats import sheets

    return sheets.pages(path)


def _reader(archive: zipfile.ZipFile) -> Callable[[zipfile.ZipFile], list[str]] | None:
    """What reads it; None for a spreadsheet. Raises `Unreadable` for any other ZIP archive."""
    names = frozenset(archive.namelist())
    main = _main_part(archive)
    if main.startswith("word/") and main in names:
        return partial(_word, main=main)
    if "ppt/presentation.xml" in names:
        return _slides
    if {"mimetype", "content.xml"} <= names:
        kind = _content(archive, "mimetype", 200).decode("ascii", "replace")
        return None if "spreadsheet" in kind else _open_document
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return None
    raise Unreadable("The file type is not supported: a ZIP archive that is no document of an office program.")


def _main_part(archive: zipfile.ZipFile) -> str:
    """The part that the package names as its document; Word's own servers call it `word/document2.xml`."""
    main = _MainPart()
    if "_rels/.rels" in archive.namelist():
        _text(archive, "_rels/.rels", main)
    return main.found


def _word(archive: zipfile.ZipFile, *, main: str) -> list[str]:
    """As Word last broke it into pages; the letterhead (header) stands on the first."""
    headers = sorted(name for name in archive.namelist() if re.fullmatch(r"word/header\d*\.xml", name))
    return _split("\n".join(_text(archive, name, _Words()) for name in (*headers, main)))


def _slides(archive: zipfile.ZipFile) -> list[str]:
    """One page for each slide, in the order of the presentation; its notes are not read."""
    targets = _Relations()
    _text(archive, "ppt/_rels/presentation.xml.rels", targets)
    order = _SlideIds()
    _text(archive, "ppt/presentation.xml", order)
    names = [posixpath.normpath(posixpath.join("ppt", targets.found[each])).lstrip("/") for each in order.found]
    return [_text(archive, name.removeprefix("ppt/ppt/"), _Words()).strip() for name in names]


def _open_document(archive: zipfile.ZipFile) -> list[str]:
    """Of a text as its writer last broke it into pages, of a presentation each slide; the letterhead first."""
    styles = _text(archive, "styles.xml", _Letterhead()) if "styles.xml" in archive.namelist() else ""
    return _split(f"{styles}\n{_text(archive, 'content.xml', _OpenWords())}")


def _split(text: str) -> list[str]:
    pages = [page.strip() for page in text.split(_BREAK)]
    return pages[1:] if len(pages) > 1 and not pages[0] else pages  # a first slide begins with a break, too


class _Words:
    """The text of WordprocessingML and DrawingML: a line for each paragraph, and for each row of a table."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._cells = 0  # how many cells of tables are open
        self._shown = 0  # how many elements are open whose characters are text
        self._hidden = 0  # and how many in which nothing is text

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        self._shown += name == "t"
        self._cells += name == "tc"
        self._hidden += name == "Fallback"  # says again what its neighbour said, for older programs
        if name == "lastRenderedPageBreak" or (name == "br" and attributes.get("type") == "page"):
            self.text.append(_BREAK)
        elif name in ("br", "tab"):
            self.text.append("\n" if name == "br" else "\t")

    def end(self, name: str) -> None:
        """An element ends."""
        self._shown -= name == "t"
        self._hidden -= name == "Fallback"
        if name == "tc":
            self._cells -= 1
            self.text.append("\t")
        elif name in ("p", "tr"):
            self.text.append(self._line_end())

    def _line_end(self) -> str:
        return " " if self._cells else "\n"

    def characters(self, text: str) -> None:
        """What stands between two tags."""
        if self._shown and not self._hidden:
            self.text.append(text)


class _OpenWords(_Words):
    """The text of OpenDocument."""

    _PARAGRAPHS = frozenset(("p", "h"))
    _SILENT = frozenset(("tracked-changes", "annotation", "notes", "sequence-decls"))

    def start(self, name: str, attributes: Attributes) -> None:
        self._shown += name in self._PARAGRAPHS
        self._cells += name == "table-cell"
        self._hidden += name in self._SILENT
        if name in ("soft-page-break", "page"):
            self.text.append(_BREAK)
        elif name in ("line-break", "tab"):
            self.text.append("\n" if name == "line-break" else "\t")
        elif name == "s":
            self.text.append(" " * min(int(attributes.get("c", "1")), 80))

    def end(self, name: str) -> None:
        self._shown -= name in self._PARAGRAPHS
        self._hidden -= name in self._SILENT
        if name == "table-cell":
            self._cells -= 1
            self.text.append("\t")
        elif name in self._PARAGRAPHS or name == "table-row":
            self.text.append(self._line_end())

    def characters(self, text: str) -> None:
        if self._shown and not self._hidden:
            self.text.append(re.sub(r"\s+", " ", text))


class _Letterhead(_OpenWords):
    """Of an OpenDocument's styles only what its page headers say."""

    def __init__(self) -> None:
        super().__init__()
        self._headers = 0

    def start(self, name: str, attributes: Attributes) -> None:
        self._headers += name == "header"
        if self._headers:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        if self._headers:
            super().end(name)
        self._headers -= name == "header"


class _Relations(_Words):
    """The targets of a part's relationships by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            self.found[attributes["Id"]] = attributes["Target"]


class _MainPart(_Words):
    """What a package's own relationships call its document."""

    def __init__(self) -> None:
        super().__init__()
        self.found = "word/document.xml"

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            self.found = attributes["Target"].removeprefix("/")


class _SlideIds(_Words):
    """The relationships of a presentation's slides, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sldId" and "relationships id" in attributes:  # sections name the same slides again, without it
            self.found.append(attributes["relationships id"])


def _text(archive: zipfile.ZipFile, name: str, words: _Words) -> str:
    """What `words` hears of the part. It is parsed as it is unpacked, so no more of it is kept than its text."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: words.start(
        _local(name), {_attribute(each): value for each, value in attributes.items()} if attributes else {}
    )
    parser.EndElementHandler = lambda name: words.end(_local(name))
    parser.CharacterDataHandler = words.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    left, size = LARGEST_PART, _CHUNK
    with closing(archive.open(name)) as part:
        while chunk := part.read(size):
            left -= len(chunk)
            if left < 0:
                raise Unreadable("The office document is too large.")
            before = parser.CurrentByteIndex
            parser.Parse(chunk, False)
            # A tag that does not end is begun anew with each chunk: ever larger ones keep that from taking minutes.
            size = _CHUNK if parser.CurrentByteIndex > before else 2 * size
    parser.Parse(b"", True)
    return "".join(words.text)


def _refuse_doctype(*_: object) -> None:
    """No office program writes one; it could only be there to make entities explode."""
    raise Unreadable("The office document is damaged.")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _attribute(name: str) -> str:
    """`r:id` and `id` may stand on one element: this alone keeps the last part of its namespace."""
    namespace, _, local = name.rpartition(" ")
    return f"relationships {local}" if namespace.endswith("relationships") else local


def _content(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with closing(archive.open(name)) as part:
        return part.read(most)
