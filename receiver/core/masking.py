"""Masks what differs from one message to the next, so that what is left identifies the cause.

Ids, numbers, names, times, addresses and paths become a placeholder. An id that could be a word (``job-lemon``) counts
as a word: two causes in one incident are worse than one cause in two.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence
from http import HTTPStatus

READ = 1000
"""Maximum characters of a text to look at: a text from outside has no limit of its own."""
NAME_LEAST = 8
"""Characters of a name that is masked wherever it stands by itself. A shorter one could be any word of the text:
whoever names the file would choose which words tell causes apart."""
VARIES = "<*>"
"""One placeholder for everything: what is an id today may be a number tomorrow."""


def masked(text: str, *names: str) -> str:
    """The text in lower case, masked; ``names`` are those of the document, which may stand in it."""
    plain = _plain(text)
    every = {_plain(item) for item in _with_stems(names)}
    for name in sorted((item for item in every if len(item) >= NAME_LEAST), key=len, reverse=True):
        plain = re.sub(rf"(?<!{_LETTER}){re.escape(name)}(?!{_LETTER})", VARIES, plain, flags=re.IGNORECASE)
    for pattern, replacement in _compiled():
        plain = pattern.sub(replacement, plain)
    return " ".join(plain.translate(_UNHIDDEN).casefold().split())


def _plain(text: str) -> str:
    """One form of each character, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text[:READ]).split())


def _with_stems(names: Sequence[str]) -> list[str]:
    """The names, and each without its extension."""
    return [*names, *(name.rpartition(".")[0] for name in names)]


_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Japanese, Chinese and Korean characters: words of them have no spaces between them."""
_LETTER = rf"[^\W{_CJK}]"

_IDS = "dfl|pjb|job|cls|spl|cfg|whc|bat|dir|prj|org|doc|file|req|run|evt|dlv|mail|task|user|sess|trace|span"
_EXTENSIONS = (
    "pdf|docx?|docm|dotx?|xlsx?|xlsm|xlsb|pptx?|pptm|ppsx|png|jpe?g|jp2|jxl|tiff?|webp|avif|gif|bmp|hei[cf]|svg|html?|"
    "txt|md|csv|tsv|rtf|eml|msg|ics|vcf|p7[ms]|od[tspg]|epub|xml|json|ya?ml|zip|g?z|tar|7z|rar|bin|tmp|dat|log|ps|eps|"
    "xps|tex|pages|numbers|key|hwpx?|wpd|wps|mp[34]|m4a|wav|mov|exe|parquet"
)
_HOSTS = "com|net|org|io|ai|co|app|cloud|dev|internal|local|localdomain|svc|example|test|invalid|eu|de|fr|uk|jp|cn"

_FULL_MONTHS = "january|february|april|june|july|september|october|november|december"
_MONTHS = f"{_FULL_MONTHS}|march|may|august|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_FULL_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_DAYS = f"{_FULL_DAYS}|mon|tues?|wed|thu|thurs?|fri|sat|sun"
_ZONE = r"z|utc|gmt|[ecmpw][sd]t|bst|c?e?est|[ecw]et|msk|ist|jst|kst|hkt|sgt|ae[sd]t|nz[sd]t"
_TIME = rf"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:(?:{_ZONE})\b|(?:utc|gmt)?[+-]\d\d:?\d\d))*"
_CLOCK = rf"(?:[,\s]*(?:t|at)?\s?{_TIME})?"

_ORDINAL = r"\d\d?(?:st|nd|rd|th)?\b\.?"
_DAY_FIRST = rf"(?:\b(?:{_DAYS})\b\.?,?\s)?\b{_ORDINAL}[\s-](?:of\s)?(?:{_MONTHS})\b\.?,?(?:[\s-]\d{{2,4}})?\b{_CLOCK}"
_MONTH_FIRST = rf"(?:\b(?:{_DAYS})\b\.?,?\s)?\b(?:{_MONTHS})\b\.?\s{_ORDINAL}(?!:){_CLOCK}(?:,?\s\d{{4}}\b)?{_CLOCK}"
_IPV6 = (
    r"\[?(?<![\w:.])(?!\d\d?:\d\d:\d\d(?![\w:]))(?:[\da-f]{0,4}:){2,7}"
    r"(?:[\da-f]{1,4}(?![\w:])|(?:\d{1,3}\.){3}\d{1,3}|(?![\w:]))(?:%\w+)?(?:\](?::\d+)?)?"
)
_QUOTED = (
    r"\"[^\"]*\"|“[^“”]*”|„[^„“”]*[“”]|”[^”]*”|«[^»]*»|»[^«]*«|‹[^›]*›|›[^‹]*‹|`[^`]*`|‚[^‘’]*[‘’]|"
    r"「[^」]*」|『[^』]*』|《[^》]*》|〈[^〉]*〉|【[^】]*】|〝[^〞〟]*[〞〟]|"
    r"‘(?:[^’]|(?<=\w)’(?=\w))*’|(?<!\w)'(?:[^']|(?<=\w)'(?=\w))*'(?!\w)"
)

_SAYS = "detail|message|error|error_message|msg|reason|title|code|type|status"
"""Keys whose values are what an error says, in JSON and in Python's reprs of it."""
_VERBS = "is|are|was|were|has|have|had|not|cannot|can't|could|must|should|exceeded|failed|your|you"
_ROLES = "master|primary|replica|secondary|leader|follower|standby|node|shard"
_CARRIED_ID = r"[\"'](?:request|correlation|trace)[_-]?id[\"']\s*:\s*(?:\"[^\"]*\"|'[^']*'|null|none)"
_PHRASES = "|".join(
    [r"(?-i:[A-Z]{4,}(?:_[A-Z]+)*\b)", *(rf"{re.escape(item.phrase)}\b" for item in HTTPStatus if item >= 400)]
)
"""What follows an HTTP code at the beginning: a number that begins a sentence is a number."""
_HIDDEN = str.maketrans("0123456789", "".join(map(chr, range(0xE000, 0xE00A))))
_UNHIDDEN = {hidden: digit for digit, hidden in _HIDDEN.items()}
"""Digits of a code are no number: they are hidden from the masks, and come back at the end."""


