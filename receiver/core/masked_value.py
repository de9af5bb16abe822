"""A value that somebody else shows masked: what of it can still be compared with our own.

LlamaCloud masks credentials of saved webhook configurations (release notes of SDK 2.20.0). What exactly it masks, and
how, is not published. So every usual way counts: nothing at all, a word for it, or a row of signs, with some of the
value's ends or without.
"""

import re

_SIGNS = re.compile(r"[*•●∙·…#█]+|\.{3,}|[xX]{3,}|-{3,}")
"""Rows of these stand for characters that are not shown. A single ``*`` does, too: headers hold few."""
_WORDS = re.compile(r"[\[<({*]*(redacted|masked|hidden|secret|encrypted|removed)[\]>)}*]*", re.IGNORECASE)


def may_show(shown: str | None, value: str) -> bool | None:
    """Whether ``shown`` is this value; None if it is masked, and may be."""
    if shown == value:
        return True
    if shown is None or not shown.strip() or _WORDS.fullmatch(shown.strip()):
        return None
    rows = list(_SIGNS.finditer(shown))
    for row in rows:
        begin, end = shown[: row.start()], shown[row.end() :]
        if value.startswith(begin) and value.endswith(end):
            return None
    return False
