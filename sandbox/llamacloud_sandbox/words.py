"""Words as the judge compares them: folded and stemmed.

Rules, lexicon and pages all go through `tokens`, so they meet in one spelling.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from llamacloud_sandbox.wording import languages, phrases

_LITTLE_WORDS = {name: frozenset(phrases("languages", name)) for name in languages()}
_WORD = re.compile(r"@?[^\W_]+(?:['’][^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPECIAL = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "’": "'", "\ufffe": "", "\u00ad": ""})


def fold(text: str) -> str:
    """`text` in lower case, without accents, with words joined that a line end had cut."""
    joined = re.sub(r"(?<=[a-z])-\r?\n(?=[a-z])", "", text)
    if joined.isascii():
        return joined.lower()
    plain = unicodedata.normalize("NFKD", joined.translate(_SPECIAL).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def tokens(text: str) -> list[str]:
    """The stems of all words of `text`, in order."""
    return [stem(word) for word in _WORD.findall(fold(text))]


def label_tokens(label: str) -> list[str]:
    """The stems of a rule's type: `BankStatement`, `bank_statement` and `bank-statement` are the same two words."""
    return tokens(_CAMEL.sub(" ", label))


def language(words: Sequence[str]) -> str | None:
    """The language of `words` (stems), if their little words leave no doubt."""
    first, second = Counter(
        {name: sum(word in little for word in words) for name, little in _LITTLE_WORDS.items()}
    ).most_common(2)
    return first[0] if first[1] >= 3 and first[1] >= 2 * second[1] else None


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """`word` without the endings that English (and most Romance plurals) add; the same for rules and pages."""
    word = word.split("'")[0] if word.endswith(("'s", "'t")) else word.replace("'", "")
    if len(word) <= 3 or word.startswith("@") or any(letter.isdigit() for letter in word):
        return word
    return _without_e(_without_verb_ending(_without_plural(word)))


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_verb_ending(word: str) -> str:
    for ending, shortest in (("ing", 6), ("ed", 5)):
        if word.endswith(ending) and len(word) >= shortest:
            rest = word.removesuffix(ending)
            doubled = len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return rest[:-1] if doubled else rest
    return word


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 4 else word
