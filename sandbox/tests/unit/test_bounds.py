"""A file that takes too much, or that crashes what reads it, is one unreadable document."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamacloud_sandbox.bounded import BoundedJudge
from llamacloud_sandbox.child import DAMAGED, PAGE_CHARACTERS
from llamacloud_sandbox.children import Bounds, Children
from llamacloud_sandbox.formats import ocr
from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.reader import Reader
from llamacloud_sandbox.reading import Page, Reading, Unreadable
from llamacloud_sandbox.segment import Strategy
from support import bombs
from support.pdf_fixtures import a_pdf, a_reading
from support.reading import children, read

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RULES = (Rule("invoice", "an invoice with a total amount due"), Rule("contract", "a legal agreement"))


@contextmanager
def reading_within(bounds: Bounds) -> Iterator[Callable[[Path], Reading]]:
    """The reader within these bounds, with children of its own."""
    with closing(Children(bounds)) as mine:
        yield lambda path: Reader(mine).read(path, "x", "0")


def a_file(folder: Path, content: bytes) -> Path:
    path = folder / "bomb"
    path.write_bytes(content)
    return path


def test_a_page_of_forms_within_forms_takes_no_more_processor_time_than_it_may(tmp_path: Path) -> None:
    bomb = a_file(tmp_path, bombs.nested_forms())
    refusal = r"could not be read: that takes more than 0\.3 seconds of processor time"
    with reading_within(Bounds(processor_seconds=0.3)) as read, pytest.raises(Unreadable, match=refusal):
        read(bomb)


def test_a_page_of_forms_within_forms_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    bomb, letter = a_file(tmp_path, bombs.nested_forms()), a_pdf(tmp_path, "a letter")
    with reading_within(Bounds(memory_bytes=80 * 1024**2)) as read:
        with pytest.raises(Unreadable, match=r"could not be read.* more than 80 MB"):
            read(bomb)
        assert read(letter).pages[0].text == "a letter"


def test_a_text_that_needs_more_memory_than_it_may_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = a_file(tmp_path, b"word " * 10_000_000)
    bounds = Bounds(memory_bytes=64 * 1024**2)
    with reading_within(bounds) as read, pytest.raises(Unreadable, match="takes more than 64 MB of memory"):
        read(text)


def test_whatever_a_parser_raises_is_in_the_log_and_costs_no_child_even_if_the_log_is_a_file(tmp_path: Path) -> None:
    bomb, letter = a_file(tmp_path, bombs.a_panic()), a_pdf(tmp_path, "a letter")
    program = (
        "import sys; from pathlib import Path\n"
        "from llamacloud_sandbox.children import Children; from llamacloud_sandbox.unreadable import Unreadable\n"
        "asks = Children()\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(asks.ask('read', path=name, pages=None, max_pages=None)['pages'], len(asks._all))\n"
        "    except Unreadable as error: print(error, len(asks._all))\n"
        "asks.close()\n"
    )
    with (tmp_path / "log").open("w") as log:
        done = subprocess.run(
            [sys.executable, "-c", program, bomb, letter], stdout=-1, stderr=log, text=True, check=True
        )
    assert done.stdout == f"{DAMAGED} 1\n[[1, 'a letter']] 1\n"
    assert "PanicException" in (tmp_path / "log").read_text()


def test_what_never_ends_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless")
    with (
        reading_within(Bounds(wall_seconds=0.2)) as read,
        pytest.raises(Unreadable, match=r"takes more than 0\.2 seconds"),
    ):
        read(tmp_path / "endless")


@pytest.mark.parametrize("height", [14_400, 2**31 - 1, 2**31, 2**63, 10**30])
def test_a_page_of_any_size_gives_its_text(tmp_path: Path, height: int) -> None:
    (page,) = read(a_file(tmp_path, bombs.a_page_of_size(612, height))).pages
    assert page.text == "Invoice number 4711"


@pytest.mark.skipif(not ocr.installed(), reason="tesseract is not installed")
@pytest.mark.parametrize("height", [2**31, 10**30])
def test_an_enormous_page_without_text_is_drawn_smaller_or_refused(tmp_path: Path, height: int) -> None:
    path = a_file(tmp_path, bombs.a_page_of_size(612, height, text=""))
    with pytest.raises(Unreadable, match="too large to be drawn"):
        read(path, ocr=True)


@pytest.mark.parametrize("loop", [bombs.an_xref_loop, bombs.a_page_tree_loop])
def test_a_pdf_that_refers_to_itself_comes_to_an_end(tmp_path: Path, loop: Callable[[], bytes]) -> None:
    try:
        assert all(page.text == "" for page in read(a_file(tmp_path, loop())).pages)
    except Unreadable as unreadable:
        assert "damaged" in str(unreadable)


def test_an_office_document_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    begin, end = f"<w:document {W}><w:body><w:p><w:r><w:t>", "</w:t></w:r></w:p></w:body></w:document>"
    bomb = bombs.a_zip_bomb("word/document.xml", begin=begin, fill="aaaaaaaa", end=end, size=51 * 1024**2)
    assert len(bomb) < 300_000
    with pytest.raises(Unreadable, match="too large"):
        read(a_file(tmp_path, bomb))


def test_a_tag_that_does_not_end_is_read_once_and_not_anew_with_each_piece(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "long", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f'<w:document {W} note="{"x" * 24_000_000}"><w:t>Hello</w:t></w:document>'
        )
    with reading_within(Bounds(processor_seconds=4)) as read:
        assert read(tmp_path / "long").pages[0].text == "Hello"


def test_a_spreadsheet_that_unpacks_to_too_much_costs_no_more_than_it_may(tmp_path: Path) -> None:
    bomb = a_file(tmp_path, bombs.a_workbook_bomb(24 * 1024**2))
    bounds = Bounds(memory_bytes=64 * 1024**2, processor_seconds=2)
    with reading_within(bounds) as read, pytest.raises(Unreadable, match="could not be read"):
        read(bomb)


def test_more_text_than_the_judge_takes_is_refused_and_a_page_gives_no_more_than_at_llamacloud(tmp_path: Path) -> None:
    path = a_file(tmp_path, b"word " * 40_000)
    assert len(read(path).pages[0].text) in range(PAGE_CHARACTERS - 5, PAGE_CHARACTERS + 1)
    bounds = Bounds(text_characters=1_000)
    with reading_within(bounds) as read_little, pytest.raises(Unreadable, match="more than 1,000 characters"):
        read_little(path)


def test_a_file_that_is_gone_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


def test_a_text_that_keeps_the_judge_busy_is_given_up() -> None:
    empty_lines = Reading("x", "0", (Page(1, "INVOICE" + "\n" * 60_000 + "end"),) * 2)  # a reader would take them out
    refusal = r"more than 0\.5 seconds of processor time"
    with closing(Children(Bounds(processor_seconds=0.5))) as mine, pytest.raises(Unreadable, match=refusal):
        BoundedJudge(mine).classify(empty_lines, RULES)


def test_a_page_of_the_same_letters_is_soon_judged() -> None:
    with closing(Children(Bounds(processor_seconds=10))) as mine:  # a page; some took 25 seconds
        for letters in ("1", "A", "111,111,", "A<", "a'", ". "):
            page = Page(1, letters * (PAGE_CHARACTERS // len(letters)))
            BoundedJudge(mine).classify(Reading("x", "0", (page,)), RULES)


def test_many_empty_lines_are_read_as_few(tmp_path: Path) -> None:
    (page,) = read(a_file(tmp_path, b"INVOICE" + b"\n \n" * 10_000 + b"end")).pages
    assert page.text == "INVOICE\n\n\nend"


def test_in_a_child_the_judge_says_the_same() -> None:
    reading = a_reading("INVOICE 12\nInvoice number 12\ntotal amount due 7 EUR", "AGREEMENT between the parties")
    assert BoundedJudge(children()).classify(reading, RULES) == LexicalJudge().classify(reading, RULES)
    split = BoundedJudge(children()).split(reading, RULES, Strategy(uncategorized="forbid"))
    assert split == LexicalJudge().split(reading, RULES, Strategy(uncategorized="forbid"))


BEGINNINGS = (
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"{\\rtf1",
    b"<html>",
    b"From: a\n",
    b"",
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_any_bytes_give_pages_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, beginning: bytes, rest: bytes
) -> None:
    path = a_file(tmp_path_factory.getbasetemp(), beginning + rest)
    try:
        pages = read(path).pages
    except Unreadable as unreadable:
        assert str(unreadable).endswith(".")
    else:
        assert all(isinstance(page.text, str) for page in pages)
