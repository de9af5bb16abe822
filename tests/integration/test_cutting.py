"""Pieces equal their pages in the packet, in text and picture, and hold nothing of the neighbours."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from handlers.child.process import Children
from handlers.pdf.child_cutter import ChildCutter
from handlers.pdf.source import SourcePdf
from receiver.core.errors import Uncuttable
from tests.pdf_fixtures import a_packet, a_page, damaged, locked

SAMPLES = Path(__file__).parents[2] / "samples"
MORNING = SAMPLES / "packets" / "morning-mail.pdf"
SCANNED = SAMPLES / "packets" / "scanned-mail.pdf"
FORM = SAMPLES / "form-household-claim.pdf"

pytestmark = pytest.mark.anyio


def truth(packet: Path) -> list[tuple[int, ...]]:
    """The pages of each piece, as whoever made the packet wrote them down."""
    return [tuple(item["pages"]) for item in json.loads(packet.with_suffix(".json").read_text())["pieces"]]


def shown(path: Path) -> list[tuple[str, str]]:
    """Text and picture of each page."""
    with pypdfium2.PdfDocument(path) as document:
        return [_shown(document[at]) for at in range(len(document))]


def _shown(page: Any) -> tuple[str, str]:
    picture = page.render(scale=1.5, draw_annots=True).to_pil()
    return page.get_textpage().get_text_range(), hashlib.sha256(picture.tobytes()).hexdigest()


async def cut(packet: Path, pieces: list[tuple[int, ...]], into: Path) -> list[Path]:
    made = []
    async with ChildCutter(Children()).opened(packet) as pages:
        for number, piece in enumerate(pieces):
            made.append(into / f"{number}.pdf")
            await pages.cut(piece, made[-1])
    return made


@pytest.mark.parametrize("packet", [MORNING, SCANNED], ids=["text", "scan"])
async def test_each_piece_shows_what_its_pages_show_in_the_packet(packet: Path, tmp_path: Path) -> None:
    whole = shown(packet)
    pieces = truth(packet)
    for pages, path in zip(pieces, await cut(packet, pieces, tmp_path), strict=True):
        assert shown(path) == [whole[page - 1] for page in pages]


async def test_the_same_pages_are_the_same_bytes(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in await cut(MORNING, truth(MORNING), tmp_path)]
    again = [path.read_bytes() for path in await cut(MORNING, truth(MORNING), tmp_path)]
    assert first == again


async def test_rotation_boxes_and_links_survive(tmp_path: Path) -> None:
    packet = a_packet(
        tmp_path,
        a_page("one"),
        a_page("two", rotate=90, crop=(10, 20, 300, 400), link="https://example.com"),
        a_page("3"),
    )
    (path,) = await cut(packet, [(2,)], tmp_path)
    with pikepdf.open(path) as piece:
        page = piece.pages[0]
        assert int(page.Rotate) == 90
        assert [int(side) for side in page.cropbox] == [10, 20, 300, 400]
        assert str(page.Annots[0].A.URI) == "https://example.com"
    assert shown(path) == [shown(packet)[1]]


async def test_form_fields_stay_fields_with_their_values(tmp_path: Path) -> None:
    with pikepdf.open(FORM) as form:
        before = {field.fully_qualified_name: field.value_as_string for field in form.acroform.fields}
    (path,) = await cut(FORM, [(1,)], tmp_path)
    with pikepdf.open(path) as piece:
        after = {field.fully_qualified_name: field.value_as_string for field in piece.acroform.fields}
    assert before
    assert after == before


async def test_layers_that_are_switched_off_stay_off(tmp_path: Path) -> None:
    packet = a_packet(tmp_path, a_page("seen"), a_page("seen too", hidden="not to be seen"))
    (path,) = await cut(packet, [(2,)], tmp_path)
    assert shown(path)[0][1] == shown(packet)[1][1]


async def test_nothing_of_the_neighbours_comes_along(tmp_path: Path) -> None:
    packet = a_packet(tmp_path, a_page("SECRET-ONE", aim=1), a_page("mine", aim=0), a_page("SECRET-THREE"))
    (path,) = await cut(packet, [(2,)], tmp_path)
    with pikepdf.open(path) as piece:
        streams = b"".join(each.read_bytes() for each in piece.objects if isinstance(each, pikepdf.Stream))
        assert len([each for each in piece.objects if _is_page(each)]) == 1
    assert b"mine" in streams
    assert b"SECRET" not in streams


def _is_page(thing: object) -> bool:
    return isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/Page"


@pytest.mark.parametrize("how", ["truncated", "no-xref", "junk-before"])
async def test_a_damaged_packet_is_repaired(how: str, tmp_path: Path) -> None:
    packet = tmp_path / "damaged.pdf"
    packet.write_bytes(damaged(MORNING.read_bytes(), how))
    async with ChildCutter(Children()).opened(packet) as pages:
        assert pages.count >= 1
        await pages.cut([1], tmp_path / "piece.pdf")
    assert shown(tmp_path / "piece.pdf") == shown(MORNING)[:1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (locked(), "locked with a password"),
        (b"", "cannot be read as a PDF"),
        (b"<html>not a PDF</html>", "cannot be read as a PDF"),
        (b"%PDF-1.7\n" + bytes(1000), "cannot be read as a PDF"),
    ],
    ids=["locked", "empty", "html", "hollow"],
)
async def test_a_hopeless_packet_is_refused_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    packet = tmp_path / "packet.pdf"
    packet.write_bytes(content)
    with pytest.raises(Uncuttable, match=reason):
        async with ChildCutter(Children()).opened(packet):
            pass


async def test_a_packet_that_only_its_owner_may_change_is_cut(tmp_path: Path) -> None:
    packet = tmp_path / "packet.pdf"
    packet.write_bytes(locked(user="", owner="secret"))
    async with ChildCutter(Children()).opened(packet) as pages:
        await pages.cut([1], tmp_path / "piece.pdf")
    assert shown(tmp_path / "piece.pdf") == shown(packet)


async def test_blank_pages_are_told_from_pages_with_little_on_them(tmp_path: Path) -> None:
    packet = a_packet(tmp_path, a_page(""), a_page("This page is left blank"), a_page("", rule=True), a_page(""))
    async with ChildCutter(Children()).opened(packet) as pages:
        assert await pages.blank([1, 2, 3, 4]) == (1, 4)
        assert await pages.blank([]) == ()


async def test_a_separator_sheet_is_blank_and_a_scanned_letter_is_not() -> None:
    async with ChildCutter(Children()).opened(MORNING) as pages:
        assert await pages.blank(range(1, pages.count + 1)) == (5,)
    async with ChildCutter(Children()).opened(SCANNED) as pages:
        blank = await pages.blank(range(1, pages.count + 1))
    told = json.loads(SCANNED.with_suffix(".json").read_text())["pieces"]
    assert list(blank) == [page for item in told if item["category"] == "blank" for page in item["pages"]]


def test_a_packet_that_is_opened_anew_in_between_is_cut_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[tuple[bytes, bool]] = []
    renewed: list[tuple[bytes, bool]] = []
    for copied_at_most, into in ((10**9, whole), (0, renewed)):
        monkeypatch.setattr("handlers.pdf.source.RENEW_BYTES", copied_at_most)
        source = SourcePdf(MORNING)
        for page in range(1, source.count + 1):
            source.cut([page], tmp_path / "piece.pdf")
            into.append(((tmp_path / "piece.pdf").read_bytes(), source.is_blank(page)))
    assert renewed == whole


async def test_a_locked_file_is_opened_by_its_password_and_by_no_other(tmp_path: Path) -> None:
    path, opened = tmp_path / "locked.pdf", tmp_path / "open.pdf"
    path.write_bytes(locked(user="sesame"))
    cutter = ChildCutter(Children())
    with pytest.raises(Uncuttable, match=r"cannot be unlocked: this is not its password"):
        await cutter.unlock(path, "wrong", opened)
    assert not opened.exists()
    await cutter.unlock(path, "sesame", opened)
    with pikepdf.open(opened) as pdf:
        assert not pdf.is_encrypted
    assert [text for text, _ in shown(opened)] == ["locked"]


async def test_a_file_that_is_not_locked_or_no_pdf_is_left_alone(tmp_path: Path) -> None:
    sound, broken = a_packet(tmp_path, a_page("a")), tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 and then nothing")
    for path, why in ((sound, "it is not locked"), (broken, "cannot be read as a PDF")):
        with pytest.raises(Uncuttable, match=why):
            await ChildCutter(Children()).unlock(path, "sesame", tmp_path / "open.pdf")
