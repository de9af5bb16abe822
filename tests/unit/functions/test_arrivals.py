"""Which of the things that S3 says are documents, and where each lies."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
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


@pytest.mark.parametrize("text", ["", "no json", "[]", "1", "null", "{}", '{"Records": [{}]}', '{"Records": 5}'])
def test_what_s3_does_not_say_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        arrivals(text)


@given(key=st.text(min_size=1).filter(lambda key: "?versionId=" not in key), version=st.text("abc.-_0", max_size=32))
def test_a_location_leads_back_to_its_place(key: str, version: str) -> None:
    there = Place("a-bucket", key, version)
    assert place(str(there)) == there


def test_a_location_without_a_version_can_be_read_too() -> None:
    assert place("s3://a-bucket/a/b?c.pdf") == Place("a-bucket", "a/b?c.pdf")
