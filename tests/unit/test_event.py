"""From bytes to an event, in all the shapes in which it comes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import Malformed
from receiver.core.event import Event, Inbound, parse_event
from tests.builders import NOW

DATA: dict[str, Any] = {"job_id": "job-1"}


def an_envelope(**fields: Any) -> dict[str, Any]:
    return {"event_id": "evt-1", "event_type": "classify.success", "timestamp": NOW - 2.5, "data": DATA, **fields}


def read(envelope: Any, **fields: Any) -> Event:
    return parse_event(json.dumps(envelope).encode(), received_at=NOW, **fields)


def test_the_documented_envelope_is_read() -> None:
    event = read(an_envelope(), verified_by=("headers:0",), document_id="doc_1", expires_at=NOW + 9)
    assert (event.event_id, event.type, event.job_id, event.other_id) == ("evt-1", "classify.success", "job-1", "")
    assert (event.sent_at, event.received_at, event.expires_at) == (NOW - 2.5, NOW, NOW + 9)
    assert (event.verified_by, event.document_id, event.as_string) == (("headers:0",), "doc_1", False)
    assert event.size == len(json.dumps(an_envelope()))


@pytest.mark.parametrize(
    ("data", "job_id", "other_id"),
    [
        ({"job_id": "a"}, "a", ""),
        ({"id": "a"}, "a", ""),
        ({"job_id": "a", "id": "a"}, "a", ""),
        ({"job_id": "a", "id": "b"}, "a", "b"),
        ({"job_id": None, "id": "b", "status": "COMPLETED"}, "b", ""),
        ({"job_id": "", "id": "b"}, "b", ""),
        ({}, "", ""),
        (None, "", ""),
    ],
)
def test_the_job_id_is_found_wherever_it_stands(data: Any, job_id: str, other_id: str) -> None:
    event = read(an_envelope(data=data))
    assert (event.job_id, event.other_id) == (job_id, other_id)


def test_an_envelope_without_data_or_timestamp_is_still_an_event() -> None:
    event = read({"event_id": "evt-1", "event_type": "unmapped_event"})
    assert (event.type, event.job_id, event.sent_at) == ("unmapped_event", "", None)


@pytest.mark.parametrize("event_type", ["classify.success", "verify.running", "unmapped_event", "not.yet.invented"])
def test_event_types_are_an_open_set(event_type: str) -> None:
    assert read(an_envelope(event_type=event_type)).type == event_type


def test_the_string_format_is_the_same_event() -> None:
    whole_as_string = read(json.dumps(an_envelope()))
    data_as_string = read(an_envelope(data=json.dumps(DATA)))
    both = read(json.dumps(an_envelope(data=json.dumps(DATA))))
    for event in (whole_as_string, data_as_string, both):
        assert (event.id, event.job_id, event.as_string) == ("evt-1", "job-1", True)
    assert read(an_envelope(data="")).job_id == ""


def test_space_around_the_body_does_not_matter() -> None:
    assert parse_event(b"\r\n\t " + json.dumps(json.dumps(an_envelope())).encode(), received_at=NOW).as_string


@pytest.mark.parametrize(
    ("timestamp", "sent_at"),
    [(1_700_000_000, 1_700_000_000.0), ("yesterday", None), (None, None), (1e300, None), (-5.0, None)],
)
def test_a_timestamp_that_says_nothing_costs_no_event(timestamp: Any, sent_at: float | None) -> None:
    assert read(an_envelope(timestamp=timestamp)).sent_at == sent_at


def test_an_old_event_is_flagged_and_not_lost() -> None:
    assert read(an_envelope(timestamp=NOW - 700), late_after=600).late
    assert not read(an_envelope(timestamp=NOW - 500), late_after=600).late
    assert not read(an_envelope(timestamp=NOW - 700)).late


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"42",
        b'"',
        b'"not json"',
        b"\xff\xfe",
        b'{"event_id":"1"}',
        b'{"event_id":1,"event_type":"x"}',
        b'{"event_id":"","event_type":"x"}',
        b'{"event_id":"1","event_type":""}',
        b'{"event_id":"1","event_type":"x","data":[]}',
        b'{"event_id":"1","event_type":"x","data":"{"}',
        b'{"event_id":"1","event_type":"x","data":{"job_id":7}}',
        b'{"event_id":"1","event_type":"x","data":{"job_id":"' + b"j" * 256 + b'"}}',
        b'{"event_id":"' + b"e" * 256 + b'","event_type":"x"}',
        b"[" * 100_000,
        b'{"event_id":"1","event_type":"x","data":' + b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_event(body, received_at=NOW)


@given(st.one_of(st.binary(), st.text().map(str.encode), st.text().map(lambda text: json.dumps(text).encode())))
def test_any_body_is_an_event_or_malformed_and_never_an_accident(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_event(body, received_at=NOW)


SCALARS = st.none() | st.booleans() | st.floats() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["job_id", "id"]), SCALARS)


@given(st.fixed_dictionaries({"event_id": JSON, "event_type": JSON, "timestamp": JSON, "data": JSON}))
def test_any_envelope_is_an_event_or_malformed_and_never_an_accident(envelope: dict[str, Any]) -> None:
    try:
        event = read(envelope)
    except Malformed:
        return
    assert event.event_id == envelope["event_id"]
    assert event.type == envelope["event_type"]


def test_an_event_id_is_used_up_by_the_document_that_proves_it_alone() -> None:
    ids = [read(an_envelope(event_id=sent), document_id=proven).id for sent, proven in IDS_THAT_LOOK_ALIKE]
    assert len(set(ids)) == len(ids)
    assert read(an_envelope()).id == "evt-1"


IDS_THAT_LOOK_ALIKE = [
    ("e", ""),
    ("e", "doc_a"),
    ("e", "doc_b"),
    ("e:doc_a", ""),
    ("e:doc_a", "doc_b"),
    ("e%3Adoc_a", ""),
]


def test_the_payload_is_not_kept() -> None:
    event = read(an_envelope(data={"job_id": "job-1", "result": {"type": "invoice"}}))
    assert "invoice" not in repr(event)


def test_a_header_has_all_its_values() -> None:
    inbound = Inbound([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")], b"")
    assert inbound.values(b"a") == [b"1", b"3"]
    assert inbound.values(b"c") == []


TWICE = [
    b'{"event_id":"1","event_id":"2","event_type":"x"}',
    b'{"event_id":"1","event_type":"x","event_type":"x"}',
    b'{"event_id":"1","event\\u005fid":"2","event_type":"x"}',
    b'{"event_id":"1","event_type":"x","data":{},"data":{"id":"1"}}',
    b'{"event_id":"1","event_type":"x","data":{"job_id":"1","job_id":"2"}}',
    b'{"event_id":"1","event_type":"x","data":{"id":"1", "id" : "2"}}',
    b'{"event_id":"1","event_type":"x","data":"{\\"id\\":\\"1\\",\\"id\\":\\"2\\"}"}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_name_that_stands_twice_is_refused(body: bytes) -> None:
    for form in (body, json.dumps(body.decode()).encode()):
        with pytest.raises(Malformed, match="duplicate JSON key"):
            parse_event(form, received_at=NOW)


def test_what_is_not_read_may_say_what_it_likes() -> None:
    rows = [{"id": "a", "job_id": "b", "data": '"id": "event_id"', "\\u0069d": 1}, {"id": "c"}]
    assert read(an_envelope(data={"id": "job-1", "rows": rows})).job_id == "job-1"
    assert (
        read(an_envelope(note='"event_id"', data={"id": 'x "job_id": 1 "job_id": 2 \\"id\\"'})).type
        == "classify.success"
    )


@pytest.mark.parametrize("nested", [b"[" * 62 + b"]" * 62, b'{"a":' * 62 + b"1" + b"}" * 62, b"[[],{}]" * 1])
def test_nesting_up_to_the_limit_is_read(nested: bytes) -> None:
    assert parse_event(b'{"event_id":"1","event_type":"x","data":{"rows":%b}}' % nested, received_at=NOW).id == "1"


@pytest.mark.parametrize("nested", [b"[" * 63 + b"]" * 63, b'{"a":' * 63 + b"1" + b"}" * 63])
def test_nesting_beyond_the_limit_is_refused(nested: bytes) -> None:
    with pytest.raises(Malformed, match="nested"):
        parse_event(b'{"event_id":"1","event_type":"x","data":{"rows":%b}}' % nested, received_at=NOW)


def test_brackets_in_text_are_no_nesting() -> None:
    assert read(an_envelope(data={"id": "j", "text": "[{" * 1000 + '\\"['})).job_id == "j"


@pytest.mark.parametrize("junk", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"])
def test_what_is_not_utf8_is_refused_even_where_it_is_not_read(junk: bytes) -> None:
    for body in (
        b'{"event_id":"1","event_type":"x","data":{"note":"%b"}}',
        b'{"event_id":"1","event_type":"x","%b":0}',
    ):
        with pytest.raises(Malformed, match="UTF-8"):
            parse_event(body % junk, received_at=NOW)


def test_text_that_crosses_a_chunk_is_still_utf8() -> None:
    assert read(an_envelope(data={"id": "j", "text": "x" * 65_400 + "€" * 100_000})).job_id == "j"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_payload_that_is_json_never_costs_an_event(payload: Any) -> None:
    assert read(an_envelope(data={"job_id": "job-1", "payload": payload})).job_id == "job-1"
