"""PDFs made for tests: pages with little on them, packets of such pages, damaged and locked files."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf

from handlers.child.loop import ChildRefusal
from handlers.pdf.source import SourcePdf, without_password
from receiver.core.errors import Uncuttable
from receiver.ports import OpenPdf


class NearCutter:
    """Cuts with the product's own code, but in this process: starting a child for each packet takes a test's time."""

    async def count(self, path: Path) -> int:
        async with self.opened(path) as pages:
            return pages.count

    @asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        try:
            source = SourcePdf(path)
        except ChildRefusal as error:
            raise Uncuttable(f"the packet cannot be cut: {error}") from error
        with closing(source):
            yield _NearPages(source)

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        try:
            without_password(path, password, to)
        except ChildRefusal as error:
            raise Uncuttable(f"the file cannot be unlocked: {error}") from error


class _NearPages:
    def __init__(self, source: SourcePdf) -> None:
        self._source = source

    @property
    def count(self) -> int:
        return self._source.count

    @property
    def files(self) -> Sequence[str]:
        return self._source.files()

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        return tuple(page for page in pages if self._source.is_blank(page))

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        self._source.cut(pages, to)


Draw = dict[str, Any]
"""What a page shows, as ``a_page`` takes it."""


def a_page(
    text: str,
    *,
    rotate: int = 0,
    crop: tuple[int, int, int, int] | None = None,
    link: str = "",
    aim: int | None = None,
    hidden: str = "",
    rule: bool = False,
) -> Draw:
    """A page: its text, how it lies, a link to an address or (``aim``) to a page, a hidden layer, a ruled line."""
    return {"text": text, "rotate": rotate, "crop": crop, "link": link, "aim": aim, "hidden": hidden, "rule": rule}


def a_packet(folder: Path, *pages: Draw, name: str = "packet.pdf") -> Path:
    """These pages in one PDF."""
    path = folder / name
    path.write_bytes(packet_bytes(*pages))
    return path


def packet_bytes(*pages: Draw) -> bytes:
    """The same as bytes."""
    with pikepdf.new() as made:
        font = made.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        for drawn in pages:
            _add(made, drawn, font)
        for place, drawn in enumerate(pages):
            if drawn["aim"] is not None:
                target = pikepdf.Array([made.pages[drawn["aim"]].obj, pikepdf.Name.Fit])
                _annotate(made, place, pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=target))
        buffer = BytesIO()
        made.save(buffer, static_id=True)
    return buffer.getvalue()


def _add(made: pikepdf.Pdf, drawn: Draw, font: pikepdf.Object) -> None:
    page = made.add_blank_page(page_size=(595, 842))
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    content = f"BT /F1 12 Tf 72 600 Td ({drawn['text']}) Tj ET"
    if drawn["rule"]:
        content += " 2 w 100 400 m 500 400 l S"
    if drawn["hidden"]:
        layer = made.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=pikepdf.String("hidden")))
        page.Resources.Properties = pikepdf.Dictionary(L1=layer)
        made.Root.OCProperties = pikepdf.Dictionary(
            OCGs=pikepdf.Array([layer]),
            D=pikepdf.Dictionary(OFF=pikepdf.Array([layer]), Order=pikepdf.Array([layer])),
        )
        content += f" /OC /L1 BDC BT /F1 40 Tf 72 300 Td ({drawn['hidden']}) Tj ET EMC"
    page.Contents = made.make_stream(content.encode())
    if drawn["rotate"]:
        page.rotate(drawn["rotate"], relative=False)
    if drawn["crop"]:
        page.cropbox = pikepdf.Array(list(drawn["crop"]))
    if drawn["link"]:
        action = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String(drawn["link"]))
        _annotate(made, len(made.pages) - 1, action)


def _annotate(made: pikepdf.Pdf, place: int, action: pikepdf.Object) -> None:
    annotation = made.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Link,
            Rect=pikepdf.Array([72, 590, 200, 620]),
            Border=pikepdf.Array([0, 0, 0]),
            A=action,
        )
    )
    made.pages[place].Annots = pikepdf.Array([annotation])


def with_file(whole: bytes, name: str) -> bytes:
    """The PDF with a file embedded in it, as an e-invoice has its XML."""
    buffer = BytesIO()
    with pikepdf.open(BytesIO(whole)) as made:
        made.attachments[name] = b"<xml/>"
        made.save(buffer, static_id=True)
    return buffer.getvalue()


def locked(*, user: str = "open", owner: str = "own") -> bytes:
    """A page behind a password."""
    buffer = BytesIO()
    with pikepdf.open(BytesIO(packet_bytes(a_page("locked")))) as made:
        made.save(buffer, encryption=pikepdf.Encryption(user=user, owner=owner))
    return buffer.getvalue()


def damaged(whole: bytes, how: str) -> bytes:
    """The file as a bad line or a bad program leaves it."""
    if how == "truncated":
        return whole[: whole.rindex(b"\nxref\n") + 40]
    if how == "no-xref":
        return whole[: whole.rindex(b"startxref")].replace(b"\nxref\n", b"\nxxxx\n")
    return b"junk before the header\n" * 5 + whole
