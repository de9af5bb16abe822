"""An open packet: its page count, its embedded files, and its pieces."""

import shutil
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from handlers.child.loop import ChildRefusal
from handlers.pdf.blank_page import shows_nothing
from handlers.pdf.file import opened_pdf, plain_error
from handlers.pdf.landmarks import DIRECT, Place, annotations, inherited, name_tree
from handlers.pdf.piece import PieceWriter

RENEW_BYTES = 24 * 1024 * 1024
"""How much is copied from a packet before it is reopened, which takes some hundredths of a second."""
FILES_NAMED = 100
"""Maximum embedded files named on a packet's record; a portfolio may have thousands."""
LONGEST_SIDE = 200_000
"""Maximum length or width of a page in points: 70 metres. A larger one is an attack on the renderer."""


class SourcePdf:
    """An open packet. It is reopened from time to time, because pikepdf keeps what was copied from it in memory."""

    def __init__(self, path: Path) -> None:
        """Raises ChildRefusal, with the reason, if it cannot be cut."""
        self.path = path
        self._pdf, self._clean = opened_pdf(path)
        self._cutter = PieceWriter(self._pdf)
        self.count = len(self._pdf.pages)
        self._copied = 0
        for number, page in enumerate(self._pdf.pages, start=1):
            _refuse_size(number, page.obj)

    def files(self) -> list[str]:
        """The names of the embedded files that belong to no page. Only a piece of all pages contains them."""
        names = list(_files(self._pdf))
        return [*names[:FILES_NAMED], *([f"{len(names) - FILES_NAMED} more"] if len(names) > FILES_NAMED else [])]

    def cut(self, pages: Sequence[int], to: Path) -> None:
        """Writes these pages as a separate PDF. All pages together give the packet itself, unchanged."""
        if list(pages) != list(range(1, self.count + 1)):
            if bool(self._pdf.Root.get("/NeedsRendering")):
                raise ChildRefusal("it is an XFA form, which only a viewer renders: its pages do not show its content")
            with to.open("wb") as file:  # given a path, pikepdf would write another file and rename it
                self._cutter.cut(pages, file)
        elif self._clean:
            shutil.copyfile(self.path, to)
        else:
            pdf, _ = opened_pdf(self.path)
            pdf.save(to, deterministic_id=True, fix_metadata_version=False)
        self._renew(to.stat().st_size)

    def is_blank(self, page: int) -> bool:
        """Whether the page is certainly blank."""
        if any(map(_says_something, annotations(self._pdf.pages[page - 1].obj))):
            return False
        alone = BytesIO()
        try:
            self._cutter.cut([page], alone)
        except (ChildRefusal, pikepdf.PikepdfError):
            return False
        self._renew(len(alone.getbuffer()))
        return shows_nothing(alone)

    def close(self) -> None:
        self._pdf.close()

    def _renew(self, copied: int) -> None:
        self._copied += copied
        if self._copied > RENEW_BYTES:
            self._pdf.close()
            self._pdf, _ = opened_pdf(self.path)
            self._cutter, self._copied = PieceWriter(self._pdf), 0


def without_password(path: Path, password: str, to: Path) -> None:
    """Writes the PDF without its password, otherwise unchanged. Raises ChildRefusal."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A password was provided")  # refused below, in our own words
            source = pikepdf.open(path, password=password, access_mode=pikepdf.AccessMode.stream)
        with source:
            if not source.is_encrypted:
                raise ChildRefusal("it is not locked")
            source.save(to, encryption=False)
    except pikepdf.PasswordError as error:
        raise ChildRefusal("this is not its password") from error
    except pikepdf.PikepdfError as error:
        raise ChildRefusal(f"it cannot be read as a PDF: {plain_error(error, path)}") from error


def _says_something(annotation: Dictionary) -> bool:
    """Whether it has content even if it is not drawn: a note, a stamp, a field with a value."""
    kind = annotation.get("/Subtype")
    if kind == Name.Widget:
        value = inherited(annotation, "/V")
        content = str(value).strip() if isinstance(value, String) else value
        return content not in (None, "", Name.Off)
    return kind not in (Name.Link, Name.Popup)


def _refuse_size(number: int, page: Dictionary) -> None:
    for name in ("/MediaBox", "/CropBox"):
        box = inherited(page, name)
        numbers = [float(item) for item in box if _is_number(item)] if isinstance(box, Array) else []
        if len(numbers) == 4:
            longest = max(abs(numbers[2] - numbers[0]), abs(numbers[3] - numbers[1]))
            if longest > LONGEST_SIDE:
                raise ChildRefusal(f"page {number} is {longest:.0f} points long or wide; {LONGEST_SIDE} are allowed")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _files(source: pikepdf.Pdf) -> Iterator[str]:
    names = source.Root.get("/Names")
    tree = names.get("/EmbeddedFiles") if isinstance(names, Dictionary) else None
    listed = [(key, file) for key, file in name_tree(tree) if isinstance(file, Dictionary)]
    listed += [(b"", item) for item in _associated(source.Root)]
    if not listed:
        return
    placed = _on_pages(source)
    for key, file in listed:
        place = file.objgen
        if place == DIRECT or place not in placed:
            placed.add(place)
            yield _name(file) or key.decode("utf-8", "replace")


def _on_pages(source: pikepdf.Pdf) -> set[Place]:
    """The embedded files that belong to a page or to an annotation."""
    pages: list[Any] = [page.obj for page in source.pages]
    notes = [item for page in pages for item in annotations(page)]
    attached = [item.get("/FS") for item in notes if item.get("/Subtype") == Name.FileAttachment]
    found = [file.objgen for owner in (*pages, *notes) for file in _associated(owner)]
    return {*found, *(file.objgen for file in attached if isinstance(file, Dictionary))} - {DIRECT}


def _associated(owner: Any) -> Iterator[Dictionary]:
    files = owner.get("/AF")
    for item in files if isinstance(files, Array) else (files,):
        if isinstance(item, Dictionary):
            yield item


def _name(file: Dictionary) -> str:
    for key in ("/UF", "/F", "/Desc"):
        if isinstance(value := file.get(key), String):
            return str(value)[:200]
    return ""
