"""What a text gives away of its kind: lexicon phrases found in it, and titles among its first lines."""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources

from llamacloud_sandbox.marks import marks
from llamacloud_sandbox.words import tokens

POINTS = {"strong": 3.0, "usual": 1.5, "weak": 0.6}
TITLE_POINTS = 6.0
HEAD_WORDS = 300  # what stands at the beginning is judged as a short text of its own, whatever follows
TITLE_LINES = 8
NUMBERED_FORMS = frozenset(("1099", "1040"))  # the numbers that are names; others in a title count for nothing


_ITEM = re.compile(r"\s*(?:\d{1,2}[.)]|[-•*▪–])\s")  # a line of a list, or a numbered heading, is no title


@dataclass(frozen=True)
class Kind:
    """A kind of document in the lexicon: what it is called, and its wider kind."""

    name: str
    names: tuple[tuple[str, ...], ...]
    called: tuple[tuple[str, ...], ...]
    within: str | None


# Words that many kinds use prove less when nothing stronger stands beside them; a title alone is no document.
UNSUPPORTED = 0.7
TITLE_ALONE = 3.5


@dataclass(frozen=True)
class Evidence:
    """How much speaks for one kind, in points, and what it is (heaviest first)."""

    points: float = 0.0
    found: tuple[str, ...] = ()


