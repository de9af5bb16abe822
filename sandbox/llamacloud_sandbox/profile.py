"""What a user's rule asks for: which kinds of the lexicon it means, and its own words.

The type counts most, then the subject of the description ("invoices and bills that ..."), then what the subject is said
to contain. What a rule excludes ("not a receipt", "without formal structure") counts for nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llamacloud_sandbox.evidence import names_in, told_of, weigh
from llamacloud_sandbox.verdict import Rule
from llamacloud_sandbox.wording import alternatives, words
from llamacloud_sandbox.words import fold, label_tokens, stem, tokens

_EXCLUDED = re.compile(rf"\b{alternatives('rules', 'excluded')}[^.,;()]*")
_SUBJECT_ENDS = re.compile(rf"\b{alternatives('rules', 'subject_ends')}|[:;.]")
_NEGATIONS = frozenset(("non", "not", "no", "nicht", "kein"))  # before a name in a type: `non_academic`
_EXAMPLES = re.compile(rf"\b{alternatives('rules', 'examples')}[:,]? ([^.;]*)")
_CATCH_ALL = re.compile(rf"\b{alternatives('rules', 'catch_all')}")
_CATCH_ALL_TYPES = frozenset(words("rules", "catch_all_types"))
EMPTY = frozenset(map(stem, words("rules", "empty")))
_FREQUENT = frozenset(map(stem, words("rules", "frequent")))


TOLD_POINTS = 2.5  # for a word of a rule that describes one kind only
SURELY_TOLD = 1.8  # such words


@dataclass(frozen=True)
class Profile:
    """A rule as the scorer uses it: the kinds it means, and its own words."""

    kinds: dict[str, float]  # how much it means each, 0 to 1
    words: dict[str, float]  # by their roots, with their weights
    spelling: dict[str, str]
    catch_all: bool


@lru_cache(maxsize=2_000)
def profile(label: str, description: str) -> Profile:
    """The profile of the rule (or split category) with this type and description."""
    wanted = _EXCLUDED.sub(" ", fold(description))
    name = label_tokens(label)
    is_catch_all = " ".join(re.findall(r"[a-z]+", fold(label))) in _CATCH_ALL_TYPES or (
        not names_in(name) and _CATCH_ALL.search(fold(description)) is not None
    )
    if is_catch_all:
        return Profile({}, {}, {}, catch_all=True)
    spelling = {root(stem(word)): word for word in re.findall(r"[^\W_]+", f"{wanted} {fold(label)}")}
    return Profile(_kinds(name, wanted), _weights(name, wanted), spelling, catch_all=False)


def catch_all(rules: Sequence[Rule]) -> Rule | None:
    """The rule among `rules` for whatever fits no other, if there is one."""
    return next((rule for rule in rules if profile(rule.type, rule.description).catch_all), None)


def _kinds(label: Sequence[str], description: str) -> dict[str, float]:
    by_type = {
        kind: place for kind, place in names_in(label).items() if not place or label[place - 1] not in _NEGATIONS
    }
    start = _SUBJECT_ENDS.search(description)
    subject, rest = (description[: start.start()], description[start.start() :]) if start else (description, "")
    meant: dict[str, float] = dict.fromkeys(names_in(tokens(rest)), 0.15 if by_type else 0.35)
    for examples in _EXAMPLES.findall(description):
        meant |= dict.fromkeys(names_in(tokens(examples)), 0.5 if by_type else 0.9)
    meant |= dict.fromkeys(names_in(tokens(subject)), 0.7 if by_type else 1.0)
    meant |= dict.fromkeys(by_type, 1.0)
    told = told_of([*label, *tokens(description)])
    return (
        _corrected(meant, by_type, told) if max(meant.values(), default=0.0) >= 0.5 else _told(description, meant, told)
    )


def _corrected(meant: dict[str, float], by_type: Mapping[str, int], told: Mapping[str, float]) -> dict[str, float]:
    """`meant`, where many words of the rule describe another kind: "recetas" of a patient are no recipes."""
    surely = {kind: 0.9 for kind, count in told.items() if count >= SURELY_TOLD and count == max(told.values())}
    if not surely or surely.keys() & meant.keys():
        return meant
    return {kind: share if kind in by_type else 0.4 * share for kind, share in meant.items()} | surely


def _told(description: str, meant: dict[str, float], told: Mapping[str, float]) -> dict[str, float]:
    """Mere mentions, and the kinds that the rule describes ("gross, deductions and net")."""
    surest = max(meant.values(), default=0.0)
    meant = {kind: 0.7 * share / surest for kind, share in meant.items()}
    traits = {kind: evidence.points for kind, evidence in weigh(description).items()}
    for kind, count in told.items():
        traits[kind] = traits.get(kind, 0.0) + TOLD_POINTS * count
    most = max(traits.values(), default=0.0)
    if most < TOLD_POINTS:
        return meant
    described = {kind: 0.9 * points / most for kind, points in traits.items() if points >= 0.7 * most}
    return {kind: max(meant.get(kind, 0.0), described.get(kind, 0.0)) for kind in meant | described}


def _weights(label: Sequence[str], description: str) -> dict[str, float]:
    weights = {root(word): _weight(word) for word in tokens(description) if _weight(word)}
    for word in label:
        if _weight(word):
            weights[root(word)] = 2.0
    return weights


def _weight(word: str) -> float:
    if word in EMPTY or len(word) < 3:
        return 0.0
    return 0.4 if word in _FREQUENT else 1.0


@lru_cache(maxsize=50_000)
def root(word: str) -> str:
    """`word` shortened so that obligations meet obligated; coarser than `stem`, for a rule's own words only."""
    short = stem(word)
    for ending in ("ation", "ion", "ment", "ity", "ly", "al", "ive", "er", "at"):
        if short.endswith(ending) and len(short) - len(ending) >= 5:
            return short[: -len(ending)]
    return short
