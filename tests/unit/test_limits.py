"""What services allow is already processedhand: nothing that passes the check is refused for its form later."""

import pytest
from botocore.exceptions import ParamValidationError
from botocore.handlers import validate_ascii_metadata
from botocore.session import Session
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.destinations.s3 import described
from handlers.destinations.s3_limits import (
    ELSEWHERE,
    EXPRESS,
    NONE,
    OWN_METADATA,
    STORAGE_CLASSES,
    option_faults,
)
from receiver.core.document import Classification, Origin
from receiver.core.ids import document_id
from receiver.core.length import most_bytes, most_bytes_of_a_part
from receiver.core.object_key import FIELDS, path_fields, render
from tests.builders import a_document
from tests.delivery_requests import a_delivery_request

NAMES = st.text(st.characters(codec="utf-8"), max_size=120) | st.text("xé.😀", min_size=150, max_size=260)
TEMPLATES = st.lists(
    st.sampled_from([*(f"{{{name}}}" for name in sorted(FIELDS)), "/", "-", ".", "x", "é"]), min_size=1, max_size=8
).map("".join)


@settings(max_examples=300)
@given(TEMPLATES, NAMES, NAMES, NAMES)
@example("{stem}.{ext}", "x." + "y" * 178, "", "")
@example("{stem}.{ext}", "x" * 176 + ".pdf", "", "")
@example("{stem}{ext}{filename}/", "x" * 300, "y" * 300, "z" * 300)
def test_no_document_makes_a_path_longer_than_was_reckoned(template: str, name: str, sender: str, other: str) -> None:
    origin = Origin(kind=other, locator="x", sender=sender)
    document = a_document(
        id=document_id(origin, "0" * 64), name=name, origin=origin, category=other, batch_id=other or "b",
        pages=tuple(range(1, 400, 2)), classification=Classification(type=other, confidence=1.0), naming=2,
    )  # fmt: skip
    path = render(template, path_fields(document))
    assert len(path.encode()) <= most_bytes(template)
    assert max(len(part.encode()) for part in path.split("/")) <= most_bytes_of_a_part(template)


def test_the_storage_classes_are_those_of_botocore() -> None:
    """A class that is new there must be put among ours, or among those that no writer can choose."""
    known = Session().get_service_model("s3").shape_for("StorageClass").enum
    assert {*STORAGE_CLASSES, EXPRESS, *ELSEWHERE} == set(known)


TEXTS = st.characters(codec="utf-8")
PAIRS = st.dictionaries(st.text(TEXTS, min_size=1, max_size=20), st.text(TEXTS, max_size=900), max_size=4)


@settings(max_examples=300)
@given(PAIRS)
@example({"a": "x" * 1623})
@example({"a": "x" * 1624})
def test_metadata_that_passes_the_check_is_what_s3_takes(pairs: dict[str, str]) -> None:
    options = {"metadata": ", ".join(f"{name}={value}" for name, value in pairs.items())}
    if option_faults("mail", options):
        return
    sent = metadata_of(options)
    with_ours = sum(len(name) + len(value.encode()) for name, value in sent.items() if name not in OWN_METADATA)
    assert with_ours + sum(len(name) + most for name, most in OWN_METADATA.items()) <= 2048
    try:
        validate_ascii_metadata({"Metadata": sent})
    except ParamValidationError as error:
        pytest.fail(str(error))


def metadata_of(options: dict[str, str]) -> dict[str, str]:
    return dict(described(a_delivery_request("s3://mail/a"), options)["Metadata"])


def test_our_own_metadata_is_as_long_as_was_reckoned_at_most() -> None:
    longest = Classification(type="é" * 300, confidence=1.0)
    request = a_delivery_request(
        "s3://mail/a", id=document_id(Origin(kind="x", locator="x"), "0"), classification=longest, delivery_id="d" * 28
    )
    sent: dict[str, str] = {**described(request, {})["Metadata"], "sha256": "0" * 64}
    assert {name: len(value) for name, value in sent.items()} == OWN_METADATA


@pytest.mark.parametrize("storage_class", STORAGE_CLASSES)
def test_every_class_of_an_ordinary_bucket_passes(storage_class: str) -> None:
    assert option_faults("mail", {"storage_class": storage_class, "tags": NONE}) == []
