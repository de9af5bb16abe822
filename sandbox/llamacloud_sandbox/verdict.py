"""The words between a server and its judge: rules go in, a verdict comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llamacloud_sandbox.reading import Reading
from llamacloud_sandbox.segment import Segment, Strategy


@dataclass(frozen=True)
class Rule:
    """A classification rule, or a split category: a label and what it stands for (may be empty for a category)."""

    type: str
    description: str


@dataclass(frozen=True)
class Verdict:
    """The rule that fits best (None: none does), how sure that is (0 to 1), and the evidence in a sentence."""

    type: str | None
    confidence: float
    reasoning: str


class Judge(Protocol):
    """Decides what documents are. Called from several threads at once."""

    def classify(self, reading: Reading, rules: Sequence[Rule]) -> Verdict:
        """The rule that fits the document best, or none."""
        ...

    def split(self, reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
        """The documents of a packet, in order of their pages."""
        ...
