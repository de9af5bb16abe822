"""Files that programs keep mail in: mbox with several, and Apple Mail's ``.emlx`` with one behind its length.

In an mbox each mail follows a line ``From SENDER DATE``. Source: RFC 4155; mboxrd for the quoting. Programs write less:
Netscape and Thunderbird ``From - `` or ``From `` alone, others no time, or no empty line before it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from receiver.core.header_block import LENGTH, is_mail

_FIRST = re.compile(rb"From [^\r\n]*\r?\n")
_NEXT = re.compile(rb"(?<=\n)(From [^\r\n]*\r?\n)(?=[!-9;-~]+[ \t]*:)")
"""A line that may begin the next mail: a header field follows it."""
_DATED = re.compile(rb"From [^\r\n]*\d{1,2}:\d{2}[^\r\n]*\b(?:19|20)\d{2}\b")
"""With a time and a year: after an empty line, no sentence that begins with From is all that."""
_EMPTY_LINE = re.compile(rb"(\n)\r?\n\Z")
"""What parts a mail from the next line From, and belongs to neither."""
_HEADER_BYTES = 16 * 1024
"""How much is looked at to see that a header block follows."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def mails(content: bytes) -> list[bytes]:
    """The mails in these bytes: one, as it is, where nothing stands before it."""
    if length := LENGTH.match(content):
        return [content[length.end() : length.end() + int(length[1])]]
    first = _FIRST.match(content)
    if first is None:
        return [content]
    between = list(_between(content, first.end()))
    edges = [(0, first.end()), *between, (len(content), len(content))]
    return [_QUOTED.sub(rb"\1", content[begin:end]) for (_, begin), (end, _) in pairwise(edges)]


def _between(content: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """Where the lines between two mails stand. A line without a date, or amid a text, is one if a mail follows it."""
    for found in _NEXT.finditer(content, begin):
        apart = _EMPTY_LINE.search(content, max(begin, found.start() - 3), found.start())
        dated = apart and _DATED.match(found[1])
        if dated or is_mail(content[found.end() : found.end() + _HEADER_BYTES]):
            yield apart.end(1) if apart else found.start(), found.end()
