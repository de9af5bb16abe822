"""Files that programs keep mail in: mbox with several, and Apple Mail's ``.emlx`` with one behind its length.

In an mbox each mail follows a line ``From SENDER DATE``. Source: RFC 4155; mboxrd for the quoting.
"""

import re
from itertools import pairwise

from receiver.core.header_block import LENGTH

_FIRST = re.compile(rb"From [^\r\n]*\r?\n")
_NEXT = re.compile(
    rb"(?<=\n)\r?\n(From [^\r\n]*\d{1,2}:\d{2}[^\r\n]*\b(?:19|20)\d{2}\b[^\r\n]*\r?\n)(?=[!-9;-~]+[ \t]*:)"
)
"""After an empty line, with a time and a year, before a header field: no sentence that begins with From is all that."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def mails(content: bytes) -> list[bytes]:
    """The mails in these bytes: one, as it is, where nothing stands before it."""
    if length := LENGTH.match(content):
        return [content[length.end() : length.end() + int(length[1])]]
    first = _FIRST.match(content)
    if first is None:
        return [content]
    between = [(one.start(), one.end()) for one in _NEXT.finditer(content, first.end())]
    edges = [(0, first.end()), *between, (len(content), len(content))]
    return [_QUOTED.sub(rb"\1", content[begin:end]) for (_, begin), (end, _) in pairwise(edges)]
