"""`mailroom correct` and `mailroom documents` at a terminal: what is decided, what it does, and who said what."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import NotFound
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    app = InMemoryApp(tmp_path)
    with terminal(app, TABLE, monkeypatch):
        yield app


def routed(app: InMemoryApp, name: str = "letter.pdf") -> Document:
    return asyncio.run(app.routed("invoice", 0.93, name=name, content=name.encode()))


def now(app: InMemoryApp, document: Document) -> Document:
    asyncio.run(app.work())
    return asyncio.run(app.document(document.id))


def test_a_routed_document_is_corrected_by_its_name_shown_and_undone(app: InMemoryApp) -> None:
    document = routed(app)
    dry = run("mailroom correct letter.pdf --type contract --dry-run").output
    assert "is delivered to" in dry
    assert "leaves a superseded copy at" in dry
    assert "dry run: nothing was written" in dry
    assert now(app, document) == document
    done = run("mailroom correct letter.pdf --type contract --who ann --why signatures")
    assert (done.exit_code, "ann set the type to contract: signatures" in done.output) == (0, True)
    assert now(app, document).type == "contract"
    shown = run(f"mailroom documents {document.id}").output
    assert "LlamaCloud said invoice 0.93, because it says so" in shown
    assert ": ann set the type to contract, because signatures" in shown
    assert "superseded" in shown
    undone = run(f"mailroom correct {document.id} --undo --who ann")
    assert (undone.exit_code, "stays at" in undone.output) == (0, True)
    assert "undone, back to: type 'invoice' with confidence 0.93" in undone.output
    (noted,) = [item.detail for item in now(app, document).history if "undid" in item.detail]
    assert noted.endswith("; before: routed, contract 1.00, by hand to contract")
    after = now(app, document)
    assert (after.type, after.state) == ("invoice", DocumentState.ROUTED)
    assert run(f"mailroom correct {document.id} --undo").exit_code == 1


def test_many_are_selected_by_what_they_are_and_each_has_its_result(app: InMemoryApp) -> None:
    documents = [routed(app, f"{n}.pdf") for n in range(3)]
    listed = json.loads(
        run("mailroom correct --of-type invoice --in-state routed --to contract --dry-run --json").output
    )
    assert (len(listed["documents"]), listed["dry_run"]) == (3, True)
    done = run("mailroom correct --of-type invoice --since 7d --to contract --json --yes")
    data = json.loads(done.output)
    assert [item["done"] for item in data["documents"]] == [True, True, True]
    for item in documents:
        assert now(app, item).plan.route == "contract"  # type: ignore[union-attr]
    asked = "mailroom correct --search 'name:1.pdf type:invoice' --type invoice --dry-run --json"
    assert [item["name"] for item in json.loads(run(asked).output)["documents"]] == ["1.pdf"]
    mixed = run(f"mailroom correct {documents[0].id} {documents[1].id} --type invoice")
    assert mixed.output.count("✔") == 2
    assert "2 of 2 documents corrected" in mixed.output


@pytest.mark.parametrize(
    ("decision", "asks"),
    [
        ("--type contract", "Set the type of 2 documents to contract?"),
        ("--to contract", "Route 2 documents by contract?"),
        ("--undo", "Undo the last decision about 2 documents?"),
    ],
)
def test_who_decides_about_many_is_asked_for_the_decision_itself(app: InMemoryApp, decision: str, asks: str) -> None:
    before = [routed(app, f"{n}.pdf") for n in range(2)]
    refused = run(f"mailroom correct --of-type invoice {decision}", answer="n\n")
    assert (refused.exit_code, asks in refused.output) == (1, True)
    assert [now(app, item) for item in before] == before


def test_a_dry_run_of_many_counts_what_would_change(app: InMemoryApp) -> None:
    for n in range(2):
        routed(app, f"{n}.pdf")
    waits = asyncio.run(app.submitted())
    dry = run(f"mailroom correct 0.pdf 1.pdf {waits.id} --type contract --dry-run").output
    assert "2 of 3 documents would be corrected" in dry
    assert "dry run: nothing was written" in dry


def test_what_waits_for_a_person_names_the_commands_that_are_possible(app: InMemoryApp) -> None:
    waits = asyncio.run(app.routed("invoice", 0.3, name="waits.pdf"))
    shown = run("mailroom documents waits.pdf").output
    assert f"possible now: mailroom correct {waits.id} --type TYPE" in shown
    assert "mailroom resubmit" not in shown
    run("mailroom correct waits.pdf --type invoice")
    assert now(app, waits).state is DocumentState.ROUTED
    assert "possible now" not in run("mailroom documents waits.pdf").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("letter.pdf", "give one of --type"),
        ("letter.pdf --type contract --undo", "give one of --type"),
        ("--type contract", "give DOCUMENTS"),
        ("letter.pdf --in-state routed --type contract", "give DOCUMENTS"),
        ("letter.pdf --search letter --type contract", "give DOCUMENTS"),
        ("--search typ:x --type contract", "did you mean type?"),
        ("letter.pdf --type contrct", "Did you mean 'contract'?"),
        ("letter.pdf --to invoise", "Did you mean 'invoice'?"),
        ("--in-state open --type contract", "is not one of"),
        ("same.pdf --type contract", "names several documents"),
        (f"letter.pdf --type contract --why {'y' * 1001}", "at most 1000"),
        (f"letter.pdf --type contract --who {'y' * 201}", "at most 200"),
        ("letter.pdf --type contract --who ''", "it is empty: give a name"),
        ("letter.pdf --type contract --who ' '", "it is empty: give a name"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(app: InMemoryApp, arguments: str, says: str) -> None:
    document = routed(app)
    for content in ("one", "two"):
        asyncio.run(app.routed("invoice", name="same.pdf", content=content.encode()))
    result = run(f"mailroom correct {arguments}")
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert now(app, document) == document


def test_an_empty_name_is_no_document_even_where_there_is_only_one(app: InMemoryApp) -> None:
    document = routed(app)
    result = run("mailroom correct '' --type contract --yes")
    assert isinstance(result.exception, NotFound)
    assert now(app, document) == document


def test_an_event_is_shown_with_its_proofs_and_how_it_was_handled(app: InMemoryApp) -> None:
    document = routed(app)
    (event,) = json.loads(run("mailroom events --json").output)["events"]
    shown = run(f"mailroom events {event['event_id']}").output
    assert f"{document.id}, letter.pdf, routed" in shown
    assert "done after 1 attempt" in shown
    data = json.loads(run(f"mailroom events {event['key']} --json").output)
    assert data["envelope"]["data"]["job_id"] == document.job_id
    assert run("mailroom events evt-nobody").exit_code == 1


def test_a_document_that_is_worked_on_is_named_with_the_reason(app: InMemoryApp) -> None:
    waits = asyncio.run(app.submitted())
    result = run(f"mailroom correct {waits.id} --type contract")
    assert (result.exit_code, "LlamaCloud has not returned its result yet" in " ".join(result.output.split())) == (
        1,
        True,
    )
