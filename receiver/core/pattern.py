"""Patterns: how text from outside is compared with what a person wrote in mailroom.yaml.

``*`` stands for any characters and ``?`` for one; everything else stands for itself, ``[`` included. Both sides are
compared in NFKC and casefolded, so that neither the keyboard nor the file system of a sender decides: ``É`` in one
character or two, ``straße`` and ``STRASSE``. A pattern that begins with ``glob:`` is a shell pattern with its classes:
``glob:scan[0-9].pdf``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from functools import lru_cache

GLOB = "glob:"
_CLASS = re.compile(r"\[(!?)([^\]]+|\][^\]]*)\]")
_ANY, _ONE = "\ue000", "\ue001"
"""Characters that no folded text holds, in the place of ``*`` and ``?``."""
_OURS = dict.fromkeys(range(0xE000, 0xE004), "\ufffd")
"""The private characters that stand for something here; a text that has them is compared as if they were unknown."""


def fold(text: str) -> str:
    """The text as it is compared."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_OURS)


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns fits the text."""
    return matcher(tuple(patterns))(fold(text))


@lru_cache(maxsize=8192)
def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether one of the patterns fits a text that is folded already."""
    literals, ends, others = set(), [], []
    for pattern in patterns:
        if (text := literal(pattern)) is not None:
            literals.add(text)
        elif (plain := _plain(pattern)) is not None and re.fullmatch(r"\*+[^*?]+", plain):
            ends.append(_unquoted(plain.lstrip("*")))
        else:
            others.append(_test(pattern, plain))
    return _one_of(frozenset(literals), tuple(ends), others)


def _one_of(
    literals: frozenset[str], ends: tuple[str, ...], others: Sequence[Callable[[str], bool]]
) -> Callable[[str], bool]:
    """The cheapest test that says the same: a table may have thousands of rows."""
    if not others:
        if not ends:
            return literals.__contains__
        return lambda text: text.endswith(ends) or text in literals
    if len(others) == 1 and not literals and not ends:
        return others[0]
    return lambda text: text in literals or text.endswith(ends) or any(fits(text) for fits in others)


def _test(pattern: str, plain: str | None) -> Callable[[str], bool]:
    """The test of one pattern with wildcards: its longest part is looked for before all else, which rarely is there."""
    fits = re.compile(_regex(pattern)).match
    if plain is None:
        return lambda text: fits(text) is not None
    part = part_of(pattern)
    if plain.strip("*") == "":
        return _always
    if re.fullmatch(r"\*+[^*?]+\*+", plain):
        return lambda text: part in text
    return lambda text: part in text and fits(text) is not None


def _always(_: str) -> bool:
    return True


def pattern_covers(wide: str, narrow: str) -> bool:
    """Whether ``wide`` surely fits whatever ``narrow`` fits; in doubt False."""
    item, other = _plain(wide), _plain(narrow)
    if wide == narrow or item == "*" or (item is not None and item == other):
        return True
    if other is None:
        return False
    if not set(other) & {"*", "?"}:
        return matcher((wide,))(_unquoted(other))
    if item is None or "?" in item:
        return False
    # What stands for `*` and `?` here can only be taken by a `*` there, which takes anything.
    return matcher((wide,))(_unquoted(other.replace("*", _ANY).replace("?", _ONE)))


@lru_cache(maxsize=8192)
def literal(pattern: str) -> str | None:
    """The only text that the pattern fits, folded; None when it fits others too."""
    plain = _plain(pattern)
    return None if plain is None or set(plain) & {"*", "?"} else _unquoted(plain)


@lru_cache(maxsize=8192)
def part_of(pattern: str) -> str:
    """The longest text that whatever fits the pattern holds; "" when that is hard to say."""
    return _unquoted(max(re.split(r"[*?]+", _plain(pattern) or ""), key=len))


@lru_cache(maxsize=8192)
def folded(pattern: str) -> str | None:
    """The pattern as folded text; None for one with classes. A pattern that covers it has its ``part_of`` in it."""
    plain = _plain(pattern)
    return None if plain is None else _unquoted(plain)


def once_a_class(pattern: str) -> str:
    """The brackets in it that shells, and Mailroom before, read as "one of these characters", and probably for that.

    ``[EXTERNAL]`` was never meant so; ``[0-9]``, ``[!x]``, ``[Ss]`` and ``[*]`` were.
    """
    for found in () if pattern.startswith(GLOB) else _CLASS.finditer(pattern):
        inside = found[2]
        rising = len(inside) > 1 and list(inside) == sorted(set(inside))
        if found[1] or rising or re.search(r"\w-\w", inside) or inside in {"*", "?", "[", "]"}:
            return found[0]
    return ""


def empty_class(pattern: str) -> str:
    """The class of a ``glob:`` pattern that is never closed, or that counts downwards: it fits nothing, or itself."""
    text = pattern.removeprefix(GLOB)
    for found in _CLASS.finditer(text):
        spans = re.fullmatch(r"(.)-(.)", found[2])
        if spans and spans[1] > spans[2]:
            return found[0]
    rest = _CLASS.sub("", text)
    return rest[rest.index("[") :] if "[" in rest else ""


@lru_cache(maxsize=8192)
def _plain(pattern: str) -> str | None:
    """The pattern folded, with ``*`` and ``?`` its only special characters; None for one with classes.

    What folds to a wildcard without being one (a full-width asterisk) is quoted as a character of its own.
    """
    if pattern.startswith(GLOB):
        return None
    return re.sub(r"[^*?]+", lambda found: fold(found[0]).translate(_QUOTED), pattern)


_QUOTED = {ord("*"): "\ue002", ord("?"): "\ue003"}
_UNQUOTED = {quoted: chr(character) for character, quoted in ((c, ord(q)) for c, q in _QUOTED.items())}


def _unquoted(text: str) -> str:
    return text.translate(_UNQUOTED)


def _regex(pattern: str) -> str:
    plain = _plain(pattern)
    if plain is None:
        return translate(fold(pattern.removeprefix(GLOB)))
    shell = plain.replace("[", "[[]").replace("\ue002", "[*]").replace("\ue003", "[?]")
    return translate(shell)
