"""Conditions beside the type: met, unmet, or unknown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.condition_logic import covered, impossible
from receiver.core.document import Document, Origin
from receiver.core.when import Judge, Truth, When, document_attributes
from tests.builders import a_document


def truth(when: When, document: Document) -> Truth:
    return Judge(when).truth(document_attributes(document))


def why(when: When, document: Document) -> str:
    return Judge(when).why(document_attributes(document))


EMAIL = Origin(kind="email", locator="m", sender="Bob@ACME.example")
TO = {"to": "Accounts <Invoices@acme.example>, Bob", "cc": "ann@other.example"}
CONDITIONS = [
    (When(source=("email",)), {"origin": EMAIL}, {"origin": Origin(kind="s3", locator="m")}),
    (When(subject=("*invoice*",)), {"metadata": {"subject": "Your Invoice 4711"}}, {"metadata": {}}),
    (When(sender=("*@acme.example",)), {"origin": EMAIL}, {"origin": Origin(kind="email", locator="m")}),
    (When(recipient=("invoices@*",)), {"metadata": TO}, {"metadata": {"to": "ann@other.example"}}),
    (When(recipient=("ann@*",)), {"metadata": TO}, {"metadata": {}}),
    (When(recipient=("*",)), {"metadata": TO}, {}),
    (When(name=("*.tif", "SCAN*")), {"name": "scan-1.pdf"}, {"name": "letter.pdf"}),
    (When(media_type=("image/*",)), {"media_type": "image/png"}, {"media_type": "application/pdf"}),
    (When(parent_category=("invoice",)), {"category": "invoice"}, {"category": ""}),
    (When(metadata={"po": ("47*",)}), {"metadata": {"po": "4711"}}, {"metadata": {"po": "5"}}),
    (When(metadata={"po": ("*",)}), {"metadata": {"po": ""}}, {"metadata": {}}),
    (When(min_pages=2), {"page_count": 2}, {"page_count": 1}),
    (When(max_pages=2), {"page_count": 2}, {"page_count": 3}),
    (When(max_pages=2), {"pages": (7, 8)}, {"pages": (7, 8, 9)}),
    (When(min_size=100), {"size": 100}, {"size": 99}),
    (When(max_size=100), {"size": 100}, {"size": 101}),
    (When(duplicate=True), {"duplicate_of": "doc_x"}, {"duplicate_of": ""}),
    (When(duplicate=False), {"duplicate_of": ""}, {"duplicate_of": "doc_x"}),
    (When(none_of=(When(name=("*.pdf",)),)), {"name": "a.tif"}, {"name": "a.pdf"}),
    (When(none_of=(When(name=("a*",)), When(name=("b*",)))), {"name": "c"}, {"name": "b"}),
    (When(any_of=(When(name=("a*",)), When(name=("b*",)))), {"name": "b"}, {"name": "c"}),
    (When(name=("a*",), none_of=(When(max_size=9),)), {"name": "a", "size": 10}, {"name": "a", "size": 9}),
]  # fmt: skip


@pytest.mark.parametrize(("when", "met", "unmet"), CONDITIONS)
def test_conditions_are_met_or_unmet_and_say_why(when: When, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    assert truth(when, a_document(**met)) is True
    assert truth(when, a_document(**unmet)) is False
    assert why(when, a_document(**unmet))


PAGES = "would depend on the number of pages, which is unknown"
ADOPTED = {"sha256": "", "size": 0}
CUT = {"to": ", ".join(f"somebody-{n}@acme.example" for n in range(60))[:1000]}
UNKNOWN = [
    (When(min_pages=2), {}, PAGES),
    (When(max_pages=2), {}, PAGES),
    (When(none_of=(When(max_pages=2),)), {}, PAGES),
    (When(any_of=(When(max_pages=2), When(name=("x",)))), {}, PAGES),
    (When(max_size=2), ADOPTED, "would depend on the size, which is unknown"),
    (When(media_type=("image/*",)), ADOPTED, "would depend on the media type, which is unknown"),
    (When(duplicate=False), ADOPTED, "would depend on whether its bytes were received before, which is unknown"),
    (When(min_pages=2, max_size=2), ADOPTED, "would depend on the number of pages and the size, which are unknown"),
    (When(recipient=("zoe@*",)), {"metadata": CUT}, "would depend on the whole list of recipients, which is unknown"),
]


@pytest.mark.parametrize(("when", "fields", "words"), UNKNOWN)
def test_what_nobody_knows_is_neither_met_nor_unmet(when: When, fields: dict[str, Any], words: str) -> None:
    assert truth(when, a_document(**fields)) is None
    assert why(when, a_document(**fields)) == words


def test_what_is_known_may_settle_what_is_not() -> None:
    document = a_document(name="a.docx", metadata=CUT)
    assert truth(When(min_pages=2, name=("*.pdf",)), document) is False
    assert truth(When(any_of=(When(min_pages=2), When(name=("*.docx",)))), document) is True
    assert truth(When(none_of=(When(min_pages=2, name=("*.pdf",)),)), document) is True
    assert truth(When(recipient=("somebody-1@*",)), document) is True


PATTERNS = st.lists(st.sampled_from(["*", "a*", "*.pdf", "ab.pdf", "b*"]), max_size=2).map(tuple)
BOUND = st.none() | st.integers(1, 3)
SIMPLE = st.builds(
    When, name=PATTERNS, source=st.sampled_from([(), ("email",), ("s*", "folder")]), min_pages=BOUND, max_pages=BOUND,
    duplicate=st.none() | st.booleans(), metadata=st.sampled_from([{}, {"k": ("v*",)}, {"k": ("*",)}]),
)  # fmt: skip
WHENS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(
        When, name=PATTERNS, any_of=st.lists(inner, max_size=2).map(tuple),
        none_of=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=4,
)  # fmt: skip
DOCUMENTS = [
    a_document(name=name, origin=Origin(kind=kind, locator="x"), page_count=pages, duplicate_of=before, metadata=told)
    for name in ("ab.pdf", "a.txt", "b.pdf")
    for kind in ("email", "s3", "upload")
    for pages in (1, 2, 3, 4)
    for before in ("", "doc_x")
    for told in ({}, {"k": "v1"}, {"k": ""})
]
KINDS = [document_attributes(item) for item in DOCUMENTS]
UNSURE = [
    document_attributes(a_document(name=name, origin=Origin(kind="email", locator="x"))) for name in ("ab.pdf", "c")
]


@given(WHENS)
def test_a_condition_and_its_opposite_share_the_documents_between_them(when: When) -> None:
    judge, opposite = Judge(when), Judge(When(none_of=(when,)))
    for known in (*KINDS, *UNSURE):
        here = judge.truth(known)
        assert opposite.truth(known) is (None if here is None else not here)
        assert bool(judge.unknown(known)) == (here is None)


@given(st.lists(WHENS, max_size=3), WHENS)
def test_what_is_said_to_be_covered_is_covered(wholes: list[When], given_: When) -> None:
    judges, judge = [Judge(item) for item in wholes], Judge(given_)
    met = [known for known in KINDS if judge.truth(known)]
    left = [known for known in met if not any(item.truth(known) for item in judges)]
    if covered(wholes, given_):
        assert not left
    if impossible(given_):
        assert not met


def test_conditions_that_share_everything_between_them_are_seen_to_leave_nothing_out() -> None:
    for parts in (
        [When(duplicate=True), When(duplicate=False)],
        [When(max_pages=5), When(min_pages=6)],
        [When(max_size=5), When(min_size=3)],
        [When(name=("*.pdf",)), When(none_of=(When(name=("*.pdf",)),))],
        [
            When(source=("email", "piece")),
            When(source=("folder", "upload")),
            When(source=("s3", "adopted", "llamacloud")),
        ],
        [When(duplicate=True), When(duplicate=False, max_pages=2), When(min_pages=3)],
    ):
        assert covered(parts, When()) is True
        assert covered(parts[:-1], When()) is False


def test_what_is_too_much_to_go_through_is_left_undecided() -> None:
    apart = [When(name=(f"*{n}*",)) for n in range(12)]
    assert covered(apart, When()) is False
    assert covered([*apart[:5], When(none_of=tuple(apart[:5]))], When()) is True
    assert covered([*apart, When(none_of=tuple(apart))], When()) is None


@pytest.mark.parametrize(
    "when",
    [
        When(duplicate=True, none_of=(When(duplicate=True),)),
        When(none_of=(When(),)),
        When(source=("mail",)),
        When(name=("a.pdf",), none_of=(When(name=("*.pdf",)),)),
        When(any_of=(When(max_pages=2),), min_pages=3),
    ],
)
def test_conditions_that_exclude_each_other_are_seen_to(when: When) -> None:
    assert impossible(when)
