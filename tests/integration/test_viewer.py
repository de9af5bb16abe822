"""What a person sees of a file that a stranger sent: a picture within limits, or why there is none."""

import asyncio
import re
import struct
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handlers.child.loop import ChildRefusal
from handlers.child.process import GIB, Child
from handlers.view import __main__ as view
from handlers.view.child_viewer import MB, ChildViewer, viewing_bounds
from handlers.view.page_source import LONGEST_PIXELS, MOST_PIXELS, MOST_SIZES
from receiver.core.document_view import TEXT_CHARS
from receiver.core.errors import NotFound, NotViewable, Transient
from receiver.core.media import PDF
from tests.pdf_fixtures import a_packet, a_page, damaged, locked, packet_bytes

pytestmark = pytest.mark.anyio
SAMPLES = Path(__file__).parents[2] / "samples"


def ask(what: str, path: Path, media_type: str = PDF, **more: Any) -> dict[str, Any]:
    """The child's answer, in this process."""
    return view.answer({"do": what, "path": str(path), "media_type": media_type, **more})


def drawn(path: Path, media_type: str = PDF, *, page: int = 1, width: int = 400) -> Image.Image:
    to = path.with_suffix(".drawn.png")
    assert ask("picture", path, media_type, page=page, width=width, to=str(to)) == {"done": True}
    with Image.open(to) as picture:
        picture.load()
        return picture


def written(folder: Path, content: bytes, name: str = "file.pdf") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def an_image(folder: Path, kind: str, size: tuple[int, int] = (300, 200), **options: Any) -> Path:
    path = folder / f"image.{kind.lower()}"
    Image.new(options.pop("mode", "RGB"), size, options.pop("color", "red")).save(path, kind, **options)
    return path


def with_box(folder: Path, box: list[Any]) -> Path:
    with pikepdf.open(BytesIO(packet_bytes(a_page("a")))) as made:
        made.pages[0].MediaBox = pikepdf.Array(box)
        made.save(folder / "box.pdf")
    return folder / "box.pdf"


def test_each_page_is_drawn_as_it_lies_and_its_text_is_read(tmp_path: Path) -> None:
    path = a_packet(tmp_path, a_page("first"), a_page("second", rotate=90))
    assert ask("pages", path) == {"count": 2, "sizes": [(595.0, 842.0), (842.0, 595.0)]}
    assert drawn(path).size == (400, 567)
    assert drawn(path, page=2).size == (400, 283)
    assert [ask("text", path, page=page)["text"] for page in (1, 2)] == ["first", "second"]
    assert ask("picture", path, page=3, width=100, to="") == {"missing": 2}


