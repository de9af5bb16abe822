"""How well packets of unseen documents are cut: shuffled ones, and the hard ones of a single category.

`pytest -s tests/unit/test_packets.py` prints the figures.
"""

import random
from collections.abc import Iterator, Sequence

from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.segment import Strategy
from support.documents import KINDS, NONE, Document
from support.pdf_fixtures import a_reading
from support.rules import PLAIN
from support.unseen_documents import UNSEEN

CATEGORIES = tuple(Rule(kind, rule.description) for kind, rule in zip(KINDS, PLAIN, strict=True))


def shuffled(packets: int) -> Iterator[list[Document]]:
    draw = random.Random(5)
    for _ in range(packets):
        yield draw.sample(UNSEEN, 6)


def of_one_kind() -> Iterator[list[Document]]:
    for kind in KINDS:
        yield [document for document in UNSEEN if document.kind == kind]


def share_of_cuts_made(packets: Sequence[list[Document]], label: str) -> float:
    """Each document is one page, so every seam is to be cut."""
    made = right = 0
    for documents in packets:
        segments = LexicalJudge().split(a_reading(*(each.text for each in documents)), CATEGORIES, Strategy())
        assert [page for segment in segments for page in segment.pages] == list(range(1, len(documents) + 1))
        made += len(segments) - 1
        right += len(documents) - 1
    print(f"{label}: {made} of {right} cuts made")  # noqa: T201
    return made / right


def test_most_documents_of_a_shuffled_packet_are_cut_apart() -> None:
    assert share_of_cuts_made(list(shuffled(20)), "shuffled") >= 0.9


def test_most_documents_of_one_category_in_a_row_are_cut_apart() -> None:
    assert share_of_cuts_made(list(of_one_kind()), "of one kind") >= 0.85


def test_the_pieces_of_a_shuffled_packet_are_mostly_of_the_right_category() -> None:
    right = total = 0
    for documents in shuffled(20):
        segments = LexicalJudge().split(a_reading(*(each.text for each in documents)), CATEGORIES, Strategy())
        given = {page: segment.category for segment in segments for page in segment.pages}
        wanted = ["uncategorized" if each.kind == NONE else each.kind for each in documents]
        right += sum(given[page] == kind for page, kind in enumerate(wanted, 1))
        total += len(documents)
    print(f"categories: {right} of {total} pages right")  # noqa: T201
    assert right / total >= 0.85
