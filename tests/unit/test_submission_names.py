"""The names under which documents are submitted: whole, unambiguous, and proof of whose job it is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from receiver.core.document import Document, Origin
from receiver.core.ids import document_id
from receiver.core.submission import (
    configuration_hash,
    current,
    document_named_by,
    external_file_id,
    is_submission_of,
    number_in,
    transaction_id,
)
from tests.builders import a_document

INSTALLATIONS = st.text("0123456789abcdef", min_size=16, max_size=16)
KINDS = st.sampled_from(["classify", "split"])
IDS = st.text(max_size=40).map(lambda content: document_id(Origin(kind="folder", locator="a.pdf"), content))
NUMBERS = st.integers(0, 10**9)
CONFIGURATIONS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(st.text(max_size=8) | st.integers() | st.none(), st.lists, max_leaves=4),
    max_size=3,
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    return a_document(id=draw(IDS), installation=draw(INSTALLATIONS), submissions=draw(NUMBERS))


def asked(document: Document, kind: str, order: str) -> Document:
    return replace(document, transactions=(*document.transactions, transaction_id(document, kind, order)))


@given(documents(), documents(), KINDS, st.text(max_size=9), CONFIGURATIONS)
def test_an_id_belongs_to_the_document_it_was_written_on_and_to_no_other(
    item: Document, other: Document, kind: str, file: str, configuration: dict[str, object]
) -> None:
    order = configuration_hash(kind, file, configuration)
    item, other = asked(item, kind, order), asked(other, kind, order)
    (name,) = item.transactions
    assert len(name) <= 255
    assert is_submission_of(item, name)
    assert (document_named_by(name), number_in(name), current(item)) == (item.id, item.submissions, name)
    same = (item.id, item.installation, item.submissions) == (other.id, other.installation, other.submissions)
    assert is_submission_of(other, name) is same
    again = replace(item, submissions=item.submissions + 1)
    assert is_submission_of(again, name)
    assert current(again) == ""
    assert transaction_id(again, kind, order) != name


@given(KINDS, KINDS, st.text(max_size=9), st.text(max_size=9), CONFIGURATIONS, CONFIGURATIONS)
def test_a_fingerprint_is_one_for_each_thing_that_can_be_asked(
    kind: str, other_kind: str, file: str, other_file: str, rules: dict[str, object], other_rules: dict[str, object]
) -> None:
    item, other = (kind, file, rules), (other_kind, other_file, other_rules)
    assert (configuration_hash(*item) == configuration_hash(*other)) is (item == other)


@given(KINDS, NUMBERS, NUMBERS)
def test_a_document_from_before_keeps_the_names_of_that_release(kind: str, now: int, number: int) -> None:
    document = a_document(id="doc_a7uyk7qq3fctc33cgff4unbo", submissions=now)
    assert transaction_id(document, kind, "anything") == f"mailroom-{kind}-{document.id}-{now}"
    assert external_file_id(document) == f"mailroom-{document.id}"
    assert is_submission_of(document, f"mailroom-{kind}-{document.id}-{number}") is (number <= now)
    assert not is_submission_of(document, f"mailroom-{kind}-doc_other-{number}")
    assert document_named_by(f"mailroom-{kind}-{document.id}-{number}") == document.id


def test_a_document_of_today_is_not_moved_by_a_job_of_the_earlier_form() -> None:
    document = a_document(id="doc_a", installation="0" * 16)
    assert not is_submission_of(document, "mailroom-classify-doc_a-0")
    assert external_file_id(document) == f"mailroom-{'0' * 16}-doc_a"


@given(st.text())
def test_what_we_did_not_name_names_nothing(text: str) -> None:
    for name in (text, f"mailroom-self-test-{text}", f"mailroom-{text}"):
        assert document_named_by(name) == "" or number_in(name) is not None
        assert not is_submission_of(a_document(id="doc_a", installation="f" * 16), name)
