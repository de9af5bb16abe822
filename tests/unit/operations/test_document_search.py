"""A document is found by its name, a prefix of its id or its job; when several fit, a person chooses."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.operations.document_search import AT_MOST
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


def routed(app: InMemoryApp, name: str, content: bytes) -> Document:
    return asyncio.run(app.routed("invoice", name=name, content=b"%PDF-1.7 " + content))


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    app = InMemoryApp(tmp_path)
    with terminal(app, TABLE, monkeypatch):
        yield app


@pytest.fixture
def invoice(app: InMemoryApp) -> Document:
    routed(app, "other.pdf", b"other")
    return routed(app, "Invoice 7.pdf", b"7")


def test_one_document_is_shown_by_each_of_its_names(invoice: Document) -> None:
    prefix = invoice.id[:12]
    for word in (invoice.id, prefix, prefix.removeprefix("doc_"), invoice.job_id, "'Invoice 7.pdf'", "'invoice 7.PDF'"):
        result = run(f"mailroom documents {word} --json")
        assert result.exit_code == 0, word
        assert json.loads(result.stdout)["document_id"] == invoice.id, word


def test_of_several_that_fit_none_is_chosen(app: InMemoryApp) -> None:
    same = {routed(app, "scan.pdf", b"%d" % n).id for n in range(3)}
    result = run("mailroom documents scan.pdf")
    assert result.exit_code == 2
    assert all(item in result.stdout for item in same)
    assert "'scan.pdf' names several documents (3 documents): give the id of one" in result.stderr
    listed = run("mailroom documents scan.pdf --json")
    assert (listed.exit_code, {item["document_id"] for item in json.loads(listed.stdout)["documents"]}) == (2, same)


def test_more_than_a_person_would_read_are_cut_off_and_it_says_so(app: InMemoryApp) -> None:
    for n in range(AT_MOST + 1):
        routed(app, "scan.pdf", b"%d" % n)
    result = run("mailroom documents doc_ --json")
    assert len(json.loads(result.stdout)["documents"]) == AT_MOST
    assert f"the newest {AT_MOST} that fit" in result.stderr


@pytest.mark.parametrize("word", ["nothing.pdf", "Invoice", "doc_nope", "%", "a\nb"])
def test_what_fits_no_document_is_named(invoice: Document, word: str) -> None:
    result = run("mailroom documents WORD", WORD=word)
    assert isinstance(result.exception, NotFound)
    assert word in str(result.exception)
