"""What a user's rule asks for: which kinds of the lexicon it means, and its own words.

The type counts most, then the subject of the description ("invoices and bills that ..."), then what the subject is said
to contain. What a rule excludes ("not a receipt", "without formal structure") counts for nothing.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from sandbox.evidence import names_in, weigh
from sandbox.words import fold, label_tokens, stem, tokens

_WORDING: dict[str, str] = tomllib.loads(resources.files("sandbox").joinpath("wording.toml").read_text("utf-8"))


def _phrases(key: str) -> list[str]:
    longest_first = sorted(" ".join(_WORDING[key].split()).split(", "), key=len, reverse=True)
    return [re.escape(phrase) for phrase in longest_first]


_EXCLUDED = re.compile(rf"\b(?:{'|'.join(_phrases('excluded'))})\b[^.,;()]*")
_SUBJECT_ENDS = re.compile(rf"\b(?:{'|'.join(_phrases('subject_ends'))})\b|[:;.]")
_EXAMPLES = re.compile(rf"\b(?:{'|'.join(_phrases('examples'))})[:,]? ([^.;]*)")
_CATCH_ALL = re.compile(rf"\b(?:{'|'.join(_phrases('catch_all'))})\b")
_CATCH_ALL_TYPES = frozenset(_WORDING["catch_all_types"].split())
_EMPTY = frozenset(tokens(_WORDING["empty"]))
_FREQUENT = frozenset(tokens(_WORDING["frequent"]))


@dataclass(frozen=True)
class Profile:
    """A rule as the scorer uses it: how much it means each kind (0 to 1), its words' weights, is it the catch-all."""

    kinds: dict[str, float]
    words: dict[str, float]
    catch_all: bool


@lru_cache(maxsize=2_000)
def profile(label: str, description: str) -> Profile:
    """The profile of the rule (or split category) with this type and description."""
    wanted = _EXCLUDED.sub(" ", fold(description))
    words = label_tokens(label)
    is_catch_all = " ".join(re.findall(r"[a-z]+", fold(label))) in _CATCH_ALL_TYPES or (
        not names_in(words) and _CATCH_ALL.search(fold(description)) is not None
    )
    if is_catch_all:
        return Profile({}, {}, catch_all=True)
    return Profile(_kinds(words, wanted), _weights(words, wanted), catch_all=False)


def _kinds(label: Sequence[str], description: str) -> dict[str, float]:
    by_type = names_in(label)
    start = _SUBJECT_ENDS.search(description)
    subject, rest = (description[: start.start()], description[start.start() :]) if start else (description, "")
    meant: dict[str, float] = dict.fromkeys(names_in(tokens(rest)), 0.15 if by_type else 0.35)
    for examples in _EXAMPLES.findall(description):
        meant |= dict.fromkeys(names_in(tokens(examples)), 0.5 if by_type else 0.9)
    meant |= dict.fromkeys(names_in(tokens(subject)), 0.7 if by_type else 1.0)
    meant |= dict.fromkeys(by_type, 1.0)
    return _described(description, meant)


def _described(description: str, meant: dict[str, float]) -> dict[str, float]:
    """`meant`, or when no name told: the kinds whose evidence the description enumerates ("opening balance, ...")."""
    if max(meant.values(), default=0.0) >= 0.5:
        return meant
    traits = {kind: evidence.points for kind, evidence in weigh(description).items()}
    most = max(traits.values(), default=0.0)
    if most < 3:
        return meant
    told = {kind: 0.9 * points / most for kind, points in traits.items() if points >= 0.6 * most}
    return {kind: max(meant.get(kind, 0.0), told.get(kind, 0.0)) for kind in meant | told}


def _weights(label: Sequence[str], description: str) -> dict[str, float]:
    weights = {root(word): _weight(word) for word in tokens(description) if _weight(word)}
    for word in label:
        if _weight(word):
            weights[root(word)] = 2.0
    return weights


def _weight(word: str) -> float:
    if word in _EMPTY or len(word) < 3:
        return 0.0
    return 0.4 if word in _FREQUENT else 1.0


def root(word: str) -> str:
    """`word` shortened so that obligations meet obligated; coarser than `stem`, for a rule's own words only."""
    short = stem(word)
    for ending in ("ation", "ion", "ment", "ity", "ly", "al", "ive", "er", "at"):
        if short.endswith(ending) and len(short) - len(ending) >= 5:
            return short[: -len(ending)]
    return short
