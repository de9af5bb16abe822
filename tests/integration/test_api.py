"""The operator's API over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from receiver.bootstrap import App
from receiver.core.change import Insert, changed
from receiver.core.document import Classification, DocumentState, Step
from receiver.core.incident import Status
from receiver.core.plan import Plan, Row, Way
from receiver.core.task import Task, TaskState
from receiver.http.operator import operator_app
from receiver.pipeline.receive import handling_of
from receiver.settings import Secret
from tests.builders import NOW, a_document, a_job, a_task, an_event, an_incident
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio

AUTH = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
MENDING = ("route", "undo", "retry", "resubmit", "unlock", "file", "dismiss")
OPERATOR_ROUTES = [
    ("GET", "/documents"),
    ("POST", "/documents"),
    ("GET", "/documents/doc-1"),
    ("POST", "/documents/correct"),
    *(("POST", f"/documents/doc-1/{verb}") for verb in MENDING),
    ("GET", "/documents/doc-1/pages"),
    ("GET", "/documents/doc-1/pages/1.png"),
    ("GET", "/documents/doc-1/text"),
    ("GET", "/documents/doc-1/link"),
    ("POST", "/documents/doc-1/pieces"),
    ("GET", "/events"),
    ("GET", "/events/evt-1"),
    ("GET", "/pauses"),
    ("POST", "/pauses"),
    ("GET", "/tasks"),
    ("POST", "/tasks/task-1/replay"),
    ("GET", "/overview"),
    ("GET", "/alerts"),
    ("GET", "/alerts/key"),
    ("POST", "/alerts/key/ack"),
    ("POST", "/alerts/key/silence"),
    ("GET", "/channels"),
]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with operator_of(app) as client:
        client.headers.update(AUTH)
        yield client


@pytest.mark.parametrize(("method", "path"), OPERATOR_ROUTES)
async def test_every_operator_route_is_closed_without_the_token(method: str, path: str, app: App) -> None:
    async with operator_of(app) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), OPERATOR_ROUTES)
async def test_every_operator_route_is_closed_to_all_when_no_token_is_set(
    method: str, path: str, tmp_path: Path
) -> None:
    async with operator_of(an_app(tmp_path, admin_token=Secret(""))) as client:
        answer = await client.request(method, path, headers={"Authorization": "Bearer "})
    assert answer.status_code == 403
    assert "MAILROOM_ADMIN_TOKEN" in answer.json()["error"]["message"]


async def test_guesses_are_slowed_for_their_address_on_all_routes_together_and_for_no_other(app: App) -> None:
    inside = operator_app(app)

    def at(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(inside, client=(address, 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://mail")

    async with at("10.0.0.1") as guesser, at("10.0.0.2") as operator:
        guessed = [
            await guesser.request(method, path, headers={"Authorization": f"Bearer guess-{number}"})
            for number in range(4)
            for method, path in OPERATOR_ROUTES
        ]
        assert [item.status_code for item in guessed[:10]] == [401] * 10
        assert {item.status_code for item in guessed[10:]} == {429}
        assert 1 <= int(guessed[-1].headers["retry-after"]) <= 6
        assert guessed[-1].json()["error"]["code"] == "too_many_requests"
        assert (await guesser.get("/documents", headers=AUTH)).status_code == 429, "or a right guess would be told"
        assert (await guesser.get("/")).status_code == 200
        assert [(await operator.get("/documents", headers=AUTH)).status_code for _ in range(20)] == [200] * 20


async def test_documents_are_listed_newest_first_page_by_page(app: App, client: httpx.AsyncClient) -> None:
    for number in range(5):
        await app.context.store.apply(Insert(a_document(id=f"doc-{number}", taken_in_at=NOW + number)))
    first = (await client.get("/documents", params={"limit": 3})).json()
    rest = (await client.get("/documents", params={"limit": 3, "cursor": first["cursor"]})).json()
    assert [item["document_id"] for item in first["documents"] + rest["documents"]] == [
        f"doc-{number}" for number in (4, 3, 2, 1, 0)
    ]
    assert rest["cursor"] is None


async def test_documents_are_found_by_state_type_batch_time_and_words(app: App, client: httpx.AsyncClient) -> None:
    invoice = Classification(type="invoice", confidence=0.9)
    await app.context.store.apply(
        Insert(a_document(id="doc-a", name="Harbour Freight.pdf", state=DocumentState.REVIEW, batch_id="packet-1")),
        Insert(a_document(id="doc-b", classification=invoice, state=DocumentState.REVIEW, taken_in_at=NOW - 50)),
        Insert(a_document(id="doc-c", classification=invoice, taken_in_at=NOW - 100)),
    )

    async def ids(**params: str) -> set[str]:
        answer = await client.get("/documents", params=params)
        assert answer.status_code == 200, answer.text
        return {item["document_id"] for item in answer.json()["documents"]}

    assert await ids(state="review") == {"doc-a", "doc-b"}
    assert await ids(state="review", type="invoice") == {"doc-b"}
    assert await ids(batch="packet-1") == {"doc-a"}
    assert await ids(since=str(NOW - 60)) == {"doc-a", "doc-b"}
    assert await ids(since="2027-01-15T07:59:59Z") == {"doc-a"}
    assert await ids(q="harbour") == {"doc-a"}
    assert await ids(q="doc-c") == {"doc-c"}
    assert await ids(q="type:invoice confidence:>0.8", state="review") == {"doc-b"}
    assert await ids(q="-harbour before:2027-01-15T07:59") == {"doc-c"}


async def test_a_list_says_how_many_documents_fit_and_pages_through_them(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(
        *(Insert(a_document(id=f"doc-{n}", name=f"{'ab'[n % 2]}.pdf", taken_in_at=NOW + n)) for n in range(7))
    )
    first = (await client.get("/documents", params={"q": "  name:a ", "limit": "3"})).json()
    assert (first["total"], first["total_is_exact"], first["not_indexed"], first["q"]) == (4, True, 0, "name:a")
    assert first["looked_back_to"] is None
    params = {"q": "name:a", "limit": "3", "cursor": first["cursor"]}
    last = (await client.get("/documents", params=params)).json()
    assert (last["total"], last["cursor"]) == (None, None)
    found = [item["document_id"] for item in first["documents"] + last["documents"]]
    assert found == ["doc-6", "doc-4", "doc-2", "doc-0"]


async def test_a_job_of_before_finds_its_document(app: App, client: httpx.AsyncClient) -> None:
    document = a_document(id="doc-1", job_id="cls-2")
    await app.context.store.apply(Insert(document), Insert(a_job(id="cls-1", document_id="doc-1")))
    for q in ("cls-1", "job:cls-1", "cls-2", "job:cls"):
        found = (await client.get("/documents", params={"q": q})).json()["documents"]
        assert [item["document_id"] for item in found] == ["doc-1"], q


@pytest.mark.parametrize(
    "params",
    [
        {"state": "nowhere"},
        {"type": "invoce"},
        {"stat": "open"},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "9" * 5000},
        {"limit": "ten"},
        {"since": "yesterday"},
        {"cursor": "§§§"},
        {"cursor": "bm90IG9uZQ"},
    ],
)
async def test_a_wrong_parameter_is_named(params: dict[str, str], client: httpx.AsyncClient) -> None:
    answer = await client.get("/documents", params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert next(iter(params)) in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("typ:invoice", "did you mean type?"),
        ("type:invoce", "did you mean invoice?"),
        ("state:x", "known: open, routed"),
    ],
)
async def test_a_wrong_search_says_what_is_wrong_and_what_was_meant(
    q: str, said: str, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/documents", params={"q": q})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert said in answer.json()["error"]["message"]


async def test_one_document_is_shown_with_all_that_is_on_record(app: App, client: httpx.AsyncClient) -> None:
    plan = Plan(
        way=Way.MATCHED, route="invoice", reason="it is one", trace=(Row(route="invoice", matched=True, why="y"),)
    )
    await app.context.store.apply(
        Insert(a_document(id="doc-1", batch_id="doc-1", plan=plan).note(NOW, "taken in", "folder inbox")),
        Insert(a_document(id="piece", parent_id="doc-1", batch_id="doc-1", pages=(1, 2))),
        Insert(a_job(id="job-1", document_id="doc-1")),
        Insert(an_event(id="evt-1", job_id="job-1")),
        Insert(a_task(id="task-1", subject="job-1")),
        Insert(a_task(id="task-2", subject="doc-1")),
    )
    told = (await client.get("/documents/doc-1")).json()
    assert told["plan"]["trace"] == [{"route": "invoice", "matched": True, "why": "y", "unknown": False}]
    assert [entry["what"] for entry in told["history"]] == ["taken in"]
    assert [item["job_id"] for item in told["jobs"]] == ["job-1"]
    assert [item["event_id"] for item in told["events"]] == ["evt-1"]
    assert {item["task_id"] for item in told["tasks"]} == {"task-1", "task-2"}
    assert [(item["document_id"], item["pages"]) for item in told["pieces"]] == [("piece", [1, 2])]


async def test_events_are_found_by_job_and_tasks_by_state(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(
        Insert(an_event(id="evt-1", job_id="job-1")),
        Insert(an_event(id="evt-2", job_id="job-2")),
        Insert(a_task(id="task-1", state=TaskState.PARKED)),
        Insert(a_task(id="task-2")),
        Insert(a_task(id="task-3", state=TaskState.DONE)),
    )
    events = (await client.get("/events", params={"job": "job-2"})).json()["events"]
    tasks = (await client.get("/tasks", params={"state": "parked"})).json()["tasks"]
    assert ([item["event_id"] for item in events], [item["task_id"] for item in tasks]) == (["evt-2"], ["task-1"])
    done = (await client.get("/tasks", params={"state": "done"})).json()
    assert ([item["task_id"] for item in done["tasks"]], done["cursor"]) == (["task-3"], None)


async def test_a_parked_task_is_replayed_with_its_document_open_again(app: App, client: httpx.AsyncClient) -> None:
    held = a_document(id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED, error="could not be submitted")
    parked = a_task(id="submit:doc-1:0", kind="submit", subject="doc-1", state=TaskState.PARKED, attempts=8)
    await app.context.store.apply(Insert(held), Insert(parked))
    answer = await client.post("/tasks/submit:doc-1:0/replay")
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (202, "ready", 0)
    document = (await client.get("/documents/doc-1")).json()
    assert (document["state"], document["step"]) == ("open", "taken_in")


async def test_one_task_is_shown_with_all_that_it_carries(app: App, client: httpx.AsyncClient) -> None:
    task = a_task(
        id="react:a%2Fb/c:x",
        details={"event_id": "evt-1"},
        state=TaskState.DONE,
        note="LlamaCloud does not know this job",
    )
    await app.context.store.apply(Insert(task))
    answer = await client.get("/tasks/react:a%252Fb/c:x")
    shown = answer.json()
    assert (answer.status_code, shown["task_id"], shown["note"]) == (200, task.id, "LlamaCloud does not know this job")
    assert (shown["details"], shown["expires_at"]) == ({"event_id": "evt-1"}, None)
    assert (await client.get("/tasks/task-x")).status_code == 404


async def test_a_parked_task_about_no_document_is_replayed(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_task(id="react:cls-1:x", state=TaskState.PARKED, expires_at=NOW + 9)))
    assert (await client.post("/tasks/react:cls-1:x/replay")).status_code == 202
    again = await app.context.store.get(Task, "react:cls-1:x")
    assert again is not None
    assert (again.state, again.expires_at) == (TaskState.READY, None)


async def test_a_task_that_is_not_over_cannot_be_replayed(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_task(id="task-1")))
    assert (await client.post("/tasks/task-1/replay")).status_code == 409
    assert (await client.post("/tasks/task-x/replay")).status_code == 404


async def test_a_person_routes_a_document_by_saying_what_it_is(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW)))
    answer = await client.post("/documents/doc-1/route", json={"type": "invoice", "who": "Ada"})
    told = answer.json()
    assert (answer.status_code, told["state"], told["type"]) == (202, "open", "invoice")
    assert (told["plan"]["way"], told["plan"]["route"], told["reason"]) == (
        "by_hand",
        "invoice",
        "Ada set the type to invoice",
    )
    [delivery] = told["deliveries"]
    assert await app.context.store.get(Task, f"deliver:{delivery['delivery_id']}:1")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"to": "nowhere"}', 400),
        (b'{"type": "poem"}', 400),
        (b'{"to": "invoice", "type": "invoice"}', 400),
        (b'{"to": 7}', 400),
        (b'{"to": ""}', 400),
        (b"{}", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 60_000, 400),
        (b'{"to": "' + b"x" * 70_000 + b'"}', 400),
    ],
)
async def test_a_word_that_makes_no_sense_changes_nothing(
    body: bytes, status: int, app: App, client: httpx.AsyncClient
) -> None:
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW)))
    answer = await client.post("/documents/doc-1/route", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "malformed")
    assert (await client.get("/documents/doc-1")).json()["state"] == "review"


async def test_a_document_that_is_worked_on_is_not_routed_by_hand(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.OPEN)))
    assert (await client.post("/documents/doc-1/route", json={"to": "invoice"})).status_code == 409
    assert (await client.post("/documents/doc-x/route", json={"to": "invoice"})).status_code == 404


async def test_the_overview_has_the_books_what_needs_a_person_and_the_choices(
    app: App, client: httpx.AsyncClient
) -> None:
    await app.context.store.apply(
        Insert(a_document(id="late", deadline=NOW - 1)),
        Insert(a_document(state=DocumentState.ROUTED)),
        Insert(an_incident(title="it broke")),
        Insert(an_incident(title="it was mended", status=Status.RESOLVED, closed_at=NOW)),
    )
    told = (await client.get("/overview")).json()
    counts = {"taken_in": 2, "routed": 1, "review": 0, "failed": 0, "open": 1, "forgotten": 0, "withdrawn": 0}
    assert told["balance"] == counts
    assert [item["document_id"] for item in told["overdue"]] == ["late"]
    assert [item["title"] for item in told["alerts"]] == ["it broke"]
    assert set(told["routes"]) == {"invoice", "contract", "no_match", "failed"}
    assert told["types"] == ["contract", "invoice"]


@pytest.mark.parametrize("path", ["/documents/nope", "/nope", "/documents/a/b/c"])
async def test_what_is_not_there_is_404_as_json(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_an_event_is_shown_with_its_envelope_its_proofs_and_its_attempts(
    app: App, client: httpx.AsyncClient
) -> None:
    first = an_event(
        id="evt-1:doc-1", type="classify.success", job_id="job-1", document_id="doc-1", other_id="x", sent_at=NOW - 2,
        received_at=NOW, verified_by=("headers:0", "token:0"),
    )  # fmt: skip
    again = an_event(
        id="evt-2:doc-1", type="classify.success", job_id="job-1", document_id="doc-1", received_at=NOW + 1
    )
    handled = handling_of(first, now=NOW)
    await app.context.store.apply(
        Insert(first), Insert(again), Insert(changed(handled, attempts=3, error="LlamaCloud did not respond")),
        Insert(a_job(id="job-1", document_id="doc-1")), Insert(a_document(id="doc-1", name="a.pdf")),
    )  # fmt: skip
    for key in ("evt-1:doc-1", "evt-1"):
        told = (await client.get(f"/events/{key}")).json()
        assert told["envelope"] == {
            "event_id": "evt-1", "event_type": "classify.success", "timestamp": NOW - 2,
            "data": {"job_id": "job-1", "id": "x"},
        }  # fmt: skip
        assert (told["verified_by"], told["task"]["attempts"]) == (["headers:0", "token:0"], 3)
        assert told["task"]["error"] == "LlamaCloud did not respond"
        assert (told["document"]["name"], [item["event_id"] for item in told["others"]]) == ("a.pdf", ["evt-2"])
    assert (await client.get("/events/evt-x")).status_code == 404


async def test_what_is_paused_is_listed_and_resumed(app: App, client: httpx.AsyncClient) -> None:
    assert (await client.get("/pauses")).json() == {"paused": []}
    paused = (await client.post("/pauses", json={"what": "submission"})).json()["paused"]
    said = [(item["what"], item["until"], item["reason"], item["by"]) for item in paused]
    assert said == [("submission", None, "", "operator")]
    place = app.context.config.table.targets()[0].url
    assert len((await client.post("/pauses", json={"what": place})).json()["paused"]) == 2
    for what in ("submission", place):
        await client.post("/pauses", json={"what": what, "resume": True})
    assert (await client.get("/pauses")).json() == {"paused": []}
    for body in ({}, {"what": 1}, {"what": "mail"}, {"what": "submission", "resume": "yes"}, {"what": "x", "y": 1}):
        assert (await client.post("/pauses", json=body)).status_code == 400
