"""A judge that reads its answers from a file: for tests that need a certain result, not a good one.

The file is one JSON object. A key is a file's name or the SHA-256 of its bytes (hex); the value may hold
`type` (null: no rule fits), `confidence`, `reasoning` for classify, `segments` for split, or `error`, with which the
document's jobs fail:

    {"lease.pdf": {"type": "contract", "confidence": 0.31, "segments": [{"category": "contract", "pages": [1, 2]}]}}
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from llamacloud_sandbox.reading import Reading
from llamacloud_sandbox.segment import Segment, Strategy
from llamacloud_sandbox.unreadable import Unreadable
from llamacloud_sandbox.verdict import Judge, Rule, Verdict


class _Piece(msgspec.Struct, forbid_unknown_fields=True):
    category: str
    pages: tuple[int, ...]
    confidence: str = "high"


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    type: str | msgspec.UnsetType | None = msgspec.UNSET
    confidence: float = 1.0
    reasoning: str = "As scripted."
    segments: tuple[_Piece, ...] | msgspec.UnsetType = msgspec.UNSET
    error: str = ""


class ScriptedJudge:
    """Answers from the file at `path`; a document or question that isn't in it goes to the judge `otherwise`."""

    def __init__(self, path: Path, otherwise: Judge) -> None:
        """Raises `ValueError`, naming the file, when it is not such a file of answers."""
        try:
            self._answers = msgspec.json.decode(path.read_bytes(), type=dict[str, _Answer])
        except msgspec.MsgspecError as error:
            raise ValueError(f"{path}: not a file of scripted answers: {error}") from error
        self._otherwise = otherwise

    def classify(self, reading: Reading, rules: Sequence[Rule]) -> Verdict:
        """The scripted verdict, whatever the rules are. Raises `Unreadable` with a scripted error."""
        answer = self._answer(reading)
        if isinstance(answer.type, msgspec.UnsetType):
            return self._otherwise.classify(reading, rules)
        return Verdict(answer.type, answer.confidence, answer.reasoning)

    def split(self, reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
        """The scripted segments, whatever categories and strategy are. Raises `Unreadable` with a scripted error."""
        answer = self._answer(reading)
        if isinstance(answer.segments, msgspec.UnsetType):
            return self._otherwise.split(reading, categories, strategy)
        return tuple(Segment(piece.category, piece.pages, piece.confidence) for piece in answer.segments)

    def _answer(self, reading: Reading) -> _Answer:
        answer = self._answers.get(reading.sha256) or self._answers.get(reading.name) or _Answer()
        if answer.error:
            raise Unreadable(answer.error)
        return answer
