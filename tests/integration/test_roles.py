"""Operators with roles: who may call what, under which name it is recorded, and what a stranger's proof opens."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.change import Insert
from receiver.core.decision import OPERATOR
from receiver.core.document import Document, DocumentState, Step
from receiver.core.operators import Operator, Operators, Role, hash_token, read_operators, write_operators
from receiver.http import api, roles
from receiver.http.auth import Gate
from receiver.http.openapi import OPERATIONS, PREFIX
from receiver.http.operator import operator_app
from receiver.http.roles import BY_LINK, ROLES, role_of
from receiver.http.sessions import Sessions
from receiver.http.stream import ChangeStreams
from receiver.pipeline.pause import SUBMISSION, read_pause
from receiver.settings import Secret
from tests.builders import NOW, a_document, a_task, an_incident
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio
TOKENS = {role: f"token-of-the-{role}" for role in Role}
NAMES = {Role.VIEWER: "vera", Role.OPERATOR: "ann", Role.ADMIN: "bob"}
LIST = write_operators(
    Operator(name=NAMES[role], role=role, token_sha256=hash_token(token.encode())) for role, token in TOKENS.items()
)
PARAMETERS = {"{document_id}": "doc-1", "{page}": "1", "{task_id}": "task-1", "{key}": "key-1"}


def with_token(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path, operators=Secret(LIST))


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an operator's side without streams: one that is open would be waited for until it ends."""
    inside = operator_app(app, streams=ChangeStreams(app.context, most=0))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inside), base_url="http://mail") as client:
        yield client


def concrete(path: str) -> str:
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    return path


def every_endpoint() -> Iterator[tuple[str, str]]:
    yield from ROLES


def test_every_endpoint_that_is_served_has_a_role_and_every_role_an_endpoint(app: App) -> None:
    found = [
        (item.path.replace(":path}", "}"), item.methods or ()) for item in api.routes(app, ChangeStreams(app.context))
    ]
    served = {(method, path) for path, methods in found for method in methods if method != "HEAD"}
    described = {(method.upper(), path) for path, methods in OPERATIONS.items() for method in methods}
    assert served == ROLES.keys() == described
    assert {path for _, path in ROLES} >= BY_LINK


async def test_an_endpoint_without_a_role_cannot_be_served(app: App) -> None:
    async def anything(request: Any) -> Any:
        """Never called."""

    with pytest.raises(LookupError, match=r"POST /documents/everything has no role"):
        Gate(app, Sessions(app)).guarded(Route("/documents/everything", anything, methods=["POST"]))


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_through_to_what_it_may_do_and_to_nothing_else(
    role: Role, prefix: str, client: httpx.AsyncClient
) -> None:
    """Every endpoint and method, also those that it does not have."""
    for path in dict.fromkeys(path for _, path in every_endpoint()):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            answer = await client.request(method, prefix + concrete(path), headers=with_token(TOKENS[role]))
            needed = ROLES.get(("GET" if method == "HEAD" else method, path))
            if needed is None:
                assert answer.status_code in (404, 405), (method, path)
            else:
                assert (answer.status_code == 403) == (not role.covers(needed)), (method, path, answer.text)
            assert answer.status_code != 401


async def test_a_refusal_says_which_role_it_takes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/pauses", json={"what": "submission"}, headers=with_token(TOKENS[Role.VIEWER]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert answer.json()["error"]["message"] == "this takes the role admin; vera has the role viewer"


async def test_what_a_role_may_not_do_changes_nothing(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED)))
    before = await app.context.store.get(Document, "doc-1")
    for method, path in every_endpoint():
        if not Role.VIEWER.covers(role_of(method, path)):
            await client.request(
                method, concrete(path), headers=with_token(TOKENS[Role.VIEWER]), json={"to": "no_match"}
            )
    assert await app.context.store.get(Document, "doc-1") == before
    assert not (await read_pause(SUBMISSION, app.context)).until


async def test_a_document_lists_only_the_actions_that_the_role_allows(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED)))
    listed = {
        role: (await client.get("/documents/doc-1", headers=with_token(token))).json()["actions"]
        for role, token in TOKENS.items()
    }
    assert listed[Role.VIEWER] == []
    assert "route" in listed[Role.OPERATOR]
    assert listed[Role.OPERATOR] == listed[Role.ADMIN]


async def test_a_removed_operator_and_one_with_another_role_notice_at_once(app: App, client: httpx.AsyncClient) -> None:
    async def status(method: str, path: str) -> int:
        return (await client.request(method, path, headers=with_token(TOKENS[Role.ADMIN]), json={})).status_code

    assert [await status("GET", "/overview"), await status("POST", "/pauses")] == [200, 400]
    known = app.access.operators.entries
    app.access.operators = Operators(
        {**known, "bob": Operator(name="bob", role=Role.VIEWER, token_sha256=known["bob"].token_sha256)}
    )
    assert [await status("GET", "/overview"), await status("POST", "/pauses")] == [200, 403]
    app.access.operators = Operators({name: item for name, item in known.items() if name != "bob"})
    assert await status("GET", "/overview") == 401