@pytest.mark.parametrize("how", ["truncated", "no-xref", "junk"])
def test_a_damaged_pdf_is_repaired_as_well_as_it_can_be(how: str, tmp_path: Path) -> None:
    path = written(tmp_path, damaged(packet_bytes(a_page("still here")), how))
    assert ask("text", path, page=1)["text"] == "still here"
    assert drawn(path).size == (400, 567)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (locked(), "it is locked with a password"),
        (b"%PDF-1.7 and then nothing", "it cannot be read as a PDF, not even repaired"),
        (b"", "it cannot be read as a PDF, not even repaired"),
    ],
    ids=["locked", "hopeless", "empty"],
)
def test_a_pdf_that_cannot_be_opened_says_why(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(ChildRefusal, match=why):
        ask("pages", written(tmp_path, content))


@pytest.mark.parametrize(
    "box", [[0, 0, 1, 2**31], [0, 0, 2**31, 2**31], [0, 0, 200_000, 1], [0, 0, 1e-9, 1e9], [-(2**31), 0, 2**31, 9]]
)
def test_a_page_of_any_size_is_a_picture_within_the_limits_or_none(box: list[float], tmp_path: Path) -> None:
    _refused_or_within(with_box(tmp_path, box))


@settings(max_examples=30)
@given(box=st.lists(st.integers(-(2**40), 2**40) | st.floats(-1e12, 1e12), min_size=0, max_size=5))
def test_whatever_the_size_that_a_page_claims(box: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    _refused_or_within(with_box(tmp_path_factory.mktemp("box"), [round(number, 6) for number in box]))


def _refused_or_within(path: Path) -> None:
    (size,) = ask("pages", path)["sizes"]
    assert all(0 <= side < float("inf") for side in size)
    try:
        picture = drawn(path, width=300)
    except ChildRefusal as refused:
        assert str(refused).startswith("page 1 is damaged")
        return
    assert picture.width * picture.height <= MOST_PIXELS
    assert max(picture.size) <= LONGEST_PIXELS + 1


def test_a_pdf_that_claims_two_thousand_million_pages_costs_no_more_than_its_bytes(tmp_path: Path) -> None:
    content = packet_bytes(a_page("one")).replace(b"/Count 1", b"/Count 2147483647")
    try:
        found = ask("pages", written(tmp_path, content))
    except ChildRefusal:
        return
    assert len(found["sizes"]) <= min(found["count"], MOST_SIZES)


@settings(max_examples=60)
@given(noise=st.binary(max_size=200), place=st.integers(0, 900))
def test_whatever_is_broken_in_a_pdf_it_is_shown_or_refused(
    noise: bytes, place: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = packet_bytes(a_page("one"), a_page("two"))
    path = written(tmp_path_factory.mktemp("noise"), content[:place] + noise + content[place + len(noise) :])
    try:
        assert len(ask("pages", path)["sizes"]) <= MOST_SIZES
        assert len(ask("text", path, page=1).get("text", "")) <= TEXT_CHARS
        drawn(path)
    except ChildRefusal as refused:
        assert re.search("damaged|repaired|locked|no pages", str(refused))


@pytest.mark.parametrize(("kind", "media_type"), [
    ("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("BMP", "image/bmp"), ("WEBP", "image/webp"),
    ("TIFF", "image/tiff"),
])  # fmt: skip
def test_an_image_is_one_page_and_has_no_text(kind: str, media_type: str, tmp_path: Path) -> None:
    path = an_image(tmp_path, kind)
    assert ask("pages", path, media_type) == {"count": 1, "sizes": [(300.0, 200.0)]}
    assert drawn(path, media_type, width=150).size == (150, 100)
    assert drawn(path, media_type, width=2000).size == (300, 200)
    assert ask("text", path, media_type, page=1) == {"text": "", "truncated": False}


def test_a_fax_has_pages_and_a_photo_lies_as_the_camera_was_held(tmp_path: Path) -> None:
    fax = an_image(tmp_path, "TIFF", save_all=True, append_images=[Image.new("1", (100, 400))])
    assert ask("pages", fax, "image/tiff")["sizes"] == [(300.0, 200.0), (100.0, 400.0)]
    assert drawn(fax, "image/tiff", page=2, width=50).size == (50, 200)
    held = Image.Exif()
    held[0x0112] = 6
    photo = an_image(tmp_path, "JPEG", exif=held)
    assert ask("pages", photo, "image/jpeg")["sizes"] == [(200.0, 300.0)]
    assert drawn(photo, "image/jpeg", width=100).size == (100, 150)


def test_what_is_transparent_is_shown_on_white(tmp_path: Path) -> None:
    path = an_image(tmp_path, "PNG", mode="RGBA", color=(0, 0, 0, 0))
    assert drawn(path, "image/png").getpixel((0, 0)) == (255, 255, 255)


def test_an_image_that_claims_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    path = written(tmp_path, content, "bomb.png")
    with pytest.raises(ChildRefusal, match="pixels"):
        drawn(path, "image/png")


@pytest.mark.filterwarnings("ignore")  # Pillow's, about what is broken
@settings(max_examples=40)
@given(cut=st.integers(0, 800), media_type=st.sampled_from(["image/png", "image/tiff", "image/jpeg"]))
def test_a_broken_image_is_shown_or_refused(
    cut: int, media_type: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("image")
    whole = an_image(folder, media_type.partition("/")[2].upper()).read_bytes()
    path = written(folder, whole[:cut], "cut")
    try:
        ask("pages", path, media_type)
        drawn(path, media_type)
    except ChildRefusal as refused:
        assert "damaged" in str(refused)


def test_a_picture_is_small_enough_for_a_response_whatever_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "LARGEST", 100_000)
    noise, to = Image.merge("RGB", [Image.effect_noise((400, 400), 200) for _ in range(3)]), tmp_path / "noise.png"
    view.save_png(noise, to)
    assert to.stat().st_size < 400 * 400 * 1.05
    assert MOST_PIXELS * 1.05 * 4 / 3 < 6_000_000


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        (b"Gr\xfc\xdfe", "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (b"", ""),
    ],
)
def test_a_text_is_read_in_the_charset_that_it_is_in(content: bytes, text: str, tmp_path: Path) -> None:
    assert ask("text", written(tmp_path, content), "text/plain", page=1) == {"text": text, "truncated": False}


def test_html_is_its_words_and_a_long_text_is_cut_off(tmp_path: Path) -> None:
    page = written(tmp_path, b"<p>Pay <b>me</b><script>steal()</script><img src='https://spy.example/1'></p>")
    assert ask("text", page, "text/html", page=1)["text"] == "Pay me"
    long = written(tmp_path, b"a" * (TEXT_CHARS + 1))
    found = ask("text", long, "text/plain", page=1)
    assert (len(found["text"]), found["truncated"]) == (TEXT_CHARS, True)


async def test_a_file_is_opened_by_a_child_and_says_why_it_cannot_be_shown(tmp_path: Path) -> None:
    viewer = ChildViewer()
    path, shut = a_packet(tmp_path, a_page("a")), written(tmp_path, locked(), "locked.pdf")
    picture, refused = await asyncio.gather(
        viewer.picture(path, PDF, 1, 200), viewer.pages(shut, PDF), return_exceptions=True
    )
    assert isinstance(picture, bytes)
    assert Image.open(BytesIO(picture)).size == (200, 284)
    assert isinstance(refused, NotViewable)
    assert str(refused) == "it cannot be shown: it is locked with a password"
    with pytest.raises(NotFound, match="it has 1 pages, and no page 2"):
        await viewer.picture(path, PDF, 2, 200)


async def test_a_file_that_takes_too_much_memory_costs_its_child_alone(tmp_path: Path) -> None:
    viewer = ChildViewer(replace(viewing_bounds(GIB), memory_bytes=96 * MB))
    huge = an_image(tmp_path, "TIFF", (5000, 5000), mode="L", color=9, compression="packbits")
    with pytest.raises(NotViewable, match=r"it cannot be shown: .*memory"):
        await viewer.picture(huge, "image/tiff", 1, 500)
    assert (await viewer.pages(a_packet(tmp_path, a_page("a")), PDF)).count == 1


async def test_a_child_that_dies_is_the_files_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(self: Child, question: dict[str, Any]) -> dict[str, Any]:
        self.process.kill()
        return await asked(self, question)

    asked = Child.ask
    monkeypatch.setattr(Child, "ask", killed)
    with pytest.raises(NotViewable, match="it was killed by SIGKILL"):
        await ChildViewer().pages(a_packet(tmp_path, a_page("a")), PDF)


async def test_only_so_many_questions_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    viewer = ChildViewer()
    viewer._child.waiting = 64
    with pytest.raises(Transient, match="too many pages"):
        await viewer.pages(tmp_path / "any.pdf", PDF)


@pytest.mark.parametrize(("memory", "given"), [(256, 128), (512, 128), (2048, 512), (65536, 1024)])
def test_the_viewer_has_a_quarter_of_the_machines_memory(memory: int, given: int) -> None:
    bounds = viewing_bounds(memory * MB)
    assert (bounds.memory_bytes, bounds.at_once) == (given * MB, 1)
    assert bounds.answer_seconds < 29  # of the function `console`


async def test_the_least_memory_is_enough_for_an_ordinary_page(tmp_path: Path) -> None:
    viewer, sample = ChildViewer(viewing_bounds(256 * MB)), SAMPLES / "bank-statement-may-2026.pdf"
    assert (await viewer.picture(sample, PDF, 1, 2000)).startswith(b"\x89PNG")
