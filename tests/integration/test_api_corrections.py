"""The operator's API puts documents right: preview, decide, undo, many at once, and what helps one that failed."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from receiver.bootstrap import App
from receiver.core.document import DocumentState
from receiver.core.job import JobStatus
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import a_page, locked, packet_bytes
from tests.receivers import ADMIN_TOKEN, operator_of, settings_with
from tests.unit.alerting.test_alert import fail

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)


@pytest.fixture
async def client(app: InMemoryApp) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_with(max_upload=50_000)
    async with operator_of(App(settings=settings, context=app.context, receiver=None)) as client:
        client.headers.update({"Authorization": f"Bearer {ADMIN_TOKEN}"})
        yield client


async def test_a_routed_document_is_previewed_corrected_and_put_back(
    app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    document = await app.routed("invoice", 0.93)
    path = f"/documents/{document.id}"
    assert (await client.get(path)).json()["actions"] == ["route"]
    word = {"type": "contract", "who": "ann", "why": "it has signatures"}
    unnamed = await client.post(f"{path}/route", params={"preview": "true"}, json=word | {"who": " "})
    assert unnamed.json()["reason"].startswith("operator set the type"), "a blank is nobody's name"
    assert (await client.post(f"{path}/verify", json={"restore": True, "who": 1})).status_code == 400
    preview = (await client.post(f"{path}/route", params={"preview": "true"}, json=word)).json()
    assert [item["effect"] for item in preview["effects"]] == ["deliver", "withdraw", "supersede"]
    assert (preview["type"], preview["version"], preview["before"]) == (
        "contract", document.version, "routed, invoice 0.93, matched invoice",
    )  # fmt: skip
    assert await app.document(document.id) == document
    answer = await client.post(f"{path}/route", json=word | {"version": preview["version"]})
    assert answer.status_code == 202
    assert (answer.json()["type"], answer.json()["said"]["type"]) == ("contract", "invoice")
    assert answer.json()["decisions"][0]["why"] == "it has signatures"
    again = await client.post(f"{path}/route", json=word | {"version": preview["version"]})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    await app.work()
    undo = (await client.post(f"{path}/undo", params={"preview": "true"})).json()
    assert ("keep", f"bytes://invoices/{document.id}/letter.pdf") in [
        (item["effect"], item["place"]) for item in undo["effects"]
    ]
    assert (await client.post(f"{path}/undo", json={"who": "bob"})).status_code == 202
    await app.work()
    back = (await client.get(path)).json()
    assert back["actions"] == ["route"], "the undo undid the only decision"
    assert (back["state"], back["type"], [item["who"] for item in back["decisions"]]) == (
        "routed", "invoice", ["ann", "bob"],
    )  # fmt: skip
    nothing = await client.post(f"{path}/undo")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "not_allowed")


async def test_the_copies_of_a_document_are_read_back_and_the_result_is_kept(
    app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    document = await app.routed("invoice", 0.93)
    path = f"/documents/{document.id}"
    assert (await client.get(path)).json()["verified"] is None
    answer = await client.post(f"{path}/verify")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "intact")
    assert [item["state"] for item in answer.json()["places"]] == ["intact", "intact", "not_read_back"]
    app.bytes.objects[document.locations[0]] = b"other"
    changed = (await client.post(f"{path}/verify", json={})).json()
    assert (changed["verdict"], changed.pop("restored")) == ("different", 0)
    assert (await client.get(path)).json()["verified"] == changed
    for wrong in (await client.post(f"{path}/verify?all=1"), await client.post(f"{path}/verify", json={"x": 1})):
        assert wrong.status_code == 400
    del app.bytes.objects[document.locations[0]]
    missing = (await client.post(f"{path}/verify", json={"restore": True, "who": "ann"})).json()
    assert (missing["verdict"], missing["restored"]) == ("missing", 1)
    assert (await client.post(f"{path}/verify", json={"restore": True})).status_code == 409
    await app.work()
    assert (await client.post(f"{path}/verify")).json()["verdict"] == "intact"
    assert (await client.post("/documents/doc_x/verify")).status_code == 404
    assert (await client.post(f"{path}/verify", headers={"Authorization": "Bearer no"})).status_code == 401


async def test_many_documents_are_corrected_with_a_result_for_each(app: InMemoryApp, client: httpx.AsyncClient) -> None:
    ids = [(await app.routed("invoice", name=f"{n}.pdf", content=b"%%PDF %d" % n)).id for n in range(2)]
    waits = await app.submitted(name="open.pdf", content=b"%PDF open")
    body = {"ids": [*ids, waits.id], "type": "contract"}
    dry = (await client.post("/documents/correct", params={"preview": "true"}, json=body)).json()
    assert [item["done"] for item in dry["documents"]] == [True, True, False]
    assert {(await app.document(item)).type for item in ids} == {"invoice"}
    by_filter = {"state": "routed", "of_type": "invoice", "since": "2020-01-01", "to": "contract", "who": "ann"}
    answer = await client.post("/documents/correct", json=by_filter)
    assert (answer.status_code, {item["document_id"] for item in answer.json()["documents"]}) == (202, set(ids))
    undone = (await client.post("/documents/correct", json={"ids": body["ids"], "undo": True})).json()["documents"]
    assert [item["done"] for item in undone] == [False, False, False], "they are being delivered"
    await app.work()
    undone = (await client.post("/documents/correct", json={"ids": ids, "undo": True})).json()["documents"]
    assert [item["done"] for item in undone] == [True, True]
    assert "it can be corrected when that is done" in dry["documents"][2]["why"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": ["doc_1"]},
        {"type": "contract"},
        {"ids": "doc_1", "type": "contract"},
        {"ids": ["doc_1"], "state": "routed", "type": "contract"},
        {"ids": ["doc_1"], "type": "contract", "to": "contract"},
        {"ids": ["doc_1"], "type": "contract", "undo": "yes"},
        {"state": "nowhere", "type": "contract"},
        {"state": "routed", "since": True, "type": "contract"},
        {"state": "routed", "since": "yesterday", "type": "contract"},
        {"ids": [f"doc_{n}" for n in range(201)], "type": "contract"},
        {"ids": ["doc_1"], "type": "contract", "note": "?"},
    ],
)
async def test_a_selection_that_makes_no_sense_is_refused(body: dict[str, object], client: httpx.AsyncClient) -> None:
    answer = await client.post("/documents/correct", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


@pytest.mark.parametrize("name", ["route", "undo", "dismiss", "retry", "resubmit", "unlock", "correct"])
@pytest.mark.parametrize("query", ["preview=on", "preview", "Preview=true", "dry_run=true"])
async def test_a_misspelt_preview_is_refused_and_not_carried_out(
    name: str, query: str, app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    failed = await app.document(await fail(app, "letter.pdf"))
    word: dict[str, object] = {"type": "contract"}
    body: dict[str, dict[str, object]] = {
        "route": word, "correct": word | {"ids": [failed.id]}, "dismiss": {"note": "n"}, "unlock": {"password": "p"},
    }  # fmt: skip
    path = f"/documents/{name}" if name == "correct" else f"/documents/{failed.id}/{name}"
    answer = await client.post(f"{path}?{query}", json=body.get(name, {}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert await app.document(failed.id) == failed


async def test_a_failed_document_is_resubmitted_and_the_price_is_named_first(
    app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    document_id = await fail(app, "a.pdf")
    actions = (await client.get(f"/documents/{document_id}")).json()["actions"]
    assert actions == ["route", "resubmit", "file", "unlock", "dismiss"]
    price = (await client.post(f"/documents/{document_id}/resubmit", params={"preview": "true"})).json()["price"]
    assert "credit" in price
    assert (await app.document(document_id)).state is DocumentState.FAILED
    answer = await client.post(f"/documents/{document_id}/resubmit", json={"who": "ann"})
    assert (answer.status_code, answer.json()["submissions"]) == (202, 1)
    again = await client.post(f"/documents/{(await app.routed(name='b.pdf', content=b'b')).id}/resubmit")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_allowed")


async def test_documents_are_reclassified_and_the_price_is_named_first(
    app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    document = await app.routed("invoice", content=packet_bytes(a_page("one")))
    path, found = "/documents/reclassify", {"q": "type:invoice since:7d"}
    preview = await client.post(path, params={"preview": "true"}, json=found)
    assert (preview.status_code, preview.json()) == (200, {
        "documents": [{"document_id": document.id, "name": document.name, "pages": 1, "why_not": None}],
        "wanted": 1, "price": "1 page, about 1 credit",
    })  # fmt: skip
    assert await app.document(document.id) == document
    wrongs: list[dict[str, object]] = [{"also_decided": "yes"}, {"note": "x"}, {"ids": []}, {"q": ""}, {"who": 1}]
    for wrong in wrongs:
        assert (await client.post(path, json={"ids": [document.id], **wrong})).status_code == 400
    misspelt = await client.post(f"{path}?preview=on", json=found)
    assert (misspelt.status_code, await app.document(document.id)) == (400, document)
    answer = await client.post(path, json=found | {"who": "ann"})
    assert (answer.status_code, [item["done"] for item in answer.json()["documents"]]) == (202, [True])
    again = await client.post(path, json={"ids": [document.id, "doc_none"]})
    assert [item["why"].partition(":")[0] for item in again.json()["documents"]] == [
        "it is being reclassified", "there is no document doc_none; to list them",
    ]  # fmt: skip


async def test_its_file_is_replaced(app: InMemoryApp, client: httpx.AsyncClient) -> None:
    document_id = await fail(app, "a.pdf")
    whole = packet_bytes(a_page("a letter"))
    path = f"/documents/{document_id}/file"
    answer = await client.post(path, params={"who": "ann"}, files={"file": ("better.pdf", whole, "application/pdf")})
    assert (answer.status_code, answer.json()["size"], answer.json()["name"]) == (202, len(whole), "a.pdf")
    other = await fail(app, "c.pdf")
    path = f"/documents/{other}/file"
    assert (await client.post(path, files={"file": ("big.pdf", b"%PDF" * 50_000)})).status_code == 413
    two = [("file", ("1.pdf", whole)), ("file", ("2.pdf", whole))]
    assert (await client.post(path, files=two)).status_code == 400
    assert (await client.post(path, files={"file": ("x.exe", b"MZ\x90\x00")})).status_code == 400
    assert (await app.document(other)).state is DocumentState.FAILED


async def test_a_locked_document_is_opened_with_its_password(app: InMemoryApp, client: httpx.AsyncClient) -> None:
    document = await app.submitted(name="payslip.pdf", content=locked(user="open"))
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await app.event(document.job_id, "classify.error")
    await app.work()
    document_id = document.id
    path = f"/documents/{document_id}/unlock"
    assert (await client.post(path, json={})).status_code == 400
    wrong = await client.post(path, json={"password": "wrong"})
    assert (wrong.status_code, (await app.document(document_id)).state) == (400, DocumentState.FAILED)
    opened = await client.post(path, json={"password": "open"})
    assert (opened.status_code, "this is not its password" in wrong.text) == (202, True)
    assert opened.json()["sha256"] != document.sha256


async def test_a_failure_is_dismissed_with_a_reason_and_that_is_undone(
    app: InMemoryApp, client: httpx.AsyncClient
) -> None:
    document_id = await fail(app, "a.pdf")
    path = f"/documents/{document_id}"
    assert (await client.post(f"{path}/dismiss", json={"who": "ann"})).status_code == 400
    answer = await client.post(f"{path}/dismiss", json={"who": "ann", "note": "an advertisement"})
    assert (answer.status_code, answer.json()["reason"]) == (202, "ann dismissed it: an advertisement")
    await app.work()
    assert (await client.post(f"{path}/undo")).status_code == 202


async def test_what_gave_up_is_retried(app: InMemoryApp, client: httpx.AsyncClient) -> None:
    document_id = await fail(app, "a.pdf")
    preview = (await client.post(f"/documents/{document_id}/retry", params={"preview": "true"})).json()
    assert preview["action"] == "redeliver"
    assert (await client.post(f"/documents/{document_id}/retry")).status_code == 202
    waits = await app.submitted(name="open.pdf", content=b"%PDF open")
    refused = await client.post(f"/documents/{waits.id}/retry")
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409, f"document {waits.id}: it is being processed",
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["undo", "retry", "resubmit", "dismiss", "unlock", "route"])
async def test_an_unknown_key_is_named(verb: str, client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/documents/doc_1/{verb}", json={"reason": "?"})
    assert (answer.status_code, "'reason' is not known" in answer.json()["error"]["message"]) == (400, True)
