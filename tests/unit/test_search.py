"""The search language: any text is a search or a clear error, and what a search means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.document import Classification, Delivery, DeliveryState, DocumentState, Origin, Receipt
from receiver.core.errors import Malformed
from receiver.core.plan import Target
from receiver.core.search import FILTERS, PARTS_LIMIT, TEXT_LIMIT, parse_search
from receiver.core.search_entry import SearchEntry
from tests.builders import NOW, a_document

DAY = 86400.0


def an_invoice(**fields: Any) -> SearchEntry:
    delivered = Delivery(
        id="dlv-1",
        to=Target(url="s3://mail/invoices/"),
        route="invoice",
        state=DeliveryState.DELIVERED,
        receipt=Receipt(location="s3://mail/invoices/Harbour 7.pdf"),
    )
    given: dict[str, Any] = {
        "id": "doc_4f2a9",
        "name": "Stromrechnung  Straße 7.pdf",
        "sha256": "9f86d0" + "0" * 58,
        "job_id": "cls-77aa",
        "origin": Origin(kind="email", locator="<m1>", sender="Ann <ann@acme.example>"),
        "metadata": {"subject": "Order 7, urgent"},
        "state": DocumentState.REVIEW,
        "classification": Classification(type="invoice", confidence=0.75),
        "deliveries": (delivered,),
        "batch_id": "doc_4f2a9",
    }
    return SearchEntry.of(a_document(**{**given, **fields}))


def found(text: str, entry: SearchEntry) -> bool:
    return parse_search(text, now=NOW + 3600).fits(entry)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rechnung",
        "STRASSE",
        '"straße 7"',
        "harbour invoice",
        "ann@acme",
        "urgent",
        "4f2a",
        "doc_4f2a9",
        "cls-77aa",
        "9f86d0" + "0" * 58,
        "s3://mail/invoices",
        "name:strom",
        "name:7.PDF",
        "id:4f2a",
        "id:doc_4",
        "job:cls-77",
        "sha256:9F86",
        "sender:acme.example",
        'subject:"order 7"',
        "place:s3://mail",
        "source:email",
        "batch:doc_4f2a9",
        "type:invoice",
        "state:review",
        "confidence:<0.8",
        "confidence:>=75%",
        "confidence:0.75",
        "confidence:0.5..0.8",
        "since:2h",
        "since:2027-01-15T08:00",
        "since:today",
        "before:2027-01-16",
        "date:2027-01-15",
        "date:2027-01",
        "date:2027",
        "-type:contract",
        "-confidence:>0.8 -nothing",
        "TYPE:invoice",
    ],
)
def test_a_document_is_found_by_what_people_know_of_it(text: str) -> None:
    assert found(text, an_invoice())


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "rechnung nothing",
        "name:ann",
        "name:harbour",
        "sender:order",
        "subject:rechnung",
        "place:ann",
        "id:f2a9",
        "job:77aa",
        "sha256:86d0",
        "source:mail",
        "batch:doc_4f2a",
        "type:Invoice",
        "type:contract",
        'type:""',
        "state:open",
        "confidence:<0.75",
        "confidence:>0.75",
        "confidence:80%..90%",
        "since:30m",
        "since:2027-01-16",
        "before:2027-01-15T08:00",
        "before:2h",
        "date:2027-01-14",
        "date:yesterday",
        "date:2026",
        "-type:invoice",
        "-rechnung",
    ],
)
def test_a_document_that_does_not_fit_is_not_found(text: str) -> None:
    assert not found(text, an_invoice())


def test_what_has_no_type_and_no_confidence_fits_no_comparison_and_no_type() -> None:
    unknown = an_invoice(classification=None)
    assert found('type:""', unknown)
    assert not any(found(text, unknown) for text in ("confidence:<1", "confidence:>=0", "type:invoice"))
    assert found("-confidence:<1", unknown)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("typ:invoice", 'typ: is no filter; .*write "typ:invoice"; did you mean type?'),
        ("invoice Re: order", "Re: is no filter; .* known: name, id, job"),
        ("state:reviw", "state:reviw is no state; did you mean review?"),
        ("state:x", "known: open, routed, review, failed, withdrawn"),
        ("confidence:high", "confidence:high is no confidence: write confidence:<0.8"),
        ("confidence:8", "confidence:8 is over 1"),
        ("since:tuesday", "since:tuesday is no moment: write a date .* or an age"),
        ("before:2026-13", "before:2026-13 is no moment"),
        ("date:7d", "date:7d is no day: write 2026-11-22"),
        ("type:", "type: needs a value such as type:invoice"),
        ('name:"harbour', "the quotation mark before 'harbour' is not closed"),
        ('""', "nothing between the quotation marks"),
        ("a OR b", "OR is no operator: all words must be found"),
        ("\udcff", "not Unicode"),
        ("x" * (TEXT_LIMIT + 1), "at most 1000 characters"),
        ("x " * (PARTS_LIMIT + 1), "at most 20 words and filters"),
    ],
)
def test_an_error_names_the_word_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        parse_search(text, now=NOW)


@pytest.mark.parametrize("name", FILTERS)
def test_the_example_of_each_filter_is_a_search(name: str) -> None:
    (criterion,) = parse_search(FILTERS[name].example, now=NOW).criteria
    assert criterion.field == name


PIECES = st.one_of(
    st.sampled_from([f"{name}:" for name in FILTERS]),
    st.sampled_from(["-", '"', '""', ":", " ", "//", "7d", "0.8", "<", "..", "%", "2027-01-15", "OR", "a" * 64]),
    st.text(max_size=6),
    st.characters(categories=["Cs", "Cc", "Zs", "Cf"]),
)


@given(pieces=st.lists(PIECES, max_size=12), now=st.floats(0, 4e9))
def test_any_text_is_a_search_whose_text_means_the_same_or_a_clear_error(pieces: list[str], now: float) -> None:
    try:
        search = parse_search("".join(pieces), now=now)
    except Malformed as error:
        assert str(error)
        return
    assert parse_search(str(search), now=now) == search
    assert isinstance(search.fits(an_invoice()), bool)


@given(value=st.text(min_size=1, max_size=30))
def test_what_an_entry_has_is_found_by_it_in_quotation_marks(value: str) -> None:
    try:
        search = parse_search('name:"{}"'.format(value.replace('"', '""')), now=NOW)
    except Malformed:
        return
    assert search.fits(an_invoice(name=value))
    assert all(item.needle in an_invoice(name=value).text for item in search.criteria)
