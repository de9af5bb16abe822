"""Text comes out of files page by page, or one clear sentence says why not."""

import threading
from pathlib import Path

import pytest

from llamacloud_sandbox.reading import Unreadable
from support.pdf_fixtures import a_pdf
from support.reading import read


def test_a_pdf_gives_its_text_page_by_page(tmp_path: Path) -> None:
    reading = read(a_pdf(tmp_path, "first page", "second page"))
    assert [(page.number, page.text) for page in reading.pages] == [(1, "first page"), (2, "second page")]


def test_only_the_wanted_pages_are_read_in_the_order_written(tmp_path: Path) -> None:
    path = a_pdf(tmp_path, "one", "two", "three", "four")
    assert [page.number for page in read(path, pages=[4, 2, 9]).pages] == [4, 2]
    assert [page.number for page in read(path, max_pages=3).pages] == [1, 2, 3]


def test_a_page_without_text_is_an_empty_page_not_an_error(tmp_path: Path) -> None:
    assert [page.text for page in read(a_pdf(tmp_path, "", "text")).pages] == ["", "text"]


def test_an_encrypted_pdf_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="encrypted"):
        read(a_pdf(tmp_path, "secret", password="open sesame"))


def test_a_damaged_pdf_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing of it is left")
    with pytest.raises(Unreadable, match="damaged"):
        read(path)


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    path = a_pdf(tmp_path, *(f"page {number}" for number in range(20)))
    read_pages: list[int] = []

    def work() -> None:
        read_pages.extend(len(read(path).pages) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_pages == [20] * 30