def _code(found: re.Match[str]) -> str:
    return found[0].translate(_HIDDEN)


def _unquoted_code(found: re.Match[str]) -> str:
    return found[1].translate(_HIDDEN)


def _unless_sentence(found: re.Match[str]) -> str:
    """A placeholder for what is quoted, which is a name; a sentence is what the message says."""
    words = found[0][1:-1].casefold().split()
    return f" {found[0][1:-1]} " if len(words) >= 3 and re.search(rf"\b(?:{_VERBS})\b", " ".join(words)) else VARIES


_UNITS = (
    "[kmgtp]i?b?|bytes?|b|bits?|[kmg]bps|ns|[mµμu]s|m?secs?|s|mins?|m|hrs?|h|d|"
    "(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|months?|years?|"
    "%|percent|px|pt|dpi|mm|cm|inch(?:es)?|credits?|usd|eur|am|pm|st|nd|rd|th"
)
_NUMBER = rf"\d(?:[\d.,:_/]*\d)?(?:e[+-]?\d+)?(?:\s?(?:{_UNITS})(?!\w))?"

_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_CLUSTERS = re.compile("http|tsch|sch|tch|str|ght|chr|phr|thr|ch|ck|gh|ng|ph|sh|th")
"""Letters that stand together in words; each counts as one consonant."""


def _unless_a_word(found: re.Match[str]) -> str:
    """A placeholder for what looks random, letters or not; a word stays."""
    first, *more = parts = re.split("[-_]", found[0])
    prefixed = bool(more) and re.fullmatch(_IDS, first.casefold()) is not None
    random = any(map(_random, parts)) or (prefixed and any(map(_random_after_prefix, more)))
    return VARIES if random else found[0]


def _random(letters: str) -> bool:
    """Whether this is not a word: its letters are of mixed case, hexadecimal, or unpronounceable."""
    return len(letters) >= 6 and (
        _mixed(letters) or _unspeakable(letters, 6) or re.fullmatch("[a-f]{8,}", letters) is not None
    )


def _random_after_prefix(letters: str) -> bool:
    """The same for what follows ``job-``, where less is enough."""
    return len(letters) >= 4 and (
        _mixed(letters) or _unspeakable(letters, 4) or re.fullmatch("[a-f]+", letters) is not None
    )


def _mixed(letters: str) -> bool:
    """Whether its case changes more often than in ``PdfReadError``."""
    changes = len(re.findall("[a-z][A-Z]", letters))
    return changes >= 2 and (len(letters) < 4 * changes or (changes >= 3 and len(letters) == 4 * changes))


def _unspeakable(letters: str, consonants: int) -> bool:
    """Whether so many consonants stand in a row within one part of a name like ``HTTPStatus``; acronyms have more."""
    for part in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", letters):
        most = consonants + 2 * part.isupper()
        if re.search(f"[{_CONSONANTS}]{{{most}}}", _CLUSTERS.sub("t", part.casefold())):
            return True
    return False


def _singular(found: re.Match[str]) -> str:
    """ "1 page" and "3 pages" say the same."""
    return f"{VARIES} {found[1]}{'y' if found[2] == 'ies' else ''}"


