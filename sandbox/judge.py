"""Who decides what a document is: by its words (lexical), or by a file of answers (scripted).

Neither is LlamaCloud's judgement; docs/sandbox-judge.md says how far the lexical one can be trusted.
"""

import math
from collections.abc import Sequence

from sandbox.profile import profile
from sandbox.reading import Reading
from sandbox.score import Score, Scores, scores
from sandbox.scripted import ScriptedJudge
from sandbox.segment import Segment, Strategy
from sandbox.split import split
from sandbox.verdict import Judge, Rule, Verdict

__all__ = ["Judge", "LexicalJudge", "Rule", "ScriptedJudge", "Verdict"]

AMPLE = 5.0  # points at which two thirds of full certainty are reached
LEAST_POINTS = 2.5
LEAST_CONFIDENCE = 0.25


class LexicalJudge:
    """Judges by the words on the pages; the same pages and rules always give the same answer."""

    def classify(self, reading: Reading, rules: Sequence[Rule]) -> Verdict:
        """The rule whose evidence is strongest; none when there is little of it, or something else is far stronger."""
        text = "\n".join(page.text for page in reading.pages)
        if not any(letter.isalnum() for letter in text):
            return Verdict(None, 0.0, "The pages have no text (a scan, perhaps: start the sandbox with --ocr).")
        found = scores(text, rules)
        confidence = certainty(found)
        if found.ranked and found.ranked[0].points >= LEAST_POINTS and confidence >= LEAST_CONFIDENCE:
            return Verdict(found.ranked[0].rule.type, confidence, _fits(found))
        return _nothing_fits(found, confidence, rules)

    def split(self, reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
        """The documents of a packet, in order of their pages."""
        return split(reading, categories, strategy, self.classify)


def certainty(found: Scores) -> float:
    """How sure the first of the ranking is (0 to 0.99): ample evidence, and the next one far behind."""
    if not found.ranked or not found.ranked[0].points:
        return 0.0
    best = found.ranked[0].points
    second = found.ranked[1].points if len(found.ranked) > 1 else 0.0
    ample = 1 - math.exp(-best / AMPLE)
    lead = best**2 / (best**2 + second**2 + (0.7 * found.unclaimed) ** 2)
    return round(min(ample * lead, 0.99), 2)


def _fits(found: Scores) -> str:
    best, *others = found.ranked
    sentence = f"Matches “{best.rule.type}”: found {_listed(best)}."
    if others and others[0].points >= best.points / 3:
        sentence += f" “{others[0].rule.type}” comes next with {_listed(others[0])}."
    return sentence


def _nothing_fits(found: Scores, confidence: float, rules: Sequence[Rule]) -> Verdict:
    best = found.ranked[0] if found.ranked and found.ranked[0].found else None
    reasoning = (
        f"No rule fits: the nearest, “{best.rule.type}”, has only {_listed(best)}."
        if best
        else "No rule fits: none of their words or usual phrases are on the pages."
    )
    if found.unclaimed > LEAST_POINTS:
        reasoning += f" The text looks more like: {found.unclaimed_kind.replace('_', ' ')}."
    for rule in rules:
        if profile(rule.type, rule.description).catch_all:
            return Verdict(rule.type, round(0.9 * (1 - confidence), 2), f"{reasoning} So it goes to “{rule.type}”.")
    return Verdict(None, round(1 - confidence, 2), reasoning)


def _listed(score: Score) -> str:
    shown = [phrase if phrase.startswith("the title") else f"“{phrase.strip('*@')}”" for phrase in score.found[:5]]
    return ", ".join(shown) or "nothing"
