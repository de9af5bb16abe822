"""The OpenAPI description against reality: its paths are those that are there, and they answer as it says."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from handlers.view.child_viewer import ChildViewer
from receiver.bootstrap import App
from receiver.core.change import Insert
from receiver.core.document import Document
from receiver.core.event import Event
from receiver.core.job import JobStatus
from receiver.core.task import TaskState
from receiver.http import api, document_list, openapi
from receiver.http.openapi import OPERATIONS, PREFIX, description
from receiver.http.operator import operator_app
from receiver.http.stream import ChangeStreams
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from tests.builders import a_task, an_incident
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes
from tests.receivers import ADMIN_TOKEN, operator_of, settings_with

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
EXAMPLES = 10
"""Requests for each operation."""
ENDPOINTS = [(path, method) for path, methods in OPERATIONS.items() for method in methods]
FAILED = (2, 3, 4)
"""Of the documents; the operations that need one get no other."""
NEED_FAILED = ("resubmit", "file", "dismiss")
BY_SAMPLE = {
    "/documents/{document_id}/unlock": "it takes a locked PDF: test_api_corrections.py",
    "/documents/{document_id}/pieces": "it takes pages that add up: test_document_pages.py",
}
"""Operations whose success no generated request reaches, and what tests them."""


class Shown:
    """The operator's side of a Mailroom that has some of everything, another one for each test."""

    def __init__(self) -> None:
        self.viewer = ChildViewer()
        self.app: ASGIApp = Starlette(routes=[Mount(PREFIX, routes=openapi.routes())])
        self.words: dict[str, list[Any]] = {}
        """Words that mean something here, by the name of the parameter or field."""
        self.described = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def fill(self, folder: Path) -> None:
        """Puts documents, a job that failed, parked tasks and an incident into a new one."""
        app = InMemoryApp(folder)
        app.context = replace(app.context, viewer=self.viewer)
        found = [await a_document_in(app, number) for number in range(6)]
        await route_by_hand(found[1].id, RoutingDecision(type="contract", who="ann"), app.context)
        await app.work()
        parked = [a_task(id=f"submit:gone:{n}", subject="gone", state=TaskState.PARKED) for n in range(9)]
        await app.store.apply(Insert(an_incident(id="incident00")), *map(Insert, parked))
        ids, events = [item.id for item in found], [item.id for item in await app.all(Event)]
        self.words = {
            "document_id": ids, "decided": [ids[1]], "failed": [ids[number] for number in FAILED], "ids": [ids],
            "task_id": [item.id for item in parked], "event": events, "alert": ["incident00"], "page": ["1"],
            "type": ["invoice", "contract"], "to": ["contract", "no_match"], "what": ["submission", "results"],
            "pages": ["1", "2"], "seconds": [0, 3600], "why": ["it says so"],
        }  # fmt: skip
        brief = ChangeStreams(app.context, seconds=0)
        self.app = operator_app(App(settings=settings_with(), context=app.context, receiver=None), streams=brief)

    def words_of(self, path: str) -> dict[str, list[Any]]:
        """The words for this path."""
        documents = "failed" if path.endswith(NEED_FAILED) else "decided" if path.endswith("undo") else "document_id"
        key = "alert" if path.startswith("/alerts") else "event"
        return self.words | {"document_id": self.words[documents], "key": self.words[key]}


async def a_document_in(app: InMemoryApp, number: int) -> Document:
    """A document whose job failed, or said invoice with more or less confidence."""
    content = packet_bytes(a_page(f"one {number}"), a_page("two"))
    if number not in FAILED:
        return await app.routed("invoice", 0.4 + number / 10, name=f"{number}.pdf", content=content)
    document = await app.submitted(name=f"{number}.pdf", content=content)
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="damaged")
    await app.event(document.job_id, "classify.error")
    await app.work()
    return document


@pytest.fixture(scope="module")
def shown() -> Shown:
    return Shown()


def test_it_names_every_endpoint_and_no_other(tmp_path: Path) -> None:
    app = App(settings=settings_with(), context=InMemoryApp(tmp_path).context, receiver=None)
    there = {
        (item.path.replace(":path}", "}"), method.lower())
        for item in api.routes(app, ChangeStreams(app.context))
        for method in (item.methods or ())
        if method != "HEAD"
    }
    assert there == set(ENDPOINTS)
    assert OPERATIONS["/documents"]["get"].query.keys() == document_list.PARAMETERS


@pytest.mark.parametrize(("path", "method"), ENDPOINTS)
def test_every_endpoint_answers_as_it_says(shown: Shown, tmp_path: Path, path: str, method: str) -> None:
    asyncio.run(shown.fill(tmp_path))
    operation, statuses, words = shown.described[path][method], set[int](), shown.words_of(path)

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(case=operation.as_strategy(), data=st.data())
    def answers(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        for given_words in (case.path_parameters, case.query, case.body):
            put_words(given_words, words, data)
        response = case.call(headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        case.validate_response(response, checks=CHECKS)
        statuses.add(response.status_code)

    answers()
    assert path in BY_SAMPLE or min(statuses) < 400, statuses


def put_words(given_words: Any, words: dict[str, list[Any]], data: st.DataObject) -> None:
    """Most generated words name nothing: here most of them do."""
    for name in given_words if isinstance(given_words, dict) else ():
        if name in words and data.draw(st.integers(0, 4)):
            given_words[name] = data.draw(st.sampled_from(words[name]))


@pytest.mark.anyio
async def test_it_is_served_without_a_token_and_the_paths_are_the_same_with_and_without_the_version(
    tmp_path: Path,
) -> None:
    app = App(settings=settings_with(), context=InMemoryApp(tmp_path).context, receiver=None)
    async with operator_of(app) as client:
        assert (await client.get(f"{PREFIX}/openapi.json")).json() == description()
        for path in ("/documents", "/overview"):
            assert (await client.get(f"{PREFIX}{path}")).status_code == 401
            assert (await asked(client, f"{PREFIX}{path}")).json() == (await asked(client, path)).json()
        for wrong in (f"{PREFIX}/nothing", f"{PREFIX}/documents/", "/api/v2/documents"):
            answer = await asked(client, wrong)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def asked(client: httpx.AsyncClient, path: str) -> httpx.Response:
    return await client.get(path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})


def test_its_schemas_are_json_schemas() -> None:
    for schema in description()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