async def test_the_hash_of_a_token_is_no_token(client: httpx.AsyncClient) -> None:
    for token in (
        hash_token(TOKENS[Role.ADMIN].encode()),
        "",
        "bob",
        TOKENS[Role.ADMIN][:-1],
        TOKENS[Role.ADMIN] + "x",
    ):
        assert (await client.get("/overview", headers=with_token(token))).status_code == 401


async def test_without_the_shared_token_the_operators_sign_in_and_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    async with operator_of(an_app(tmp_path, operators=Secret(LIST), admin_token=Secret(""))) as client:
        assert (await client.get("/overview", headers=with_token(TOKENS[Role.VIEWER]))).status_code == 200
        assert (await client.get("/overview", headers={"authorization": "Bearer "})).status_code == 401
        assert (await client.get("/overview", headers=with_token(ADMIN_TOKEN))).status_code == 401


CLAIMS = {"named": (TOKENS[Role.ADMIN], "bob"), "shared": (ADMIN_TOKEN, "mallory")}


@pytest.mark.parametrize("sign_in", CLAIMS)
async def test_the_name_of_the_sign_in_is_on_every_record_and_no_other_can_be_claimed(
    sign_in: str, app: App, client: httpx.AsyncClient
) -> None:
    """Every endpoint that takes ``who``; where the sign-in has no name, ``who`` is one."""
    token, expected = CLAIMS[sign_in]
    client.headers.update(with_token(token))
    store, claim = app.context.store, {"who": "mallory"}
    for number in range(3):
        settled = a_document(id=f"doc-{number}", state=DocumentState.REVIEW, step=Step.SETTLED, taken_in_at=NOW)
        await store.apply(Insert(settled))
    await store.apply(Insert(an_incident(id="incident00")), Insert(a_task(id="submit:x", subject="doc-2")))
    sent = [
        await client.post("/documents/doc-0/route", json={"to": "no_match", **claim}),
        await client.post("/documents/correct", json={"ids": ["doc-1"], "to": "no_match", **claim}),
        await client.post("/alerts/incident00/ack", json=claim),
        await client.post("/alerts/incident00/silence", json={"seconds": 60, "why": "known", **claim}),
        await client.post("/pauses", json={"what": "submission"}),
    ]
    assert [item.status_code for item in sent] == [202, 202, 200, 200, 200], [item.text for item in sent]
    decided = [(await client.get(f"/documents/doc-{number}")).json()["decisions"][-1]["who"] for number in (0, 1)]
    assert decided == [expected] * 2
    incident = (await client.get("/alerts/incident00")).json()
    assert [incident["acknowledged_by"], incident["silenced_by"]] == [expected] * 2
    assert (await read_pause(SUBMISSION, app.context)).by == (expected if sign_in == "named" else OPERATOR)
    files = {"file": ("a.txt", b"hello")}
    uploaded = (await client.post("/documents", files=files)).json()["documents"][0]["document_id"]
    document = await store.get(Document, uploaded)
    assert document is not None
    assert document.origin.sender == ("bob" if sign_in == "named" else "127.0.0.1")


async def test_who_is_checked_in_one_way_by_every_endpoint(app: App, client: httpx.AsyncClient) -> None:
    client.headers.update(with_token(ADMIN_TOKEN))
    await app.context.store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW, step=Step.SETTLED)))
    await app.context.store.apply(Insert(an_incident(id="incident00")))
    bodies: dict[str, dict[str, Any]] = {
        "/documents/doc-1/route": {"to": "no_match"}, "/documents/doc-1/undo": {}, "/documents/doc-1/retry": {},
        "/documents/doc-1/resubmit": {}, "/documents/doc-1/unlock": {"password": "x"},
        "/documents/doc-1/dismiss": {"note": "x"}, "/documents/doc-1/pieces": {"merge": "1-2"},
        "/documents/doc-1/verify": {}, "/documents/correct": {"ids": ["doc-1"], "to": "no_match"},
        "/documents/resubmit": {"ids": ["doc-1"]}, "/documents/reclassify": {"ids": ["doc-1"]},
        "/documents/dismiss": {"ids": ["doc-1"], "note": "x"},
        "/alerts/incident00/ack": {}, "/alerts/incident00/silence": {"seconds": 1, "why": "x"},
    }  # fmt: skip
    takes_who = {
        path for path, item in OPERATIONS.items() if "post" in item and '"who"' in json.dumps(item["post"].body)
    }
    assert takes_who == {path.replace("doc-1", "{document_id}").replace("incident00", "{key}") for path in bodies}
    for path, body in bodies.items():
        for wrong in (7, "x" * 201, None, ["ann"]):
            answer = await client.post(path, json={**body, "who": wrong})
            assert answer.status_code == 400, (path, wrong, answer.text)
            assert "'who' is a text of at most 200 characters" in answer.json()["error"]["message"], (path, wrong)


def test_the_list_is_read_as_it_was_written() -> None:
    assert write_operators(read_operators(LIST).entries.values()) == LIST
    assert roles.role_of("HEAD", "/overview") is Role.VIEWER
