"""A document is found by its name, a prefix of its id or its job; when several fit, a person chooses."""

import asyncio
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.core.change import Insert, Record
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import NotFound
from receiver.core.search import Search, SearchPage
from receiver.operations.document_search import AT_MOST, documents_called
from tests.builders import a_document, a_task, an_event, an_incident
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


def test_a_name_fits_however_its_accents_are_encoded(app: InMemoryApp) -> None:
    stored = routed(app, unicodedata.normalize("NFD", "Été à Ångström.pdf"), b"nfd")
    for word in ("Été à Ångström.pdf", unicodedata.normalize("NFD", "été à ångström.pdf")):
        result = run("mailroom documents WORD --json", WORD=word)
        assert json.loads(result.stdout)["document_id"] == stored.id


def test_a_name_is_found_although_many_newer_ones_contain_it(app: InMemoryApp) -> None:
    oldest = a_document(name="7.pdf", taken_in_at=1.0)
    newer = [a_document(name=f"{n}7.pdf", taken_in_at=2.0 + n) for n in range(600)]
    asyncio.run(app.store.apply(*(Insert(item) for item in (oldest, *newer))))
    assert json.loads(run("mailroom documents 7.pdf --json").stdout)["document_id"] == oldest.id


def test_what_the_index_does_not_hold_yet_is_not_said_to_be_no_document(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def search(search: Search, *, limit: int, cursor: str | None = None) -> SearchPage:
        return SearchPage([], None, 0, True, 0, not_indexed=1234)

    monkeypatch.setattr(app.store, "search", search)
    with pytest.raises(NotFound, match="1,234 documents are not in it yet"):
        asyncio.run(documents_called("old.pdf", app.store))


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


@pytest.mark.parametrize("word", ["nothing.pdf", "doc_nope", "%", "zq\nxv"])
def test_what_fits_no_document_is_named(invoice: Document, word: str) -> None:
    result = run("mailroom documents WORD", WORD=word)
    assert isinstance(result.exception, NotFound)
    assert word in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        "'ice 7.p'",
        "nvoice name:7",
        "--state routed --search '-other'",
        "7.pdf -type:contract --state routed",
        "--search -state:open --batch BATCH",
        "--search 'name:INV -other'",
        "confidence:'>0.5' ice 7.",
    ],
)
def test_anything_else_is_a_search(invoice: Document, words: str) -> None:
    result = run(f"mailroom documents --json {words}", BATCH=invoice.batch_id)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [item["document_id"] for item in told["documents"]] == [invoice.id]
    assert (told["total"], told["total_is_exact"], told["cursor"]) == (1, True, None)


def test_options_hold_together_and_with_words(app: InMemoryApp, invoice: Document) -> None:
    result = run("mailroom documents 7.pdf --state routed --type invoice --since 3650d --json")
    assert [item["document_id"] for item in json.loads(result.stdout)["documents"]] == [invoice.id]
    assert json.loads(run("mailroom documents --state review --type invoice --json").stdout)["documents"] == []
    assert run("mailroom documents --overdue --state open").exit_code == 2


def test_more_rows_are_announced_with_the_way_to_them(app: InMemoryApp) -> None:
    ids = {routed(app, f"{n}.pdf", b"%d" % n).id for n in range(3)}
    result = run("mailroom documents type:invoice --limit 2 --json")
    first = json.loads(result.stdout)
    assert result.stderr.startswith("shown: 2 of 3; for more: --limit, or the next ones: --cursor ")
    rest = run("mailroom documents type:invoice --cursor CURSOR --json", CURSOR=first["cursor"])
    assert rest.stderr == ""
    assert {item["document_id"] for item in first["documents"] + json.loads(rest.stdout)["documents"]} == ids


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("typ:invoice", "did you mean type?"),
        ("type:invoce", "did you mean invoice?"),
        ("x state:reviw", "did you mean review?"),
        ("--cursor nonsense", "the cursor is invalid"),
        ("--search '\"x'", "is not closed"),
    ],
)
def test_a_wrong_search_is_refused_with_what_was_meant(invoice: Document, words: str, said: str) -> None:
    result = run(f"mailroom documents {words}")
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_person_at_a_terminal_picks_one_of_several(app: InMemoryApp) -> None:
    newest = [routed(app, "scan.pdf", b"%d" % n) for n in range(3)][::-1]
    result = run("mailroom documents scan.pdf", answer="2\n")
    assert result.exit_code == 0, result.output
    ids = sorted((item.id for item in newest), reverse=True)
    assert f"scan.pdf  {ids[1]}" in result.stdout
    for answer in ("\n", "4\n", "x\n"):
        assert run("mailroom documents scan.pdf", answer=answer).exit_code == 2


@pytest.mark.parametrize("command", ["events", "tasks", "review", "documents --overdue", "alerts list"])
def test_each_list_says_when_there_are_more_rows(app: InMemoryApp, command: str) -> None:
    late = [a_document(id=f"late-{n}", deadline=1.0) for n in range(2)]
    review = [a_document(id=f"held-{n}", state=DocumentState.REVIEW, step=Step.SETTLED) for n in range(2)]
    records: list[Record] = [an_incident(), an_incident(), *late, *review, an_event(), an_event(), a_task(), a_task()]
    asyncio.run(app.store.apply(*(Insert(item) for item in records)))
    result = run(f"mailroom {command} --limit 1")
    assert (result.exit_code, result.stderr) == (0, "shown: 1; there are more: --limit\n")
    assert run(f"mailroom {command} --limit 2").stderr == ""
