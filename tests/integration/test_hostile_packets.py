"""Packets that are damaged, or made to hurt: cut, or refused at once with the reason; no child dies of them."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from handlers.child.process import GIB, Bounds, Children
from handlers.pdf.child_cutter import ChildCutter
from receiver.core.errors import ReaderDied, Uncuttable
from tests.pdf_fixtures import a_page, packet_bytes, with_file

pytestmark = pytest.mark.anyio

CUTTER = ChildCutter(Children(Bounds(memory_bytes=GIB // 4, at_once=2)))


async def cut(content: bytes, folder: Path, pages: list[int]) -> bytes:
    (folder / "packet.pdf").write_bytes(content)
    async with CUTTER.opened(folder / "packet.pdf") as opened:
        await opened.blank(range(1, opened.count + 1))
        await opened.cut(pages, folder / "piece.pdf")
    return (folder / "piece.pdf").read_bytes()


async def refused(content: bytes, folder: Path, pages: list[int] | None = None) -> str:
    with pytest.raises(Uncuttable) as raised:
        await cut(content, folder, pages or [1])
    return str(raised.value)


def changed(content: bytes, change: Any) -> bytes:
    """The packet after this was done to it."""
    buffer = BytesIO()
    with pikepdf.open(BytesIO(content)) as pdf:
        change(pdf)
        pdf.save(buffer, static_id=True)
    return buffer.getvalue()


TWO = packet_bytes(a_page("one"), a_page("two"))
WRITTEN = """%PDF-1.7
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
{objects}
trailer << /Root 1 0 R /Size 99 >>
"""


async def test_what_the_packet_says_of_itself_may_stand_anywhere(tmp_path: Path) -> None:
    """As indirect objects: a string once could not be copied, and the packet was tried for 16 hours."""

    def apart(pdf: pikepdf.Pdf) -> None:
        layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("layer")))
        pdf.pages[0].obj.Resources.Properties = Dictionary(L=layer)
        pdf.pages[0].obj.Contents = pdf.make_stream(b"/OC /L BDC 0 0 9 9 re f EMC")
        shown = pdf.make_indirect(Dictionary(OFF=pdf.make_indirect(Array([layer]))))
        listed = pdf.make_indirect(Array([layer]))
        pdf.Root.OCProperties = pdf.make_indirect(Dictionary(OCGs=listed, D=shown))
        pdf.Root.OutputIntents = pdf.make_indirect(Array([pdf.make_indirect(Dictionary(S=Name.GTS_PDFA1))]))
        pdf.Root.Lang = pdf.make_indirect(String("en-GB"))
        pdf.Root.ViewerPreferences = pdf.make_indirect(Dictionary(Direction=pdf.make_indirect(Name.R2L)))

    piece = await cut(changed(TWO, apart), tmp_path, [1])
    with pikepdf.open(BytesIO(piece)) as pdf:
        assert str(pdf.Root.Lang) == "en-GB"
        assert pdf.Root.OutputIntents[0].S == Name.GTS_PDFA1
        assert pdf.Root.ViewerPreferences.Direction == Name.R2L
        assert pdf.Root.OCProperties.D.OFF[0].objgen == pdf.pages[0].obj.Resources.Properties.L.objgen


@pytest.mark.parametrize(
    "box",
    [[0, 0, -595, -842], [595, 842, 0, 0], [0, 0, 0, 0], [0, 0, 595], "/none", [0, 0, "/a", 842], None],
    ids=str,
)
async def test_a_page_with_a_strange_box_is_cut(box: Any, tmp_path: Path) -> None:
    def strange(pdf: pikepdf.Pdf) -> None:
        if box is None:
            del pdf.pages[0].obj.MediaBox
        elif isinstance(box, str):
            pdf.pages[0].obj.MediaBox = Name(box)
        else:
            pdf.pages[0].obj.MediaBox = Array([Name(item) if isinstance(item, str) else item for item in box])
        pdf.pages[0].obj.UserUnit = 75_000

    assert await cut(changed(TWO, strange), tmp_path, [1])


@pytest.mark.parametrize("box", [[0, 0, 595, 2147483600], [0, 0, 10**15, 1], [-1e9, 0, 1e9, 1]], ids=str)
@pytest.mark.parametrize("where", ["page", "above"])
async def test_a_page_of_many_kilometres_is_refused(box: list[float], where: str, tmp_path: Path) -> None:
    def giant(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[1].obj.MediaBox
        (pdf.pages[1].obj if where == "page" else pdf.Root.Pages).MediaBox = Array(box)

    assert "page 2 is" in await refused(changed(TWO, giant), tmp_path)


TREES = {
    "a loop": "2 0 obj\n<< /Type /Pages /Count 9 /Kids [2 0 R] >>\nendobj",
    "a loop below": "2 0 obj\n<< /Type /Pages /Count 9 /Kids [3 0 R] >>\nendobj\n"
    "3 0 obj\n<< /Type /Pages /Count 9 /Kids [2 0 R] /Parent 2 0 R >>\nendobj",
    "one without end": "".join(
        f"{number} 0 obj\n<< /Type /Pages /Count 2 /Kids [{number + 1} 0 R {number + 1} 0 R] >>\nendobj\n"
        for number in range(2, 60)
    ),
    "none": "2 0 obj\n<< /Type /Pages /Count 2 /Kids [] >>\nendobj",
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
async def test_a_page_tree_that_does_not_end_is_refused(tree: str, tmp_path: Path) -> None:
    assert await refused(WRITTEN.format(objects=tree).encode(), tmp_path)


async def test_a_content_whose_length_is_no_number_is_cut(tmp_path: Path) -> None:
    pages = "\n".join(
        f"{number} 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R >>\nendobj"
        for number in (3, 4)
    )
    tree = "2 0 obj\n<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>\nendobj"
    content = "5 0 obj\n<< /Length 2 0 R >>\nstream\n0 0 9 9 re f\nendstream\nendobj"
    assert await cut(WRITTEN.format(objects=f"{tree}\n{pages}\n{content}").encode(), tmp_path, [2])


async def test_a_page_that_is_listed_twice_is_two_pages(tmp_path: Path) -> None:
    def twice(pdf: pikepdf.Pdf) -> None:
        pdf.Root.Pages.Kids = Array([pdf.pages[0].obj, pdf.pages[0].obj])

    assert await cut(changed(TWO, twice), tmp_path, [2])


def shared(pdf: pikepdf.Pdf) -> None:
    """Both pages have the same resources, with a picture."""
    picture = pdf.make_stream(
        b"x" * 64, Type=Name.XObject, Subtype=Name.Image, Width=8, Height=8, BitsPerComponent=8,
        ColorSpace=Name.DeviceGray,
    )  # fmt: skip
    resources = pdf.make_indirect(Dictionary(XObject=Dictionary(Im=picture), Font=pdf.pages[0].obj.Resources.Font))
    for page in pdf.pages:
        page.obj.Resources = resources


def undecodable(pdf: pikepdf.Pdf) -> None:
    whole = zlib.compress(b"/Im Do " * 9999)
    pdf.pages[0].obj.Contents.write(whole[:20] + b"\xff" * 40, filter=Name.FlateDecode)


async def test_a_page_that_cannot_be_decoded_and_shares_is_refused(tmp_path: Path) -> None:
    both = changed(changed(TWO, shared), undecodable)
    assert "page 1 cannot be decoded" in await refused(both, tmp_path, [1])
    assert await cut(both, tmp_path, [2])


async def test_a_page_that_cannot_be_decoded_and_shares_only_fonts_keeps_all_it_has(tmp_path: Path) -> None:
    assert await cut(changed(TWO, undecodable), tmp_path, [1])


async def test_a_form_made_anew_by_a_viewer_is_not_taken_apart(tmp_path: Path) -> None:
    """Dynamic XFA: its pages say that one must wait, and the letter is elsewhere."""

    def dynamic(pdf: pikepdf.Pdf) -> None:
        pdf.Root.NeedsRendering = True
        pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp/>"))

    assert "XFA" in await refused(changed(TWO, dynamic), tmp_path)


async def test_content_that_unpacks_to_more_than_memory_kills_its_child_alone(tmp_path: Path) -> None:
    def bomb(pdf: pikepdf.Pdf) -> None:
        packed = zlib.compressobj(9)
        content = b"".join(packed.compress(bytes(32 * 1024 * 1024)) for _ in range(10)) + packed.flush()
        pdf.pages[0].obj.Contents.write(content, filter=Name.FlateDecode)

    with pytest.raises(ReaderDied, match=r"it needs more than 256 MB of memory|killed"):
        await cut(changed(TWO, bomb), tmp_path, [1])


async def test_files_of_the_packet_are_told_from_those_of_a_page(tmp_path: Path) -> None:
    def on_page(pdf: pikepdf.Pdf) -> None:
        file = pdf.Root.Names.EmbeddedFiles.Names[1]
        pdf.pages[0].obj.AF = Array([file])

    packet = with_file(changed(with_file(TWO, "page.xml"), on_page), "packet.xml")
    (tmp_path / "packet.pdf").write_bytes(packet)
    async with CUTTER.opened(tmp_path / "packet.pdf") as pages:
        assert pages.files == ["packet.xml"]


async def test_all_pages_are_the_packet_itself(tmp_path: Path) -> None:
    packet = with_file(TWO, "factur-x.xml")
    assert await cut(packet, tmp_path, [1, 2]) == packet
