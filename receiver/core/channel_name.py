"""The name of an alert channel: its address as mailroom.yaml has it, without what may be a secret.

It stands in records, notices, logs, answers and on screens. Two addresses have two names.
"""

import hashlib
import re

OPEN = frozenset({"log", "mailto", "sns", "events"})
"""Kinds of channels whose addresses hold no secret."""
_URL = re.compile(r"(https?://)((?:[^/?#]*@)?)([^/?#@]*)(.*)", re.DOTALL)
_PUBLIC = re.compile(r"/?|(/env:[A-Za-z_]\w*)+/?|env:[A-Za-z_]\w*(/[A-Z0-9]{1,12})?|/?\.\.\.[0-9a-f]{8}")
"""What may follow a host, or a kind: nothing, variables, a bot's token as a variable with its channel, our own mark."""


def channel_name(to: str) -> str:
    """The name of the channel with this address; of a name, itself.

    Hosts and variables (``env:NAME``) are shown. Paths, keys, tokens, users and queries are not.
    """
    kind, _, rest = to.partition(":")
    if kind in OPEN or not rest or _PUBLIC.fullmatch(to):
        return to
    before = "" if kind in ("http", "https") else f"{kind}:"
    found = _URL.fullmatch(to.removeprefix(before))
    scheme, user, host, rest = found.groups() if found else ("", "", "", rest)
    if _PUBLIC.fullmatch(rest) and not user:
        return to
    mark = hashlib.sha256(to.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{before}{scheme}{host}{'/' if found else ''}...{mark}"
