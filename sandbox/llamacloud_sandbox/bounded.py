"""The lexical judge, in a child process: a text made for it can keep any search for patterns busy for hours."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from llamacloud_sandbox.children import Children
from llamacloud_sandbox.reading import Reading
from llamacloud_sandbox.segment import Segment, Strategy
from llamacloud_sandbox.verdict import Rule, Verdict


class BoundedJudge:
    """Judges as `LexicalJudge` does. Raises `Unreadable` for a document that takes too much."""

    def __init__(self, children: Children) -> None:
        self._children = children

    def classify(self, reading: Reading, rules: Sequence[Rule]) -> Verdict:
        """The rule that fits the document best, or none."""
        answer = self._children.ask("classify", **_question(reading, rules))
        return Verdict(**answer["verdict"])

    def split(self, reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
        """The documents of a packet, in order of their pages."""
        answer = self._children.ask("split", **_question(reading, categories), strategy=asdict(strategy))
        return tuple(Segment(**each | {"pages": tuple(each["pages"])}) for each in answer["segments"])


def _question(reading: Reading, rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "pages": [(page.number, page.text) for page in reading.pages],
        "rules": [(rule.type, rule.description) for rule in rules],
    }
