"""Points for every rule on one text: what its kinds and its own words find there."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llamacloud_sandbox.evidence import HEAD_WORDS, Evidence, lexicon, saturated, weigh
from llamacloud_sandbox.profile import Profile, profile, root
from llamacloud_sandbox.verdict import Rule
from llamacloud_sandbox.words import tokens

ENOUGH_OF_ITS_OWN = 6.0  # points that a narrow kind needs before what speaks for the wider one speaks for it too
SHORT = 100  # words; with every doubling beyond, a text gets about one point more by chance
OWN_WORDS_SHARE = 0.4  # of the points for a rule's own words, where the lexicon knows the kind already


@dataclass(frozen=True)
class Score:
    """What one rule got: points, and the evidence for them, heaviest first."""

    rule: Rule
    points: float
    found: tuple[str, ...]
    kind: str  # the kind of the lexicon that brought most of them; empty if the lexicon knows none that the rule means
    meant: bool  # whether the rule surely means a kind of the lexicon


def akin(one: str, other: str) -> bool:
    """Whether one kind is the wider one of the other: what speaks for a lease speaks for a contract too."""
    kinds = lexicon().kinds
    return bool(one and other) and (kinds[one].within == other or kinds[other].within == one)


@dataclass(frozen=True)
class Scores:
    """All rules on one text, best first, and the strongest kind that no rule asks for (points and name)."""

    ranked: tuple[Score, ...]
    unclaimed: float
    unclaimed_kind: str
    by_chance: float  # points that any text of this length may get
    unclear: float = 0.0  # the share of the rules that mean no kind of the lexicon


def scores(text: str, rules: Sequence[Rule]) -> Scores:
    """The points of `rules` (a catch-all gets none) for `text`."""
    evidence = weigh(text)
    profiles = {rule: profile(rule.type, rule.description) for rule in rules}
    presence = _presence_in(text)
    shared = Counter(word for wanted in profiles.values() for word in wanted.words)
    ranked = sorted(
        (_score(rule, wanted, evidence, presence, shared) for rule, wanted in profiles.items() if not wanted.catch_all),
        key=lambda score: -score.points,
    )
    by_chance = max(0.0, math.log2(presence.words / SHORT)) if presence.words else 0.0
    unclear = sum(not score.meant for score in ranked) / len(ranked) if ranked else 0.0
    return Scores(tuple(ranked), *_unclaimed(evidence, profiles.values()), by_chance, unclear)


class _Presence:
    """How present any word is in a text, with a bonus for the first lines."""

    def __init__(self, text: str) -> None:
        words = [root(word) for word in tokens(text)]
        self._count, self.words = Counter(words), len(words)
        self._head = Counter(words[:HEAD_WORDS])
        self._first = frozenset(words[:12])

    def __call__(self, word: str) -> float:
        everywhere = saturated(self._count[word], self.words)
        head = saturated(self._head[word], min(self.words, HEAD_WORDS))
        return max(everywhere, head) + (0.5 if word in self._first else 0.0)


@lru_cache(maxsize=256)
def _presence_in(text: str) -> _Presence:
    return _Presence(text)


def _score(
    rule: Rule, wanted: Profile, evidence: Mapping[str, Evidence], presence: _Presence, shared: Mapping[str, int]
) -> Score:
    kind, kind_points = _best_kind(wanted, evidence)
    own = {word: weight * presence(word) / shared[word] for word, weight in wanted.words.items() if presence(word)}
    possible = sum(wanted.words.values()) or 1.0
    covered = sum(wanted.words[word] for word in own) / possible
    own_points = 2.0 * sum(own.values()) * math.sqrt(covered) if len(own) > 1 or not wanted.kinds else 0.0
    points = kind_points + OWN_WORDS_SHARE * own_points if wanted.kinds else own_points
    words = [wanted.spelling.get(word, word) for word in sorted(own, key=lambda word: (-own[word], word))]
    found = (*(evidence[kind].found if kind in evidence else ()), *words)
    meant = any(share >= 0.5 for share in wanted.kinds.values())
    return Score(rule, points, tuple(dict.fromkeys(found)), kind, meant)


def _best_kind(wanted: Profile, evidence: Mapping[str, Evidence]) -> tuple[str, float]:
    ranked = ((share * kind_points(kind, evidence), kind) for kind, share in wanted.kinds.items())
    points, kind = max(ranked, default=(0.0, ""))
    return kind, points


def kind_points(kind: str, evidence: Mapping[str, Evidence]) -> float:
    """The points for `kind`; a lease also lives from being a contract, a contract from being a lease."""
    own = _points(kind, evidence)
    wider = lexicon().kinds[kind].within
    narrower = max((_points(other, evidence) for other in _within(kind)), default=0.0)
    inherited = _points(wider, evidence) * (1 - math.exp(-own / ENOUGH_OF_ITS_OWN)) if wider else 0.0
    return own + 0.3 * narrower + inherited


def _unclaimed(evidence: Mapping[str, Evidence], profiles: Iterable[Profile]) -> tuple[float, str]:
    claimed: set[str] = set()
    for wanted in profiles:
        for kind, share in wanted.kinds.items():
            if share >= 0.3:
                claimed |= {kind, lexicon().kinds[kind].within or kind, *_within(kind)}
    free = ((_points(kind, evidence), kind) for kind in evidence if kind not in claimed)
    return max(free, default=(0.0, ""))


def _within(kind: str) -> tuple[str, ...]:
    return tuple(other.name for other in lexicon().kinds.values() if other.within == kind)


def _points(kind: str, evidence: Mapping[str, Evidence]) -> float:
    return evidence[kind].points if kind in evidence else 0.0