_Replacement = str | Callable[[re.Match[str]], str]
_MASKS: tuple[tuple[str, _Replacement], ...] = (
    # The message of a JSON error is quoted, but is not a name.
    (rf"\\?\"({_SAYS})\\?\"\s*:\s*\\?\"((?:[^\"\\]|\\[^\"])*)\\?\"", r"\1: \2"),
    (rf"'({_SAYS})'\s*:\s*'((?:[^'\\]|\\.|(?<=\w)'(?=\w))*)'", r"\1: \2"),
    (rf"'({_SAYS})'\s*:\s*\"((?:[^\"\\]|\\.)*)\"", r"\1: \2"),
    # What an error carries for its support, here and not there; the value that did not fit, and its type.
    (rf",\s*{_CARRIED_ID}|{_CARRIED_ID}\s*,?\s*", ""),
    (r"\binput_(?:value|type)=[^,\]]*", VARIES),
    # Codes: of HTTP, with their words; of errors. The key of a KeyError is one, too.
    (r"[\"']([1-5]\d\d [a-z][a-z -]+)[\"']", _unquoted_code),
    (r"\bhttp(?:/\d(?:\.\d)?)? (?:(?:error|status)(?: code)?:? )?[1-5]\d\d\b", _code),
    (rf"\b(?:error|status) code[\s:=]+[1-5]\d\d\b|^[45]\d\d (?={_PHRASES})", _code),
    (r"\b(?:err|error|ora)[-_]\d{3,6}\b", _code),
    (r"\bkeyerror: ['\"](\w+)['\"]", r"keyerror: \1"),
    # Quotation marks of all sorts, but not an apostrophe within a word.
    (_QUOTED, _unless_sentence),
    (r"\b[a-z][a-z0-9+.-]*://\S+", VARIES),
    (r"\b[\w.+-]+@[\w-]+(\.[\w-]+)*", VARIES),
    (rf"(?<![^\s<>=(])[^\s<>=(]+\.({_EXTENSIONS})(?![a-z0-9])", VARIES),
    (rf"(?<=[{_CJK}])(?=[a-z0-9])|(?<=[a-z0-9])(?=[{_CJK}])", " "),
    (r"(?<![\w+/])[\w+/-]{8,}={1,2}(?![\w=])", VARIES),
    # Paths: absolute, from here or home, with two slashes at least, Windows'; "and/or" is none.
    (r"\b[a-z]:[\\/]\S+|\\\\[\w.$-]+\\\S+", VARIES),
    (r"(?<![\w<>/.~])(?:\.{1,2}|~)?(?:/[\w.~+@=%-]+)+/?|\b[\w.~+@=%-]+(?:/[\w.~+@=%-]+){2,}/?", VARIES),
    (rf"(?<![\w.-])(?:[\w-]+\.)+(?:{_HOSTS})\b(?::\d+)?(?:/\S*)?", VARIES),
    (rf"\b[a-z][a-z0-9]*-(?:{_ROLES})(?:-\d+)?\b(?::\d+)?", VARIES),
    (_IPV6, VARIES),
    (r"\b[\da-z]{8}-[\da-z]{4}-[\da-z]{4}-[\da-z]{4}-[\da-z]{12}\b", VARIES),
    (r"\b((?:\w+[ _-]?)?id)\s?[:=#]\s?[\w-]+", rf"\1 {VARIES}"),
    (r"\b(correlation|request|trace)([ _-]?id)?[\s:=(]+[\w-]*\d[\w-]*", rf"\1 {VARIES}"),
    (rf"\b({_IDS})[-_]((?=[\w-]*\d)[\w-]+|[\w-]{{16,}})", VARIES),
    (r"\b0x[\da-f]+\b|\bu\+[\da-f]{4,6}\b|\\[xu][\da-f]{2,4}", VARIES),
    # Moments: ISO 8601; RFC 2822 and what people write; a month or a day of the week by itself; ISO 8601's spans.
    (rf"\d{{4}}-\d\d?-\d\d?(?:t?{_CLOCK}|t\d+z?)", VARIES),
    (rf"{_DAY_FIRST}|{_MONTH_FIRST}", VARIES),
    (rf"\b(?:{_MONTHS})\b\.?,?\s\d{{4}}\b|\b(?:{_FULL_MONTHS}|{_FULL_DAYS})\b", VARIES),
    (rf"\b(?:{_DAYS})\b\.?,?\s(?=<\*>)", VARIES),
    (rf"\b{_TIME}", VARIES),
    (r"\bp(?=t?\d)(?:\d+[ymwd])*(?:t(?:[\d.]+[hms])+)?\b", VARIES),
    (r"\b(?=[a-z_-]*\d)[\w-]{8,}\b", VARIES),
    (r"\b[a-z][a-z_-]{4,}\b", _unless_a_word),
    # A number with its unit: "2 mb" and "350 kb" say the same, and so do "90 s" and "1h 30m".
    (rf"[+-]?{_NUMBER}(?:\s?{_NUMBER})*", VARIES),
    (r"<\*>\s([^\W\d_]{2,}?)(ies|s)\b", _singular),
    # A list of such things is one.
    (r"<\*>(?:[\s,;/.:–-]*(?:and |or )?<\*>)+", VARIES),
)  # fmt: skip
"""Applied in this order; each later one meets the placeholders of those before."""


@functools.cache
def _compiled() -> Sequence[tuple[re.Pattern[str], _Replacement]]:
    """The masks, compiled when the first error is masked: it takes as long as a tenth of a process's start."""
    return [(re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in _MASKS]
