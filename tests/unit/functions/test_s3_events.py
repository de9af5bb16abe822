"""Which of the things that S3 says are documents, and where each lies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.functions.s3_events import SENDER_LIMIT, S3Put, puts, s3_puts
from handlers.sources.s3 import Place, source_place
from receiver.core.errors import Malformed

EVENTS = Path(__file__).parents[2] / "events"
INBOX = "mailroom-dev-inbox-123456789012-eu-central-1"


def body(name: str) -> str:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    text: str = event["Records"][0]["body"]
    return text


def test_a_key_is_decoded_as_s3_encoded_it() -> None:
    expected = Place(INBOX, "2026/May invoice (Straße) 100%?a=1+2.pdf", "096fKKXTRTtl3on89fVO.nfljtsv6qko")
    assert s3_puts(body("s3_through_sqs")) == [expected]


def test_a_key_from_eventbridge_is_taken_as_it_is() -> None:
    expected = Place(INBOX, "2026/May invoice + 100%.pdf", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
    assert s3_puts(body("eventbridge_s3_through_sqs")) == [expected]


def test_deletions_and_folder_markers_are_no_documents() -> None:
    assert s3_puts(body("s3_mixed_through_sqs")) == [Place(INBOX, "packets/morning.pdf", "3")]


def test_the_test_event_is_no_document() -> None:
    assert s3_puts(body("s3_test_event_through_sqs")) == []


def test_an_unversioned_bucket_says_no_version() -> None:
    record = {"eventName": "ObjectCreated:Copy", "s3": {"bucket": {"name": "b"}, "object": {"key": "a.pdf"}}}
    assert s3_puts(json.dumps({"Records": [record]})) == [Place("b", "a.pdf")]


@pytest.mark.parametrize("length", [0, 5, SENDER_LIMIT, 200_000])
def test_who_put_it_is_told_in_so_many_characters_and_no_more(length: int) -> None:
    who, at = "p" * length, {"bucket": {"name": "b"}, "object": {"key": "a.pdf"}}
    own = {"Records": [{"eventName": "ObjectCreated:Put", "userIdentity": {"principalId": who}, "s3": at}]}
    bridged = {"detail-type": "Object Created", "detail": {**at, "requester": who}}
    for said in (own, bridged):
        assert puts(json.dumps(said)) == [S3Put(Place("b", "a.pdf"), who[:SENDER_LIMIT])]


def through_sns(text: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:1:put", "Message": text})


def through_lambda(text: str) -> str:
    return json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": text}}]})


@pytest.mark.parametrize("name", ["s3_through_sqs", "eventbridge_s3_through_sqs", "s3_mixed_through_sqs"])
@pytest.mark.parametrize("wrapped", [through_sns, through_lambda, lambda text: through_sns(through_sns(text))])
def test_who_passed_it_on_changes_nothing(name: str, wrapped: Callable[[str], str]) -> None:
    assert s3_puts(wrapped(body(name))) == s3_puts(body(name)) != []


def test_a_rule_may_pass_on_the_detail_alone() -> None:
    event = json.loads(body("eventbridge_s3_through_sqs"))
    assert s3_puts(json.dumps(event["detail"])) == s3_puts(json.dumps(event))
    deleted = event["detail"] | {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"}
    assert s3_puts(json.dumps(deleted)) == []


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_sns_says_for_itself_is_no_document(kind: str) -> None:
    assert s3_puts(json.dumps({"Type": kind, "Message": "You have chosen to subscribe", "Token": "t"})) == []


def test_envelopes_without_end_are_malformed() -> None:
    text = body("s3_through_sqs")
    for _ in range(6):
        text = through_sns(text)
    with pytest.raises(Malformed):
        s3_puts(text)


CREATED = '{"Records": [{"eventName": "ObjectCreated:Put", "s3": %s}]}'
BRIDGED = '{"detail-type": "Object Created", "detail": %s}'
SHAPELESS = [
    *("", "no json", "[]", "1", "null", "{}", '{"Records": [{}]}', '{"Records": 5}', '"\\ud800"', "[" * 100_000),
    *('{"a":' * 100_000, '{"Records": [{"eventName": 7}]}', '{"Event": 7}', '{"detail-type": 7}'),
    *(CREATED % "null", CREATED % '{"bucket": {"name": "b"}, "object": {"key": 7}}', CREATED % "[]"),
    *(CREATED % '{"bucket": {"name": ["b"]}, "object": {"key": "a"}}', CREATED % '{"bucket": "b", "object": "a"}'),
    *(BRIDGED % "null", BRIDGED % '{"bucket": {"name": "b"}, "object": {"key": 7}}', BRIDGED % "{}"),
    *('{"Message": "no json"}', '{"Message": "{}"}', '{"Message": 7}', '{"Records": [{"Sns": {}}]}'),
    *('{"reason": "PutObject", "bucket": {}}', '{"Records": [{"body": "[]"}]}'),
]


@pytest.mark.parametrize("text", SHAPELESS, ids=range(len(SHAPELESS)))
def test_what_s3_does_not_say_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        s3_puts(text)


WORDS = st.sampled_from(["Records", "detail-type", "detail", "eventName", "s3", "bucket", "name", "object", "key"])
CREATIONS = st.sampled_from(["ObjectCreated:Put", "Object Created"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=4) | CREATIONS
SAID = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4))


@given(SAID)
def test_any_message_names_objects_or_is_malformed_and_never_an_accident(said: Any) -> None:
    try:
        found = s3_puts(json.dumps(said))
    except Malformed:
        return
    assert {type(part) for item in found for part in item} <= {str}
    assert all(item.key for item in found)


@given(key=st.text(min_size=1).filter(lambda key: "?versionId=" not in key), version=st.text("abc.-_0", max_size=32))
def test_a_location_leads_back_to_its_place(key: str, version: str) -> None:
    there = Place("a-bucket", key, version)
    assert source_place(str(there)) == there


def test_a_location_without_a_version_can_be_read_too() -> None:
    assert source_place("s3://a-bucket/a/b?c.pdf") == Place("a-bucket", "a/b?c.pdf")
