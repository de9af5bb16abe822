"""Rules in any of five languages find documents in any of them, and "no rule fits" is no surer than it is right.

`pytest -s tests/unit/test_wordings.py` prints the figures.
"""

from collections.abc import Iterator, Sequence

import pytest

from llamacloud_sandbox.judge import LexicalJudge, Rule, Verdict
from support.documents import KINDS, NONE, Document
from support.held_out_documents import HELD_OUT
from support.held_out_rules import FORM, LATER, LATER_MEANT, MEANT, NAMED, NUMBERED
from support.pdf_fixtures import a_reading
from support.rules import PLAIN
from support.tuning_rules import NUMBERED_TUNING, TUNING
from support.unseen_documents import UNSEEN

SETS = {
    "named": (NAMED, MEANT, HELD_OUT),
    "numbered": (NUMBERED, MEANT, HELD_OUT),
    "later": (LATER, LATER_MEANT, HELD_OUT),
    "tuning": (TUNING, KINDS, UNSEEN),
    "numbered tuning": (NUMBERED_TUNING, KINDS, UNSEEN),
}


def judged(
    documents: Sequence[Document], rules: Sequence[Rule], meant: Sequence[str], *, without: bool = False
) -> Iterator[tuple[bool, Verdict]]:
    """Whether each verdict is right, and the verdict; `without` the rule that means the document."""
    kinds = {rule.type: kind for rule, kind in zip(rules, meant, strict=True)}
    for document in documents:
        asked = [rule for rule in rules if not without or kinds[rule.type] != document.kind]
        verdict = LexicalJudge().classify(a_reading(document.text), asked)
        truth = NONE if without or document.kind not in meant else document.kind
        yield kinds.get(verdict.type or "", NONE) == truth, verdict


@pytest.mark.parametrize("language", NAMED)
@pytest.mark.parametrize("wording", SETS)
def test_rules_in_a_language_find_documents_in_all_of_them(wording: str, language: str) -> None:
    rules, meant, documents = SETS[wording]
    fitting = [document for document in documents if document.kind in meant]
    right = sum(right for right, _ in judged(fitting, rules[language], meant))
    print(f"{wording} {language}: {right} of {len(fitting)} right")  # noqa: T201
    assert right >= 0.85 * len(fitting)


@pytest.mark.parametrize("language", NAMED)
def test_forms_and_till_slips_are_found_by_rules_of_any_language(language: str) -> None:
    for kind in (FORM, "receipt"):
        fitting = [document for document in HELD_OUT if document.kind == kind]
        right = sum(right for right, _ in judged(fitting, NAMED[language], MEANT))
        assert right >= 0.8 * len(fitting), kind


def verdicts_of_null() -> list[tuple[bool, float]]:
    """Every `null` on the held-out documents, with and without the rule of each."""
    return [
        (right, verdict.confidence)
        for wording in ("named", "numbered", "later")
        for language in NAMED
        for without in (False, True)
        for right, verdict in judged(HELD_OUT, SETS[wording][0][language], SETS[wording][1], without=without)
        if verdict.type is None
    ]


def test_that_no_rule_fits_is_right_about_as_often_as_it_is_sure() -> None:
    verdicts = verdicts_of_null()
    assert len(verdicts) > 500
    for low, high in ((0.3, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.96)):
        within = [right for right, confidence in verdicts if low <= confidence < high]
        print(f"null {low} to {high}: {sum(within)} of {len(within)} right")  # noqa: T201
        assert sum(within) >= (low - 0.05) * len(within)
    assert all(0.3 <= confidence <= 0.95 for _, confidence in verdicts)


def test_finding_no_words_is_no_proof_that_no_rule_fits() -> None:
    verdict = LexicalJudge().classify(a_reading("Kvittering\nMelk 21,90\nBrød 34,50\nSum 56,40"), PLAIN)
    assert verdict.type is None
    assert verdict.confidence <= 0.7


def test_a_rule_that_is_not_understood_leaves_a_doubt() -> None:
    recipe = "Lentil stew\nPreheat the oven. Ingredients: two onions, a tablespoon of oil. Simmer for an hour."
    understood = LexicalJudge().classify(a_reading(recipe), PLAIN)
    half = LexicalJudge().classify(a_reading(recipe), (PLAIN[0], Rule("x1", "qwertz uiop")))
    assert understood.type is half.type is None
    assert half.confidence < understood.confidence
