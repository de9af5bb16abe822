"""The name of an alert channel: its address as mailroom.yaml has it, without what may be a secret.

It stands in records, notices, logs, answers and on screens. Two addresses have two names.
"""

import hashlib
import re

OPEN = frozenset({"log", "mailto", "sns", "events"})
"""Kinds of channels whose addresses hold no secret."""
_KIND = re.compile(r"[a-z]{1,12}")
_URL = re.compile(r"(https?://)([^/?#@]*)(.*)", re.DOTALL)
_HOST = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?|env:[A-Za-z_]\w*", re.ASCII)
_PUBLIC = re.compile(r"/?|(/env:[A-Za-z_]\w*)+/?|env:[A-Za-z_]\w*(/[A-Z0-9]{1,12})?|/?\.\.\.[0-9a-f]{8}", re.ASCII)
"""What may follow a host, or a kind: nothing, variables, a bot's token as a variable with its channel, our own mark."""


def channel_name(to: str) -> str:
    """The name of the channel with this address; of a name, itself.

    Hosts and variables (``env:NAME``) are shown. Paths, keys, tokens, users and queries are not, nor is what stands for
    a host and does not look like one: with an @ further on it is a user, and a part of the password.
    """
    kind, _, rest = to.partition(":")
    if kind in OPEN or _PUBLIC.fullmatch(to):
        return to
    mark = hashlib.sha256(to.encode(errors="surrogatepass")).hexdigest()[:8]
    if not rest or not _KIND.fullmatch(kind):
        return f"...{mark}"
    before = "" if kind in ("http", "https") else f"{kind}:"
    found = _URL.fullmatch(to.removeprefix(before))
    if found is None:
        return to if _PUBLIC.fullmatch(rest) else f"{before}...{mark}"
    scheme, host, rest = found.groups()
    if "@" in rest or not _HOST.fullmatch(host):
        return f"{before}{scheme}...{mark}"
    return to if _PUBLIC.fullmatch(rest) else f"{before}{scheme}{host}/...{mark}"
