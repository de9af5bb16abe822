"""Which of the things that S3 says are documents, and where each lies."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.functions.arrivals import arrivals
from handlers.sources.s3 import Place, place
from receiver.core.errors import Malformed

EVENTS = Path(__file__).parents[2] / "events"
INBOX = "mailroom-dev-inbox-123456789012-eu-central-1"


def body(name: str) -> str:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    text: str = event["Records"][0]["body"]
    return text


def test_a_key_is_decoded_as_s3_encoded_it() -> None:
    expected = Place(INBOX, "2026/May invoice (Straße) 100%?a=1+2.pdf", "096fKKXTRTtl3on89fVO.nfljtsv6qko")
    assert arrivals(body("s3_through_sqs")) == [expected]


def test_a_key_from_eventbridge_is_taken_as_it_is() -> None:
    expected = Place(INBOX, "2026/May invoice + 100%.pdf", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
    assert arrivals(body("eventbridge_s3_through_sqs")) == [expected]


def test_deletions_and_folder_markers_are_no_documents() -> None:
    assert arrivals(body("s3_mixed_through_sqs")) == [Place(INBOX, "packets/morning.pdf", "3")]


def test_the_test_event_is_no_document() -> None:
    assert arrivals(body("s3_test_event_through_sqs")) == []


def test_an_unversioned_bucket_says_no_version() -> None:
    record = {"eventName": "ObjectCreated:Copy", "s3": {"bucket": {"name": "b"}, "object": {"key": "a.pdf"}}}
    assert arrivals(json.dumps({"Records": [record]})) == [Place("b", "a.pdf")]


CREATED = '{"Records": [{"eventName": "ObjectCreated:Put", "s3": %s}]}'
BRIDGED = '{"detail-type": "Object Created", "detail": %s}'
SHAPELESS = [
    *("", "no json", "[]", "1", "null", "{}", '{"Records": [{}]}', '{"Records": 5}', '"\\ud800"', "[" * 100_000),
    *('{"a":' * 100_000, '{"Records": [{"eventName": 7}]}', '{"Event": 7}', '{"detail-type": 7}'),
    *(CREATED % "null", CREATED % '{"bucket": {"name": "b"}, "object": {"key": 7}}', CREATED % "[]"),
    *(CREATED % '{"bucket": {"name": ["b"]}, "object": {"key": "a"}}', CREATED % '{"bucket": "b", "object": "a"}'),
    *(BRIDGED % "null", BRIDGED % '{"bucket": {"name": "b"}, "object": {"key": 7}}', BRIDGED % "{}"),
]


@pytest.mark.parametrize("text", SHAPELESS, ids=range(len(SHAPELESS)))
def test_what_s3_does_not_say_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        arrivals(text)


WORDS = st.sampled_from(["Records", "detail-type", "detail", "eventName", "s3", "bucket", "name", "object", "key"])
CREATIONS = st.sampled_from(["ObjectCreated:Put", "Object Created"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=4) | CREATIONS
SAID = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4))


@settings(deadline=None)
@given(SAID)
def test_any_message_names_objects_or_is_malformed_and_never_an_accident(said: Any) -> None:
    try:
        found = arrivals(json.dumps(said))
    except Malformed:
        return
    assert {type(part) for one in found for part in one} <= {str}
    assert all(one.key for one in found)


@given(key=st.text(min_size=1).filter(lambda key: "?versionId=" not in key), version=st.text("abc.-_0", max_size=32))
def test_a_location_leads_back_to_its_place(key: str, version: str) -> None:
    there = Place("a-bucket", key, version)
    assert place(str(there)) == there


def test_a_location_without_a_version_can_be_read_too() -> None:
    assert place("s3://a-bucket/a/b?c.pdf") == Place("a-bucket", "a/b?c.pdf")
