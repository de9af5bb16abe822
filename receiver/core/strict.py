"""Refuses JSON that two parsers could read differently: duplicate keys, text that is not UTF-8, deep nesting.

The parser skips values that Mailroom does not read, so a body of 10 MiB costs no memory; but it skips these faults too,
so they are checked here. A few counts clear nearly every event; only the others are scanned, token by token.
"""

import codecs
import re
from itertools import islice

from receiver.core.errors import Malformed

DEPTH = 64
"""Maximum levels of nesting; LlamaCloud's envelope has two."""
_CHUNK = 64 * 1024
_READ = re.compile(rb'"(?:event_id|event_type|timestamp|data|job_id|id)"')
"""The keys that are read. If each occurs once in the text, none is duplicated."""
_NAMES = 6
_TOKEN = re.compile(rb'("(?:[^"\\]++|\\.)*+")(\s*+:)?|([\[{])|[\]}]', re.DOTALL)


def refuse_ambiguity(raw: bytes) -> None:
    """Raises Malformed. ``raw`` is well-formed JSON as far as the parser has read it."""
    if not raw.isascii():
        _refuse_what_is_not_utf8(raw)
    if _may_repeat(raw) or _may_be_deep(raw):
        _scan(raw)


def _may_repeat(raw: bytes) -> bool:
    """Whether a name that is read could be there twice; ``\\u`` could spell one differently."""
    found = _READ.findall(raw) if len(raw) <= _CHUNK else [name[0] for name in islice(_READ.finditer(raw), _NAMES + 1)]
    return len(set(found)) < len(found) or (b"\\" in raw and b"\\u" in raw)


def _may_be_deep(raw: bytes) -> bool:
    return raw.count(b"{") > DEPTH // 2 or raw.count(b"[") > DEPTH // 2


def _refuse_what_is_not_utf8(raw: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), _CHUNK):
            decoder.decode(raw[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None


def _scan(raw: bytes) -> None:
    """Scans every token: nesting, and the keys of the two outer levels, which are all that is read."""
    names: list[set[bytes]] = [set(), set(), set()]
    depth = 0
    for token in _TOKEN.finditer(raw):
        text, colon, opens = token.groups()
        if opens:
            depth += 1
            if depth > DEPTH:
                raise Malformed(f"the body is nested more than {DEPTH} levels deep")
            if depth < len(names):
                names[depth] = set()
        elif text is None:
            depth -= 1
        elif colon and depth < len(names):
            name = _spelled_out(text)
            if name in names[depth]:
                raise Malformed("duplicate JSON key")
            names[depth].add(name)


def _spelled_out(text: bytes) -> bytes:
    """The name without ``\\u`` escapes, so that two spellings of it are one."""
    if b"\\u" not in text:
        return text
    return re.sub(rb"\\u00([0-7][0-9a-fA-F])", lambda found: bytes([int(found[1], 16)]), text)
