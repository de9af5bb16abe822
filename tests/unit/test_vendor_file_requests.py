"""What a request or a command says of documents at LlamaCloud is taken as it is said, or refused."""

import json
from types import SimpleNamespace
from typing import Any

import click
import pytest
from starlette.requests import Request

from receiver.cli.vendor_files import vendor_files
from receiver.core.operators import Role
from receiver.http.person import Person
from receiver.http.uploads import upload
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


def request_with(body: dict[str, Any], query: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    headers = [(b"content-type", b"application/json")]
    state = {"person": Person(name="", role=Role.ADMIN)}
    scope = {"type": "http", "method": "POST", "path": "/documents", "headers": headers, "state": state}
    return Request(scope | {"query_string": query.encode()}, receive)


@pytest.mark.parametrize("packet", [False, True])
async def test_the_query_says_packet_for_entries_that_do_not(app: InMemoryApp, packet: bool) -> None:
    entries = [{"file_id": "dfl-1"}, {"file_id": "dfl-2", "packet": True}, {"file_id": "dfl-3", "packet": False}]
    served: Any = SimpleNamespace(context=app.context)
    await upload(served)(request_with({"documents": entries}, "packet=true" if packet else ""))
    found = {item.at_llamacloud: item.packet for item in await app.all_documents()}
    assert found == {"dfl-1": packet, "dfl-2": True, "dfl-3": False}


async def test_a_request_about_a_known_id_is_told_what_changed_nothing(app: InMemoryApp) -> None:
    served: Any = SimpleNamespace(context=app.context)
    answers = [await upload(served)(request_with({"file_id": "dfl-1", **more}, "")) for more in ({}, {"packet": True})]
    first, again = (json.loads(bytes(answer.body))["documents"][0] for answer in answers)
    assert (first["fresh"], "ignored" in first) == (True, False)
    assert (again["fresh"], again["ignored"]) == (False, ["packet"])


def test_metadata_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(click.UsageError, match="customer is given twice"):
        vendor_files(["dfl-1"], [], ["customer=1", "customer=2"], packet=False)
    (named,) = vendor_files(["dfl-1"], [], ["customer=1", "customer=1"], packet=False)
    assert named.metadata == {"customer": "1"}
