"""Packets are cut into their documents, neighbours of one category apart."""

import pytest

from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.reading import Page, Reading
from llamacloud_sandbox.segment import Segment, Strategy
from support.pdf_fixtures import a_reading

CATEGORIES = (
    Rule("invoice", "a bill with an invoice number and a total amount due"),
    Rule("contract", "a legal agreement between parties"),
    Rule("letter", "a letter with a salutation"),
)


def an_invoice(number: int, seller: str = "Northwind Traders") -> str:
    return f"""{seller}
14 Harbour Road
Invoice number: {number}
Bill to: Halden & Co
Qty Description Unit price Amount
4 Desk lamps 40.00 160.00
Amount due 160.00, payable within 30 days"""


LETTER = """Marlow Housing
Dear Mrs Patel,
Thank you for your letter of 20 May. I am writing to say that the lift will be replaced in July.
Yours sincerely,
T. Bloom"""
CONTRACT = (
    """CONSULTING AGREEMENT
This Agreement is entered into by and between Halden Ltd and Rosa Meyer (the parties).
1. Services. The consultant shall provide advice on supply chains and shall report monthly to
the board of the client, which shall bear the cost of all travel that it has approved in""",
    """writing beforehand.
2. Termination. Either party may terminate this Agreement on thirty days' written notice.
3. Governing law. This Agreement is governed by the laws of England.
IN WITNESS WHEREOF the parties have signed.
Signature ____________""",
)
RECIPE = """Apple cake
Preheat the oven. Cream the butter and sugar, then beat in the eggs.
Fold in the flour, lay the sliced apples on top and bake for forty minutes."""


def a_paper(title: str, subject: str) -> tuple[str, str, str]:
    return (
        f"{title}\nA. Author\nUniversity of Lagos\nAbstract\nWe propose a method for {subject} and evaluate it on four "
        f"datasets.\n1 Introduction\nMuch work on {subject} exists [1], [2].\n1",
        f"3 Experiments\nResults for {subject} are in Table 1. Our method exceeds the baseline [3].\n"
        f"4 Conclusion\nWe have shown that {subject} can be improved.\n2",
        "References\n[1] Smith et al. Proceedings of the conference, 2019.\n[2] J. Doe. A journal, 2020.\n"
        "[3] K. Roe. arXiv, 2021.\n[4] L. Moe. A journal, 2018.\n3",
    )


def parts(reading: Reading, strategy: Strategy | None = None) -> list[tuple[str, tuple[int, ...]]]:
    segments = LexicalJudge().split(reading, CATEGORIES, strategy or Strategy())
    return [(segment.category, segment.pages) for segment in segments]


def test_documents_of_different_categories_become_segments() -> None:
    assert parts(a_reading(an_invoice(1001), *CONTRACT, LETTER)) == [
        ("invoice", (1,)),
        ("contract", (2, 3)),
        ("letter", (4,)),
    ]


def test_three_invoices_of_one_seller_in_a_row_are_three_segments() -> None:
    reading = a_reading(an_invoice(1001), an_invoice(1002), an_invoice(1003))
    assert parts(reading) == [("invoice", (1,)), ("invoice", (2,)), ("invoice", (3,))]


def test_an_invoice_of_two_pages_under_one_number_stays_whole() -> None:
    second = "Northwind Traders\n14 Harbour Road\nInvoice number: 1001\n2 Chairs 80.00 160.00\nAmount due 320.00"
    assert parts(a_reading(an_invoice(1001), second, an_invoice(1002))) == [("invoice", (1, 2)), ("invoice", (3,))]


def test_page_numbers_that_go_on_hold_a_document_together_and_a_restart_cuts_it() -> None:
    pages = [f"{an_invoice(7)}\nPage {number} of 2" for number in (1, 2, 1, 2)]
    assert parts(a_reading(*pages)) == [("invoice", (1, 2)), ("invoice", (3, 4))]


@pytest.mark.parametrize("described", [True, False])
def test_an_essay_and_two_papers_are_three_segments(described: bool) -> None:
    essay = (
        "On Being Late\nI believe that lateness is a kind of optimism. Perhaps the late person trusts the world to\n"
        "wait. One might say that punctuality is fear of clocks, and of course that fear is old. But suppose",
        "we asked what time is for. It seems to me that the question is moral, and I would argue that we ought to\n"
        "ask it of ourselves. Indeed, let us admit that freedom begins where the bell is not heard.",
    )
    categories = (
        Rule("essay", "A reflective piece of writing with personal viewpoints, without formal structure" * described),
        Rule("research_paper", "An academic document with methodology, experiments and references" * described),
    )
    reading = a_reading(*essay, *a_paper("Sparse Retrieval", "search"), *a_paper("Sleep and Memory", "recall"))
    segments = LexicalJudge().split(reading, categories, Strategy())
    assert [(segment.category, segment.pages) for segment in segments] == [
        ("essay", (1, 2)),
        ("research_paper", (3, 4, 5)),
        ("research_paper", (6, 7, 8)),
    ]


