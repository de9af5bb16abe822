"""A request that went through API Gateway's mapping and SQS is the request that it was."""

import asyncio
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.functions.queued_webhooks import answers, inbound_of, is_queued
from receiver.core.change import Query, Write
from receiver.core.event import Event, Inbound
from receiver.core.verify_webhook import sign
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.store.memory import MemoryStore
from tests.builders import NOW
from tests.infra import of_type
from tests.receivers import Sender, a_body, an_app
from tests.webhook_api import mapped

pytestmark = pytest.mark.anyio
INTEGRATION = of_type("AWS::ApiGateway::Method")["WebhookApiMethod"]["Integration"]
NAMES = st.text(alphabet=string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-", min_size=1, max_size=30)
"""Tokens of RFC 9110, 5.6.2: what a header's name may be."""
VALUES = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60).map(str.strip)


def record(body: str, **attributes: str) -> dict[str, Any]:
    return {"messageId": "1", "body": body, "eventSource": "aws:sqs", "attributes": attributes}


def passed(headers: dict[str, str], body: str, peer: str = "203.0.113.7") -> Inbound:
    """The request after API Gateway and the queue."""
    (message,) = parse_qs(mapped(INTEGRATION, headers, body, peer=peer), strict_parsing=True)["MessageBody"]
    return inbound_of(record(message), now=NOW)


@given(headers=st.dictionaries(NAMES, VALUES, max_size=12), body=st.text(max_size=200), peer=st.ip_addresses())
def test_body_headers_and_sender_are_what_they_were(headers: dict[str, str], body: str, peer: object) -> None:
    headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    inbound = passed(headers, body, str(peer))
    assert inbound.body == body.encode()
    assert sorted(inbound.headers) == sorted((name.lower().encode(), value.encode()) for name, value in headers.items())
    assert inbound.peer == str(peer)
    assert sign(inbound.body, b"a-signing-secret") == sign(body.encode(), b"a-signing-secret")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("", "neither"),
        ("Action=SendMessage", "neither"),
        ("body e30=\nbody e30=", "2 bodies"),
        ("peer 203.0.113.7", "0 bodies"),
        ("body e30", "Base64"),
        ("body e30=\nheader x-key !", "Base64"),
        ("body e30=\nheader x-key", "neither"),
        ("body e30=\n", "neither"),
        ("at noon\nbody e30=", "invalid literal"),
    ],
)
def test_what_api_gateway_does_not_write_is_refused(message: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        inbound_of(record(message), now=NOW)


@given(st.text(max_size=200))
def test_no_other_error_comes_out_of_any_message(text: str) -> None:
    try:
        assert isinstance(inbound_of(record(text), now=NOW).body, bytes)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("line", ["", f"at {(NOW + 9) * 1000:.0f}\n"])
def test_it_arrived_no_later_than_the_queue_got_it(line: str) -> None:
    for sent, arrived in ((NOW - 5, NOW - 5), (NOW + 5, NOW)):  # a clock may be behind that of SQS
        message = record(f"{line}body e30=", SentTimestamp=str(int(sent * 1000)))
        assert inbound_of(message, now=NOW).arrived_at == arrived


@pytest.mark.parametrize(
    "event", [None, [], {}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, {"Records": ["aws:sqs"]}]
)
def test_only_messages_of_sqs_are_queued_webhooks(event: object) -> None:
    assert not is_queued(event)
    assert is_queued({"Records": [record("body e30=")]})


async def test_a_token_that_was_good_when_the_webhook_came_is_good(tmp_path: Path) -> None:
    """It may wait for days, in the queue and among the dead letters; its event arrived when the webhook came."""
    days = 3 * 86400
    app = an_app(tmp_path, now=NOW + days)
    assert app.receiver
    body = a_body()
    said, said_today = (
        parse_qs(mapped(INTEGRATION, Sender().proofs(body), body.decode(), at=at), strict_parsing=True)["MessageBody"][
            0
        ]
        for at in (NOW, NOW + days)
    )
    webhook = WebhookEndpoint(app.receiver, Limits())
    too_late = record(said_today, SentTimestamp=str(int((NOW + days) * 1000)))
    redriven = record(said, SentTimestamp=str(int((NOW + days) * 1000)))  # from the dead letters: SQS counts it as new
    assert await answers([too_late], webhook, now=NOW + days, seconds=30) == {"1": 401}
    assert await answers([redriven], webhook, now=NOW + days, seconds=30) == {"1": 202}
    (event,) = (await app.context.store.find(Event, Query(by="all"))).records
    assert (event.received_at, event.late) == (NOW, False)


class HangingStore(MemoryStore):
    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        await asyncio.Event().wait()
        return [None for _ in changes]


async def test_what_takes_too_long_is_not_settled(tmp_path: Path) -> None:
    app = an_app(tmp_path, store=HangingStore())
    assert app.receiver
    body = a_body()
    (said,) = parse_qs(mapped(INTEGRATION, Sender().proofs(body), body.decode()), strict_parsing=True)["MessageBody"]
    webhook = WebhookEndpoint(app.receiver, Limits())
    assert await answers([record(said)], webhook, now=NOW, seconds=0.01) == {"1": 503}
