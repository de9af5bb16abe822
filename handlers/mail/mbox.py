"""Files in which mail programs store mail: mbox has several mails, Apple Mail's ``.emlx`` one, after its length.

In an mbox each mail follows a line ``From SENDER DATE``. Source: RFC 4155; mboxrd for the quoting. Some programs write
less: Netscape and Thunderbird only ``From - `` or ``From ``, others no time, or no empty line before it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from receiver.core.header_block import LENGTH, is_mail

_FIRST = re.compile(rb"From [^\r\n]*\r?\n")
_NEXT = re.compile(rb"(?<=\n)(\r?\n)?(From [^\r\n]*\r?\n)(?=[!-9;-~]+[ \t]*:)")
"""A line that may separate two mails, with the empty line before it: a header field follows."""
_DATED = re.compile(rb"From [^\r\n]*\d{1,2}:\d{2}[^\r\n]*\b(?:19|20)\d{2}\b")
"""A line with a time and a year: no sentence that begins with From, after an empty line, has both."""
_HEADER_ENDS = re.compile(rb"\n(?:\r?\n|From )")
_HEADER_BYTES = 16 * 1024
"""How far ahead a header block is looked for."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def mails(content: bytes) -> list[bytes]:
    """The mails in these bytes: a single mail, unchanged, if no separator precedes it."""
    if length := LENGTH.match(content):
        return [content[length.end() : length.end() + int(length[1])]]
    first = _FIRST.match(content)
    if first is None:
        return [content]
    between = list(_between(content, first.end()))
    edges = [(0, first.end()), *between, (len(content), len(content))]
    return [_QUOTED.sub(rb"\1", content[begin:end]) for (_, begin), (end, _) in pairwise(edges)]


def _between(content: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """The positions of the separator lines. A line without a date, or within a text, is one if a mail follows."""
    for found in _NEXT.finditer(content, begin):
        dated = found[1] and _DATED.match(found[2])
        if dated or is_mail(_header(content, found.end())):
            yield found.start(), found.end()


def _header(content: bytes, begin: int) -> bytes:
    """The header block that begins here, up to a limit, so that all of them together take linear time."""
    end = _HEADER_ENDS.search(content, begin, begin + _HEADER_BYTES)
    return content[begin : end.end() if end else begin + _HEADER_BYTES]