class Phrases:
    """Many phrases at once, searched in one pass over a text."""

    def __init__(self, phrases: Iterable[tuple[str, ...]]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        self._beginnings: dict[str, tuple[str, ...]] = {}
        self._endings: dict[str, tuple[str, ...]] = {}
        for phrase in set(phrases):
            if phrase[0].endswith("*"):
                self._beginnings[phrase[0][:-1]] = phrase
            elif phrase[0].startswith("*"):
                self._endings[phrase[0][1:]] = phrase
            else:
                self._by_first.setdefault(phrase[0], []).append(phrase)
        self._any_beginning, self._any_ending = tuple(self._beginnings), tuple(self._endings)

    def places(self, words: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Where each phrase occurs in `words`."""
        for place, word in enumerate(words):
            for phrase in self._by_first.get(word, ()):
                if len(phrase) == 1 or tuple(words[place : place + len(phrase)]) == phrase:
                    yield place, phrase
            if word.startswith(self._any_beginning):
                yield from ((place, phrase) for part, phrase in self._beginnings.items() if word.startswith(part))
            if word.endswith(self._any_ending):
                longest = max((part for part in self._endings if word.endswith(part)), key=len)
                yield place, self._endings[longest]


@dataclass(frozen=True)
class Lexicon:
    """The kinds, and what each phrase is worth for which of them."""

    kinds: dict[str, Kind]
    worth: dict[tuple[str, ...], dict[str, float]]
    spelling: dict[tuple[str, ...], str]
    phrases: Phrases = field(repr=False)
    titles: Phrases = field(repr=False)
    kinds_named: dict[tuple[str, ...], tuple[str, ...]]
    kinds_told: dict[tuple[str, ...], tuple[str, ...]]
    descriptions: Phrases = field(repr=False)


@cache
def lexicon() -> Lexicon:
    """The lexicon that comes with the sandbox (lexicon.toml), read once."""
    table = tomllib.loads(resources.files("llamacloud_sandbox").joinpath("lexicon.toml").read_text("utf-8"))
    kinds = {name: _kind(name, entry) for name, entry in table.items()}
    worth: dict[tuple[str, ...], dict[str, float]] = {}
    spelling: dict[tuple[str, ...], str] = {}
    for name, entry in table.items():
        for strength, points in POINTS.items():
            for phrase in entry.get(strength, ()):
                spelling.setdefault(_key(phrase), phrase)
                worth.setdefault(_key(phrase), {}).setdefault(name, points)
    named = _by_phrase((kind.name, (*kind.names, *kind.called)) for kind in kinds.values())
    told = _by_phrase((name, map(_key, entry.get("told", ()))) for name, entry in table.items())
    return Lexicon(kinds, worth, spelling, Phrases(worth), Phrases(named), named, told, Phrases(told))


def _by_phrase(phrases: Iterable[tuple[str, Iterable[tuple[str, ...]]]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The kinds of each phrase."""
    kinds: dict[tuple[str, ...], tuple[str, ...]] = {}
    for kind, keys in phrases:
        for key in dict.fromkeys(keys):
            kinds[key] = (*kinds.get(key, ()), kind)
    return kinds


@lru_cache(maxsize=256)
def weigh(text: str) -> dict[str, Evidence]:
    """The evidence in `text` for each kind of the lexicon that has any."""
    points: dict[str, dict[str, float]] = {}
    supported: set[str] = set()
    for phrase, presence in _presence(text).items():
        for kind, worth in lexicon().worth[phrase].items():
            points.setdefault(kind, {})[lexicon().spelling[phrase]] = worth * presence
            if worth == POINTS["strong"]:
                supported.add(kind)
    named = titles(text)
    return {
        kind: _evidence(points.get(kind, {}), named.get(kind), supported=kind in supported) for kind in points | named
    }


def titles(text: str) -> dict[str, tuple[str, float]]:
    """Per kind: the line that reads like a title naming it, and what that is worth in points."""
    best: dict[str, tuple[str, float]] = {}
    lines = [
        line.strip() for line in text.splitlines() if any(letter.isalpha() for letter in line) and not _ITEM.match(line)
    ]
    for number, line in enumerate(lines[:60]):
        for kind, worth in _title(line, number).items():
            if worth > best.get(kind, ("", 0.0))[1]:
                best[kind] = (line[:60], worth)
    return best


def names_in(words: Sequence[str]) -> dict[str, int]:
    """The kinds that `words` name, each with the place of its first name; longer names win over those within them."""
    hits = sorted(lexicon().titles.places(words), key=lambda hit: -len(hit[1]))
    taken: set[int] = set()
    named: dict[str, int] = {}
    for place, phrase in hits:
        span = set(range(place, place + len(phrase)))
        if not span & taken:
            taken |= span
            for kind in lexicon().kinds_named[phrase]:
                named[kind] = min(place, named.get(kind, place))
    return named


def told_of(words: Sequence[str]) -> dict[str, float]:
    """How much `words` describe each kind: what describes several kinds counts for each of them as much less."""
    told: dict[str, float] = {}
    for phrase in {words[place]: phrase for place, phrase in lexicon().descriptions.places(words)}.values():
        kinds = lexicon().kinds_told[phrase]
        for kind in kinds:
            told[kind] = told.get(kind, 0.0) + 1 / len(kinds)
    return told


def saturated(count: int, words: int) -> float:
    """How present something is (0 to 1) that occurs `count` times among `words`: repetition counts ever less."""
    return count / (count + 0.5 * math.sqrt(max(words, 40) / 200)) if count else 0.0


def _presence(text: str) -> dict[tuple[str, ...], float]:
    words = tokens(text)
    places = list(lexicon().phrases.places(words))
    everywhere = Counter(phrase for _, phrase in places)
    head = Counter(phrase for place, phrase in places if place < HEAD_WORDS)
    for mark, count in Counter(marks(text)).items():
        everywhere[(mark,)] = count
    return {
        phrase: max(saturated(count, len(words)), saturated(head[phrase], min(len(words), HEAD_WORDS)))
        for phrase, count in everywhere.items()
    }


def _title(line: str, number: int) -> dict[str, float]:
    everything = tokens(line)
    words = [word for word in everything if not word[0].isdigit() or word in NUMBERED_FORMS]
    if not words or len(words) > 9 or len(everything) > 2 * len(words):  # no words, prose, or a row of figures
        return {}
    share = dict.fromkeys(names_in(words), 0.0)
    for place, phrase in lexicon().titles.places(words):
        for kind in lexicon().kinds_named[phrase]:
            whole = len(phrase) == len(words) and place == 0
            if kind in share and (whole or phrase in lexicon().kinds[kind].names):
                share[kind] = max(share[kind], len(phrase) / len(words))
    if number < TITLE_LINES:
        return {kind: TITLE_POINTS * math.sqrt(part) for kind, part in share.items() if part}
    return {kind: TITLE_POINTS / 2 * part for kind, part in share.items() if part >= 0.5}


def _evidence(found: dict[str, float], title: tuple[str, float] | None, *, supported: bool) -> Evidence:
    heaviest_first = sorted(found, key=lambda phrase: (-found[phrase], phrase))
    points = sum(found.values())
    if title is None:
        return Evidence(points if supported else UNSUPPORTED * points, tuple(heaviest_first))
    line, worth = title
    return Evidence(points + min(worth, points + TITLE_ALONE), (f"the title “{line}”", *heaviest_first))


def _kind(name: str, entry: dict[str, list[str] | str]) -> Kind:
    names = tuple(_key(phrase) for phrase in entry["names"])
    called = tuple(_key(phrase) for phrase in entry.get("called", ()))
    within = entry.get("is")
    return Kind(name, names, called, within if isinstance(within, str) else None)


def _key(phrase: str) -> tuple[str, ...]:
    return (phrase,) if phrase[0] in "@*" or phrase[-1] == "*" else tuple(tokens(phrase))