@pytest.mark.parametrize(
    ("uncategorized", "expected"),
    [
        ("include", [("invoice", (1,)), ("uncategorized", (2,)), ("letter", (3,))]),
        ("omit", [("invoice", (1,)), ("letter", (3,))]),
    ],
)
def test_pages_that_fit_nowhere_are_kept_apart_or_left_out(
    uncategorized: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert parts(a_reading(an_invoice(1), RECIPE, LETTER), Strategy(uncategorized)) == expected


def test_forbid_gives_every_page_a_category_and_says_how_unsure_it_is() -> None:
    segments = LexicalJudge().split(a_reading(an_invoice(1), RECIPE, "", LETTER), CATEGORIES, Strategy("forbid"))
    assert [page for segment in segments for page in segment.pages] == [1, 2, 3, 4]
    assert "uncategorized" not in {segment.category for segment in segments}
    assert next(segment for segment in segments if 2 in segment.pages).confidence == "low"


def test_blank_separators_fit_nowhere_but_a_blank_back_stays_in_its_document() -> None:
    assert parts(a_reading(an_invoice(1), "", CONTRACT[0], "", CONTRACT[1])) == [
        ("invoice", (1,)),
        ("uncategorized", (2,)),
        ("contract", (3, 4, 5)),
    ]


def test_a_packet_of_blank_pages_is_one_uncategorized_segment() -> None:
    assert parts(a_reading("", "")) == [("uncategorized", (1, 2))]
    assert parts(a_reading("", ""), Strategy("omit")) == []
    assert parts(a_reading("", ""), Strategy("forbid")) == [("invoice", (1, 2))]


def test_a_scan_that_was_not_recognised_is_not_called_blank_with_confidence() -> None:
    assert LexicalJudge().split(a_reading("", ""), CATEGORIES, Strategy())[0].confidence == "low"


def test_segments_shorter_than_wanted_are_merged_into_a_neighbour() -> None:
    pages = (an_invoice(1), *CONTRACT, LETTER)
    segments = parts(a_reading(*pages), Strategy(min_pages=2))
    assert [page for _, numbers in segments for page in numbers] == [1, 2, 3, 4]
    assert all(len(numbers) >= 2 for _, numbers in segments)
    assert parts(a_reading(*pages), Strategy(min_pages=9)) == [("contract", (1, 2, 3, 4))]


def test_a_segment_never_spans_pages_that_were_not_asked_for() -> None:
    reading = Reading("x", "0", (Page(2, CONTRACT[0]), Page(3, CONTRACT[1]), Page(7, CONTRACT[1])))
    assert parts(reading) == [("contract", (2, 3)), ("contract", (7,))]


def test_a_catch_all_category_takes_what_fits_nowhere() -> None:
    categories = (*CATEGORIES, Rule("other", "anything else"))
    segments = LexicalJudge().split(a_reading(RECIPE, LETTER), categories, Strategy())
    assert [segment.category for segment in segments] == ["other", "letter"]


def test_a_clear_packet_is_cut_with_high_confidence() -> None:
    segments = LexicalJudge().split(a_reading(an_invoice(1), LETTER), CATEGORIES, Strategy())
    assert segments[0] == Segment("invoice", (1,), "high")


def test_no_pages_are_no_segments() -> None:
    assert parts(a_reading()) == []


def test_numbered_paragraphs_that_go_on_hold_a_contract_together() -> None:
    first = "MUTUAL NDA\nThis Agreement is entered into by the parties.\n1. Purpose. Talks.\n2. Term. Five years."
    second = "Mutual NDA\n3. Remedies. Each party may seek relief.\n4. Governing law. Oregon.\nSigned by the parties."
    assert parts(a_reading(first, second)) == [("contract", (1, 2))]


def test_a_running_title_with_a_page_count_holds_a_contract_together() -> None:
    first, second = (f"Mutual NDA - {n} / 2\nThe parties agree to the terms of this Agreement." for n in (1, 2))
    assert parts(a_reading(first, second)) == [("contract", (1, 2))]
