"""How often the judge is right on documents it was not made for, under rules in several wordings.

`pytest -s tests/unit/test_accuracy.py` prints the figures and the errors.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from llamacloud_sandbox.judge import LexicalJudge, Rule, Verdict
from support.documents import KINDS, NONE, Document
from support.pdf_fixtures import a_reading
from support.rules import WORDINGS
from support.seen_documents import SEEN
from support.unseen_documents import UNSEEN


def judged(document: Document, rules: Sequence[Rule]) -> tuple[str, Verdict]:
    verdict = LexicalJudge().classify(a_reading(document.text), rules)
    kinds = {rule.type: kind for rule, kind in zip(rules, KINDS, strict=True)}
    return kinds.get(verdict.type or "", NONE), verdict


def share_right(documents: Sequence[Document], wording: str) -> float:
    right = 0
    for document in documents:
        kind, verdict = judged(document, WORDINGS[wording])
        right += kind == document.kind
        if kind != document.kind:
            told = f"{document.kind}/{document.language} -> {kind} ({verdict.confidence})"
            print(f"  {told} {document.text[:40]!r}: {verdict.reasoning}")  # noqa: T201
    print(f"{wording}: {right} of {len(documents)} right ({right / len(documents):.0%})")  # noqa: T201
    return right / len(documents)


def test_the_unseen_set_is_large_and_varied_enough() -> None:
    assert len(UNSEEN) >= 40
    assert {document.kind for document in UNSEEN} == {*KINDS, NONE}
    assert len({document.language for document in UNSEEN}) >= 5


@pytest.mark.parametrize("wording", WORDINGS)
def test_most_unseen_documents_are_judged_rightly(wording: str) -> None:
    assert share_right(UNSEEN, wording) >= 0.8


@pytest.mark.parametrize("wording", WORDINGS)
def test_what_the_judge_has_learnt_it_keeps(wording: str) -> None:
    assert share_right(SEEN, wording) >= 0.95


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_confident_verdict_is_nearly_always_right(wording: str) -> None:
    confident = Counter[bool]()
    for document in UNSEEN:
        kind, verdict = judged(document, WORDINGS[wording])
        if kind != NONE and verdict.confidence >= 0.7:
            confident[kind == document.kind] += 1
    assert confident[True] >= 0.95 * confident.total()


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_recipe_a_poem_or_a_travel_blog_is_hardly_ever_taken_for_business(wording: str) -> None:
    strangers = [document for document in UNSEEN if document.kind == NONE]
    taken = [document for document in strangers if judged(document, WORDINGS[wording])[0] != NONE]
    assert len(taken) <= 1
