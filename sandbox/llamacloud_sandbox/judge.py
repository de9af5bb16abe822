"""Who decides what a document is: by its words (lexical), or by a file of answers (scripted).

Neither is LlamaCloud's judgement; docs/judge.md says how far the lexical one can be trusted.
"""

from collections.abc import Sequence

from llamacloud_sandbox.certainty import LEAST_POINTS, certainty, fits, none_fits
from llamacloud_sandbox.marks import IN_WORDS
from llamacloud_sandbox.profile import catch_all
from llamacloud_sandbox.reading import Reading
from llamacloud_sandbox.score import Score, Scores, scores
from llamacloud_sandbox.segment import Segment, Strategy
from llamacloud_sandbox.split import split
from llamacloud_sandbox.verdict import Judge, Rule, Verdict

__all__ = ["Judge", "LexicalJudge", "Rule", "Verdict"]


class LexicalJudge:
    """Judges by the words on the pages; the same pages and rules always give the same answer."""

    def classify(self, reading: Reading, rules: Sequence[Rule]) -> Verdict:
        """The rule whose evidence is strongest; none when there is little of it, or something else is far stronger."""
        text = "\n".join(page.text for page in reading.pages)
        if not any(letter.isalnum() for letter in text):
            return Verdict(None, 0.0, "The pages have no text (a scan, perhaps: start the sandbox with --ocr).")
        found = scores(text, rules)
        if fits(found):
            return Verdict(found.ranked[0].rule.type, certainty(found), _why(found))
        return _nothing_fits(found, rules)

    def split(self, reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
        """The documents of a packet, in order of their pages."""
        return split(reading, categories, strategy)


def _why(found: Scores) -> str:
    best, *others = found.ranked
    sentence = f"Matches “{best.rule.type}”: found {_listed(best)}."
    if others and others[0].points >= best.points / 3:
        sentence += f" “{others[0].rule.type}” comes next with {_listed(others[0])}."
    return sentence


def _nothing_fits(found: Scores, rules: Sequence[Rule]) -> Verdict:
    sure = none_fits(found)
    best = found.ranked[0] if found.ranked and found.ranked[0].found else None
    reasoning = (
        f"No rule fits: the nearest, “{best.rule.type}”, has only {_listed(best)}."
        if best
        else "No rule fits: none of their words or usual phrases are on the pages."
    )
    if found.unclaimed >= LEAST_POINTS:
        reasoning += f" The text looks more like: {found.unclaimed_kind.replace('_', ' ')}."
    rest = catch_all(rules)
    if rest:
        return Verdict(rest.type, round(0.9 * sure, 2), f"{reasoning} So it goes to “{rest.type}”.")
    return Verdict(None, sure, reasoning)


def _listed(score: Score) -> str:
    return ", ".join(_told(phrase) for phrase in score.found[:5]) or "nothing"


def _told(phrase: str) -> str:
    if phrase in IN_WORDS or phrase.startswith("the title"):
        return IN_WORDS.get(phrase, phrase)
    return f"“{phrase.removesuffix('*')}…”" if phrase.endswith("*") else f"“{phrase}”"
