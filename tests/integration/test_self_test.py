"""After a deployment the public address is tried over a real connection, and what it answers is told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from handlers.demo.local_aws import LocalAws
from receiver.core.change import Insert
from receiver.core.event import parse_event
from receiver.core.verify_webhook import TOKEN_HEADER, sign
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from scripts.deploying.deploy import is_stored
from scripts.deploying.finding import Finding
from scripts.deploying.self_test import ATTEMPTS, DOCUMENT, EVENT, self_test
from scripts.deploying.stage import Stage
from tests.builders import NOW
from tests.receivers import a_body
from tests.servers import serve

DOOR = {
    "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["the-first-header-value", "an-older-header-value"]}',
    "MAILROOM_TOKEN_SECRETS": "the-first-token-secret,an-older-token-secret",
    "MAILROOM_SIGNING_SECRETS": "the-first-signing-secret",
}


class Receiver:
    """Answers like the public API: what stands in ``first``, then by the signature."""

    def __init__(self, *first: int, always: int = 0) -> None:
        self.first, self.always, self.seen = list(first), always, 0

    async def answer(self, request: Request) -> Response:
        self.seen += 1
        if self.always or self.first:
            return PlainTextResponse("busy", self.always or self.first.pop(0))
        signed = request.headers["lc-signature"]
        body = await request.body()
        assert request.headers["x-mailroom-key"] == "the-first-header-value"
        assert request.headers[TOKEN_HEADER]
        return PlainTextResponse("", 202 if signed == signature(body) else 401)

    @contextmanager
    def served(self) -> Iterator[str]:
        with serve(Starlette(routes=[Route("/webhooks/llamacloud", self.answer, methods=["POST"])])) as url:
            yield url


def signature(body: bytes) -> str:
    return sign(body, b"the-first-signing-secret").decode()


def nowhere(event_id: str) -> bool:
    """No event is stored."""
    return not event_id


def tried(
    url: str, *, direct: str = "", is_stored: Callable[[str], bool] = nowhere
) -> tuple[list[Finding], list[float]]:
    slept: list[float] = []
    return self_test(url, DOOR, direct=direct, is_stored=is_stored, sleep=slept.append), slept


def test_an_open_door_lets_a_signed_event_in_and_a_forged_one_not() -> None:
    with Receiver().served() as url:
        found, slept = tried(f"{url}/")
    assert [item.severity for item in found] == ["ok", "ok"]
    assert "202" in found[0].what
    assert "wrong signature: 401" in found[1].what
    assert slept == []


def test_permissions_that_are_not_known_everywhere_yet_are_waited_for() -> None:
    with Receiver(503, 403).served() as url:
        found, slept = tried(url)
    assert [item.severity for item in found] == ["ok", "ok"]
    assert len(slept) == 2


@pytest.mark.parametrize(("status", "fix"), [(401, "other secrets"), (404, "leads elsewhere"), (503, "cannot write")])
def test_a_door_that_stays_shut_is_told_with_what_to_do(status: int, fix: str) -> None:
    receiver = Receiver(always=status)
    with receiver.served() as url:
        (found,), _ = tried(url)
    assert (found.severity, receiver.seen) == ("error", ATTEMPTS)
    assert f": {status} busy" in found.what
    assert fix in found.fix


def test_a_door_that_takes_everything_is_an_error() -> None:
    with Receiver(202, *[202] * ATTEMPTS).served() as url:
        found, _ = tried(url)
    assert [item.severity for item in found] == ["ok", "error"]
    assert "wrong signature: 202" in found[1].what


def test_an_address_where_nobody_is_is_told(closed_port: int) -> None:
    (found,), _ = tried(f"http://127.0.0.1:{closed_port}")
    assert "no answer" in found.what
    assert "record" in found.fix


class Queue(Receiver):
    """Answers like API Gateway in front of a queue, and keeps the ids of what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.ids.append((await request.json())["event_id"])
        return JSONResponse({"status": "queued"})


def test_behind_a_queue_the_stored_event_counts_and_the_forged_one_is_sent_past_it() -> None:
    queue, looks = Queue(), iter([False, False, True])
    with queue.served() as url, Receiver().served() as direct:
        found, slept = tried(url, direct=direct, is_stored=lambda event_id: event_id in queue.ids and next(looks))
    assert [item.severity for item in found] == ["ok", "ok", "ok"]
    assert "is stored" in found[1].what
    assert "wrong signature: 401" in found[2].what
    assert (len(queue.ids), len(slept)) == (1, 2)


@pytest.mark.aws
def test_an_event_of_the_self_test_is_found_in_the_table(local_aws: LocalAws) -> None:
    """By the credentials of whoever deploys: nothing of Mailroom's need run there."""
    stage = Stage("selftest", "us-east-1", "000000000000")
    create_table(local_aws.client("dynamodb"), stage.table)
    event_id = "9f0f6c1e-3c67-4b0e-8f5c-4b1f5a3c2d10"
    event = parse_event(a_body(event_id, EVENT), received_at=NOW, document_id=DOCUMENT)

    async def stored() -> None:
        store = DynamoStore(stage.table, client=lambda: local_aws.client("dynamodb"))
        await store.apply(Insert(event))
        await store.close()

    assert not is_stored(local_aws.client, stage, event_id)
    asyncio.run(stored())
    assert is_stored(local_aws.client, stage, event_id)


def test_an_event_that_stays_in_the_queue_is_an_error() -> None:
    with Queue().served() as url:
        found, _ = tried(url)
    assert [item.severity for item in found] == ["ok", "error"]
    assert "is not stored 60 s later" in found[1].what
    assert "event source of `receive`" in found[1].fix
