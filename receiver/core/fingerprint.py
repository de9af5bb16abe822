"""Fingerprints: which failures have the same cause, whatever ids, numbers and names their messages contain.

LlamaCloud's known texts are recognised by pattern. Any other text is masked (core/masking.py).
"""

import re
from typing import NamedTuple

from receiver.core.masking import masked

CAUSE_KEPT = 300
"""Characters of a masked text that distinguish causes; the rest is detail."""


class Known(NamedTuple):
    """A known message of LlamaCloud, with any values in its variable parts."""

    cause: str
    pattern: re.Pattern[str]


def _known(cause: str, pattern: str) -> Known:
    return Known(cause, re.compile(pattern))


_DOCUMENT = r"(?:\b(?:file|document|pdf|upload|attachment|image|scan)s?\b|<\*>)"
_FAILED = r"(could not|cannot|can't|unable to|failed to)"
_WRAPPED = re.compile(r"^failed to parse the (pdf )?file: (?=job failed:)")
"""The vendor's SDK puts this before the job's message."""

# Source: the error reference of the vendor's troubleshooting page, and error texts of its API. The order matters: the
# first that fits. Patterns are held against masked text: lower case, single spaces.
KNOWN: tuple[Known, ...] = (
    _known("locked", rf"{_DOCUMENT}(?:(?!\bnot\b).){{0,40}}encrypt|encrypted {_DOCUMENT}|"
                     r"locked with a password|password[- ]protected|"
                     r"password (is )?(required|needed)|requires? (a )?password|is[_ ]protected"),
    _known("empty-file", r"(file|document|pdf|upload)\b.*\bis empty|empty (file|document|pdf)|zero[- ]byte"),
    _known("source-gone", r"source file\b.*\bnot found|\bfile\b.*\b(not found in (storage|project)|has expired)"),
    _known("other-project", r"(file|parse job) id\b.*\bis not in project"),
    _known("rate-limit", r"rate limit exceeded|too many requests"),
    _known("credits", r"out of credits|used up your credits|usage limit|insufficient credits"),
    _known("timed-out", r"timed[- ]?out|time ?out|deadline exceeded|took too long"),
    _known("too-large", rf"({_DOCUMENT}|size).*(\btoo (large|big)|\bexceeds the (maximum|limit))|"
                        r"file size\b.*\bexceeds|pdf_too_(large|big)|too many pages|"
                        r"(request entity|payload) too large"),
    _known("file-type", r"unsupported (file |media |document )?(type|format|extension)|file type\b.*\bnot supported"),
    _known("unavailable", r"endpoints? (are|is) currently unavailable|service unavailable|temporarily unavailable"),
    _known("vendor-fault", r"internal (server )?error|(unexpected|unknown) error|unhandled|something went wrong"),
    _known("damaged", r"corrupt|damaged|not a valid pdf|malformed pdf|invalid pdf|is[_ ]broken|"
                      rf"{_FAILED} (parse|read|open|load) ((the|this|your|uploaded|input) )*{_DOCUMENT}|"
                      rf"{_DOCUMENT}.{{0,40}}{_FAILED} be (parsed|read|opened|loaded)"),
)  # fmt: skip
"""Cause -> the messages that have it."""


def cause_of(text: str, *names: str) -> str:
    """The cause that failures with this text share; ``names`` are the document's, which the text may contain."""
    common = _WRAPPED.sub("", masked(text, *names))  # masked first, since a file may be called encrypted.pdf
    return next((known.cause for known in KNOWN if known.pattern.search(common)), common[:CAUSE_KEPT].strip())


def cause_of_ours(reason: str) -> str:
    """The cause of a reason of our own: its words up to the quoted part, which outsiders may choose."""
    return cause_of(re.split(r"[:'\"]", reason, maxsplit=1)[0])
