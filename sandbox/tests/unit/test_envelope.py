"""The webhook request, byte by byte."""

import hashlib
import hmac
import json

from llamacloud_sandbox.envelope import EVENT_TYPES, body, headers, signature

DATA = {"id": "cls-1", "job_id": "cls-1"}


def test_the_json_format_is_an_object_of_exactly_four_fields() -> None:
    raw = body("e-1", "classify.success", 1753985275.1154444, DATA, "json")
    assert json.loads(raw) == {
        "event_id": "e-1",
        "event_type": "classify.success",
        "timestamp": 1753985275.1154444,
        "data": DATA,
    }


def test_the_string_format_is_the_same_object_encoded_twice() -> None:
    once = body("e-1", "classify.success", 1.5, DATA, "json")
    twice = body("e-1", "classify.success", 1.5, DATA, "string")
    assert json.loads(twice) == once.decode()


def test_the_signature_is_the_hmac_of_the_raw_body_under_the_literal_secret() -> None:
    expected = hmac.new(b"whsec_abc", b'{"a": 1}', hashlib.sha256).hexdigest()
    assert signature("whsec_abc", b'{"a": 1}') == f"sha256={expected}"


def test_the_documented_headers_and_the_users_own_go_out() -> None:
    sent = headers("e-1", "classify.success", b"{}", extra={"X-Token": "tüv"}, secret="whsec_abc")
    assert sent == [
        (b"Content-Type", b"application/json"),
        (b"User-Agent", b"llamaindex-webhook-service/1.0"),
        (b"X-Webhook-Event-ID", b"e-1"),
        (b"X-Webhook-Event-Type", b"classify.success"),
        (b"LC-Signature", signature("whsec_abc", b"{}").encode()),
        (b"X-Token", "tüv".encode()),
    ]


def test_without_a_secret_nothing_is_signed() -> None:
    assert b"LC-Signature" not in dict(headers("e-1", "classify.success", b"{}", extra={}, secret=None))


def test_a_users_header_never_replaces_a_documented_one() -> None:
    sent = headers("e-1", "classify.success", b"{}", extra={"user-agent": "mine"}, secret=None)
    assert [value for name, value in sent if name.lower() == b"user-agent"] == [b"llamaindex-webhook-service/1.0"]


def test_the_event_types_are_the_38_of_the_sdk() -> None:
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES)) == 38
    assert {"split.processing", "classify.running", "unmapped_event"} <= set(EVENT_TYPES)
    assert "split.running" not in EVENT_TYPES
