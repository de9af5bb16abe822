"""What a consumer of messages can rely on: their types, attributes, schemas and size."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from handlers.destinations.cloudevent import MOST, cloudevent, event_attributes
from handlers.destinations.manifest import manifest_attributes, manifest_file
from receiver.core.delivery_request import DeliveryRequest, Pointer, PointerState
from receiver.core.document import Classification
from receiver.core.mail import Fate, Part
from receiver.core.manifest import manifest
from receiver.core.message_type import Meaning, meaning_of
from receiver.core.pages import Cut, Segment
from receiver.core.plan import Plan, Row, Way
from tests.builders import NOW, a_document
from tests.delivery_requests import a_content, a_delivery_request

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def validator(name: str, *, strict: bool = True) -> Draft202012Validator:
    """``strict`` refuses what the schema does not name: a consumer may read more, we must not say more."""
    schema = json.loads((SCHEMAS / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema) if strict else schema)


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _closed(item) for name, item in node.items()}
    return closed | {"additionalProperties": False} if isinstance(node.get("properties"), dict) else closed


EVENT, MESSAGE, MANIFEST = (validator(name) for name in ("event-1.json", "message-1.json", "manifest-1.json"))


def a_plan(way: Way, *, review: bool = False, rows: int = 0, route: str = "invoices") -> Plan:
    why = "type 'invoice' is not statement or remittance or reminder"
    trace = tuple(Row(route=f"row-{number}", matched=False, why=why) for number in range(rows))
    return Plan(way=way, route=route, reason="because", review=review, trace=trace, table="t1", decided_at=NOW)


def told(request: DeliveryRequest, plan: Plan, **fields: Any) -> DeliveryRequest:
    """The parcel with this plan and what it makes a message say."""
    document = replace(request.document, plan=plan)
    content = manifest(document, delivery_id=request.delivery_id)
    meaning = meaning_of(plan, placed=False)
    return replace(request, document=document, plan=plan, manifest=content, **{"meaning": meaning, **fields})


def said(request: DeliveryRequest) -> dict[str, Any]:
    """The message, held against its schemas."""
    message: dict[str, Any] = json.loads(cloudevent(request))
    EVENT.validate(message)
    MESSAGE.validate(message["data"])
    assert datetime.fromisoformat(message["time"]).timestamp() == NOW
    assert message["sequence"] == str(message["data"]["sequence"])
    return message


@pytest.mark.parametrize(
    ("way", "review", "meaning"),
    [
        (Way.MATCHED, False, "routed"),
        (Way.MATCHED, True, "held"),
        (Way.BY_HAND, False, "routed"),
        (Way.LOW_CONFIDENCE, True, "held"),
        (Way.LOW_CONFIDENCE, False, "held"),
        (Way.NO_MATCH, True, "unmatched"),
        (Way.NO_MATCH, False, "unmatched"),
        (Way.FAILED, False, "failed"),
        (Way.UNROUTED, True, "held"),
        (Way.PACKET, False, "routed"),
        (Way.MAIL, True, "held"),
    ],
)
def test_the_type_says_what_happened_and_attributes_say_which_way(way: Way, review: bool, meaning: str) -> None:
    request = told(a_delivery_request("sqs://q"), a_plan(way, review=review))
    message = said(request)
    assert message["type"] == f"mailroom.document.{meaning}"
    assert (message["way"], message["review"]) == (way, review)
    found = event_attributes(request)
    assert (found["event"], found["way"], found["review"]) == (message["type"], way, str(review).lower())


def test_a_correction_is_one_only_of_a_document_that_had_a_place() -> None:
    plans = [a_plan(way) for way in (Way.MATCHED, Way.FAILED, Way.NO_MATCH)]
    assert [meaning_of(plan, placed=True) for plan in plans] == [Meaning.CORRECTED, Meaning.FAILED, Meaning.UNMATCHED]


@pytest.mark.parametrize("found", [Classification(type=None, confidence=1.0), None])
def test_a_filter_for_certain_documents_takes_none_without_a_type(found: Classification | None) -> None:
    request = told(a_delivery_request("sqs://q", classification=found), a_plan(Way.NO_MATCH if found else Way.FAILED))
    message = said(request)
    for named in (event_attributes(request), manifest_attributes(request), message):
        assert "confidence" not in named
    assert not {"type"} & event_attributes(request).keys()
    assert "documenttype" not in message


def test_whoever_is_told_that_a_document_is_no_affair_of_its_any_more_is_told_nothing_else() -> None:
    fields = {"meaning": Meaning.SUPERSEDED, "replaces": "dlv_before", "pointer": Pointer(), "sequence": 3}
    request = told(a_delivery_request("sqs://q"), a_plan(Way.BY_HAND, route="other-tenant"), **fields)
    message = said(request)
    assert event_attributes(request) == {"event": "mailroom.document.superseded", "document_id": request.document.id}
    assert message["data"] == {
        "delivery_id": request.delivery_id, "document_id": request.document.id, "sequence": 3, "replaces": "dlv_before",
        "pointer": "", "pointer_state": "none", "manifest": "", "sha256": request.content.sha256,
    }  # fmt: skip
    assert "other-tenant" not in json.dumps(message)


@pytest.mark.parametrize("rows", [1, 40, 2000])
def test_a_message_stays_short_however_many_rows_the_table_has(rows: int) -> None:
    reasoning = "It has an invoice number, line items and a total amount due. " * 8
    at = Pointer(url="s3://mail/" + "k" * 200, state=PointerState.STORED, manifest="s3://mail/" + "k" * 214)
    request = told(a_delivery_request("sqs://q", reasoning=reasoning), a_plan(Way.MATCHED, rows=rows), pointer=at)
    message = said(request)
    assert len(cloudevent(request)) < 4096
    assert "rows" not in message["data"]["decision"]
    assert message["data"]["manifest"] == at.manifest
    assert "shortened" not in message["data"]
    content = json.loads(manifest_file(request, sha256=request.content.sha256))
    MANIFEST.validate(content)
    assert len(content["decision"]["rows"]) == rows


TEXTS = st.text(max_size=1500)
POINTERS = st.builds(
    Pointer,
    url=st.text(min_size=1, max_size=300).map("s3://b/".__add__),
    state=st.sampled_from(PointerState),
    manifest=st.text(max_size=300),
)


@given(
    name=TEXTS, reasoning=TEXTS, reason=TEXTS, pointer=POINTERS, way=st.sampled_from(Way), rows=st.integers(0, 30),
    review=st.booleans(), number=st.integers(0, 10**6), meaning=st.sampled_from(Meaning),
    type_=st.one_of(st.none(), st.text(min_size=1, max_size=50)), confidence=st.floats(0, 1),
    metadata=st.dictionaries(TEXTS, TEXTS, max_size=5),
)  # fmt: skip
def test_every_message_and_manifest_is_what_the_schemas_say_and_short(
    name: str, reasoning: str, reason: str, pointer: Pointer, way: Way, rows: int, review: bool, number: int,
    meaning: Meaning, type_: str | None, confidence: float, metadata: dict[str, str],
) -> None:  # fmt: skip
    found = Classification(type=type_, confidence=confidence, reasoning=reasoning)
    request = a_delivery_request("sqs://q", classification=found, name=name, metadata=metadata)
    plan = replace(a_plan(way, review=review, rows=rows), reason=reason)
    request = told(request, plan, pointer=pointer, sequence=number, meaning=meaning)
    message = said(request)
    assert len(cloudevent(request)) <= MOST
    assert message["data"]["pointer"] == json.loads(json.dumps(pointer.url).encode(errors="replace"))
    MANIFEST.validate(json.loads(manifest_file(request, sha256=request.content.sha256)))


def test_packets_pieces_and_mails_are_what_the_schemas_say() -> None:
    pieces = (Segment(category="invoice", pages=(1, 2), confidence="high"),)
    cut = Cut(at=NOW, by="Ada", task="cut:1", pieces=pieces, omitted=(3,))
    part = Part(where="1", name="a.pdf", media_type="application/pdf", size=3, fate=Fate.DOCUMENT, document_id="doc_1")
    piece = a_document(parent_id="doc-9", pages=(1, 2), category="invoice", category_confidence="high")
    documents = [
        a_document(packet=True, cuts=(cut,), page_count=3),
        piece,
        a_document(parent_id="doc-9", duplicate_of="doc-1"),
        a_document(mail=True, parts=(part,)),
    ]
    for document in documents:
        plan = a_plan(Way.PACKET, rows=3)
        planned = replace(document, plan=plan)
        content = manifest(planned, delivery_id="dlv_1", pieces=[piece])
        request = replace(a_delivery_request("sqs://q"), document=planned, plan=plan, manifest=content)
        said(request)
        MANIFEST.validate(json.loads(manifest_file(request, sha256="a" * 64)))


def test_a_long_packet_is_told_without_its_pieces_which_stand_in_the_manifest() -> None:
    pieces = [a_document(parent_id="doc-9", pages=(n,), category="invoice", name=f"{n}.pdf") for n in range(1, 40)]
    segments = tuple(Segment(category="invoice", pages=item.pages, confidence="high") for item in pieces)
    cut = Cut(at=NOW, by="Ada", task="cut:1", pieces=segments, omitted=())
    plan = a_plan(Way.PACKET)
    packet = a_document(packet=True, cuts=(cut,), page_count=39, plan=plan)
    content = manifest(packet, delivery_id="dlv_1", pieces=pieces)
    request = replace(a_delivery_request("sqs://q"), document=packet, plan=plan, manifest=content)
    data = said(request)["data"]
    assert (data["shortened"], data["pages"]["count"], "pieces" in data) == (True, 39, False)
    assert len(json.loads(manifest_file(request, sha256="a" * 64))["pieces"]) == 39


def test_a_short_story_is_told_whole() -> None:
    data = said(a_delivery_request("sqs://q", metadata={"customer": "42"}))["data"]
    assert "shortened" not in data
    assert data["document"]["metadata"] == {"customer": "42"}
    assert data["classification"]["confidence"] == 0.93


def test_a_consumer_of_today_may_read_what_a_later_mailroom_adds() -> None:
    message = said(a_delivery_request("sqs://q"))
    message["data"]["new"] = asdict(Pointer())
    validator("event-1.json", strict=False).validate({**message, "more": 1})


def test_a_content_of_unknown_checksum_is_said_to_be_unknown() -> None:
    assert said(a_delivery_request("sqs://q", content=a_content(b"x", sha256="")))["data"]["sha256"] == ""
