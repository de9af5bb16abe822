"""Test events, warm-ups and mistaken rules make no function raise, and nothing comes of them."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.functions.gateway import Gateway, gateway
from handlers.functions.intake import take_all
from handlers.functions.messages import messages_of
from handlers.sources import inbox
from receiver.bootstrap import App

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
WARM_UPS: list[Any] = [
    {},
    None,
    "ping",
    [],
    {"key1": "value1", "key2": "value2", "key3": "value3"},
    {"source": "serverless-plugin-warmup"},
    {"warmer": True, "concurrency": 3},
    {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [], "detail": {}},
    {"Records": []},
]
"""The console's template, what plug-ins that keep functions warm send, a schedule's event."""


@pytest.fixture(scope="module")
def http() -> Iterator[Gateway]:
    """A function behind API Gateway, on a loop of its own as in Lambda."""
    with asyncio.Runner() as runner:
        runner.get_loop()
        yield gateway(_unreachable)


async def _unreachable(*_: object) -> None:
    raise AssertionError("the application was called")


@pytest.mark.parametrize("event", WARM_UPS, ids=str)
def test_a_warm_up_is_no_message_and_no_request(http: Gateway, event: Any) -> None:
    assert messages_of(event) == []
    assert http(event, cast("Any", None))["statusCode"] == 204


@given(JSON)
def test_whatever_is_sent_makes_no_function_raise(http: Gateway, event: Any) -> None:
    if isinstance(event, dict):
        event.pop("Records", None)
        event.pop("requestContext", None)
    assert messages_of(event) == []
    assert http(event, cast("Any", None))["statusCode"] == 204


@given(JSON)
@example({})
@example({"http": {}})
@example({"http": {"method": "GET", "path": None, "sourceIp": "192.0.2.1"}})
@example({"connectionId": "x", "routeKey": "$connect"})
@example({"elb": {"targetGroupArn": "arn"}})
def test_half_a_request_is_a_test_event(http: Gateway, context: Any) -> None:
    assert http({"version": "2.0", "requestContext": context}, cast("Any", None))["statusCode"] == 204


@pytest.mark.parametrize(
    "record", [{"eventSource": "aws:s3", "s3": {}}, {"messageId": "1"}, {"messageId": "1", "body": {}}, "text", None]
)
def test_records_of_another_service_are_refused_and_not_taken_for_done(record: Any) -> None:
    with pytest.raises(ValueError, match="not SQS records"):
        messages_of({"Records": [{"messageId": "2", "body": "{}"}, record]})


def test_an_exception_that_nobody_expects_fails_its_own_message_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(body: str, _: App) -> None:
        if body == "odd":
            raise LookupError("nobody expects this")

    monkeypatch.setattr(inbox, "take_message", taken)
    records = [{"messageId": str(at), "body": body} for at, body in enumerate(("even", "odd", "even"))]
    assert asyncio.run(take_all(records, cast("App", None))) == ["1"]
