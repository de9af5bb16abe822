"""Fingerprints: which failures are of one cause, however many ids, numbers and names their messages hold.

LlamaCloud's known texts are recognised by pattern. Any other text is masked: what differs from one document to the next
(ids, numbers, quoted names, file names, dates, addresses, the document's own name) gives way to a placeholder.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

CAUSE_KEPT = 300
"""Characters of a masked text that tell causes apart; what comes after them is a detail."""
READ = 1000
"""Characters of a text that are looked at: a text from outside has no bound of its own."""


class Known(NamedTuple):
    """A text that LlamaCloud is known to give, whatever stands in its variable parts."""

    cause: str
    pattern: re.Pattern[str]


def _known(cause: str, pattern: str) -> Known:
    return Known(cause, re.compile(pattern))


# Source: the error reference of the vendor's troubleshooting page, and error texts of its API. The order matters: the
# first that fits. Patterns are held against masked text: lower case, single spaces.
KNOWN: tuple[Known, ...] = (
    _known("locked", r"encrypt|locked with a password|password[- ]protected|"
                     r"password (is )?(required|needed)|requires? (a )?password"),
    _known("empty-file", r"(file|document|pdf|upload)\b.*\bis empty|empty (file|document|pdf)|zero[- ]byte"),
    _known("source-gone", r"source file\b.*\bnot found|\bfile\b.*\b(not found in (storage|project)|has expired)"),
    _known("other-project", r"(file|parse job) id\b.*\bis not in project"),
    _known("rate-limit", r"rate limit exceeded|too many requests"),
    _known("credits", r"out of credits|used up your credits|usage limit|insufficient credits"),
    _known("timed-out", r"timed[- ]?out|time ?out|deadline exceeded|took too long"),
    _known("too-large", r"file size\b.*\bexceeds|too (large|big)|exceeds the (maximum|limit)|too many pages"),
    _known("file-type", r"unsupported (file|media|document) (type|format|extension)|file type\b.*\bnot supported"),
    _known("unavailable", r"endpoints? (are|is) currently unavailable|service unavailable|temporarily unavailable"),
    _known("vendor-fault", r"internal (server )?error|unexpected error|unhandled|something went wrong"),
    _known("damaged", r"corrupt|damaged|not a valid pdf|malformed pdf|invalid pdf|"
                      r"(could not|cannot|can't|unable to|failed to) (be )?(parsed?|read|open(ed)?|load(ed)?)"),
)  # fmt: skip
"""Cause -> the texts that mean it."""


def cause_of(text: str, *names: str) -> str:
    """What failures with this text have in common; ``names`` are those of the document, which may stand in the text."""
    common = masked(text, *names)  # first, since a file may be called encrypted.pdf
    return next((known.cause for known in KNOWN if known.pattern.search(common)), common[:CAUSE_KEPT].strip())


def masked(text: str, *names: str) -> str:
    """The text with what differs from one document to the next replaced by a placeholder."""
    plain = _plain(text)
    for name in sorted({_plain(one) for one in _with_stems(names)} - {""}, key=len, reverse=True):
        plain = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", _VARIES, plain)
    for pattern, replacement in _MASKS:
        plain = pattern.sub(replacement, plain)
    return plain


def _plain(text: str) -> str:
    """Lower case, one form of each letter, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text[:READ]).casefold().split())


def _with_stems(names: Sequence[str]) -> list[str]:
    """The names, and each without its extension where enough is left to be recognised."""
    stems = [name.rpartition(".")[0] for name in names]
    return [*names, *(stem for stem in stems if len(stem) >= 3)]


_EXTENSIONS = (
    "pdf|docx?|xlsx?|pptx?|png|jpe?g|tiff?|webp|gif|bmp|heic|html?|txt|md|csv|rtf|eml|msg|odt|ods|odp|epub|xml|json"
)
_IDS = "dfl|pjb|job|cls|spl|cfg|whc|bat|dir|prj|org|doc|file|req|run|evt|dlv|mail"
_VARIES = "<*>"
"""One placeholder for everything: what is an id today may be a number tomorrow."""
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Quotation marks of all sorts; an apostrophe within a word is none.
        (r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|`[^`]*`|‘[^’]*’|(?<!\w)'[^']*'(?!\w)", _VARIES),
        (r"\b[a-z][a-z0-9+.-]*://\S+", _VARIES),
        (r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+", _VARIES),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", _VARIES),
        (r"\b(correlation|request|trace)([ _-]?id)?[\s:=(]+[\w-]*\d[\w-]*", rf"\1 {_VARIES}"),
        (rf"\b({_IDS})[-_]((?=[\w-]*\d)[\w-]+|[\w-]{{16,}})", _VARIES),
        (r"\d{4}-\d\d?-\d\d?([t ]\d\d?:\d\d(:\d\d(\.\d+)?)?(z|[+-]\d\d:?\d\d)?)?", _VARIES),
        (rf"[^\s<>]+\.({_EXTENSIONS})\b", _VARIES),
        (r"(?<![\w<])(/[\w.~+-]+){2,}/?|\b[a-z]:\\\S+", _VARIES),
        (r"\b(?=[a-z_-]*\d)[\w-]{8,}\b", _VARIES),
        # A number with its unit: "2 mb" and "350 kb" say the same.
        (r"[+-]?\d[\d.,:_/]*\s?(kib|mib|gib|bytes?|kb|mb|gb|ms|s|%)?(?![\w])", _VARIES),
        (r"\d+", _VARIES),
        # A list of such things is one.
        (r"<\*>([\s,;/.:-]*(and |or )?<\*>)+", _VARIES),
    )
)
"""Applied in this order; each later one meets the placeholders of those before."""
