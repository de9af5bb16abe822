"""What destinations tell of a document: safe for headers and tags, and never too long for a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.destinations.manifest import ascii_safe, manifest_attributes, manifest_file, same_manifest
from handlers.destinations.options import pairs, unknown
from receiver.core.document import Classification
from tests.delivery_requests import a_delivery_request

ALLOWED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 +-=._:/@")


@given(st.text(max_size=600))
def test_a_safe_value_holds_only_what_tags_take(value: str) -> None:
    safe = ascii_safe(value)
    assert 0 < len(safe) <= 256
    assert set(safe) <= ALLOWED
    assert safe == safe.strip()


@given(st.text(max_size=600))
def test_facts_are_never_empty_and_hold_no_control_characters(type_: str) -> None:
    request = a_delivery_request("sqs://q", classification=Classification(type=type_, confidence=0.5))
    for value in manifest_attributes(request).values():
        assert 0 < len(value) <= 256
        assert value.isprintable()


def test_a_manifest_is_the_same_bytes_each_time() -> None:
    request = a_delivery_request("s3://mail/a.pdf")
    assert manifest_file(request, sha256="ab") == manifest_file(request, sha256="ab")


@pytest.mark.parametrize("there", [b"", b"not json", b"[]", b'"doc-1"', b'{"document_id": "doc-2"}', b"\xff\xfe"])
def test_what_is_no_manifest_of_ours_is_another_story(there: bytes) -> None:
    assert not same_manifest(there, a_delivery_request("s3://mail/a.pdf", id="doc-1"))


def test_options_are_read_as_pairs_and_mistakes_are_named() -> None:
    assert pairs("a=b, c = d=e,") == {"a": "b", "c": "d=e"}
    with pytest.raises(ValueError, match="'oops' is not name=value"):
        pairs("a=b, oops")
    (fault,) = unknown({"grop": "type"}, ["group"])
    assert "did you mean group?" in fault
    assert unknown({"x": "1"}, []) == ["it accepts no option 'x'"]
