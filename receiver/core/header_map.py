"""Static webhook headers, configured as JSON: header name -> list of accepted values.

LlamaCloud sends them, so each must be a header that every HTTP client can send, and that none changes.
"""

import re
from typing import Any

from receiver.core.forms import Form, Wrong, read_json
from receiver.core.verify_webhook import SIGNATURE_HEADER, TOKEN_HEADER

EXAMPLE = '{"X-Mailroom-Key": ["new", "old"]}'
MOST_BYTES = 8192
"""Maximum size of all headers: common servers and gateways accept 8 to 16 KiB."""
TAKEN = frozenset(
    {
        *(SIGNATURE_HEADER.decode(), TOKEN_HEADER.lower()),
        *("host", "content-type", "content-length", "content-encoding", "accept-encoding", "expect", "date", "cookie"),
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""Reserved headers: Mailroom's own, the message's, and hop-by-hop headers (RFC 9110, 7.6.1)."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
"""A token of RFC 9110, 5.6.2."""
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def read_header_map(text: str) -> dict[str, list[str]]:
    """The headers in this text: name -> accepted values, of which the first is sent. Raises Wrong."""
    found = read_json(text, _once, example=EXAMPLE)
    if not isinstance(found, dict) or not all(map(_is_list, found.values())):
        raise Wrong("is not a JSON object of lists", f"write it like {EXAMPLE}")
    if not found:
        raise Wrong("is empty", "name a header, or unset it")
    for name, values in found.items():
        _check(name, values)
    if sum(len(name) + len(values[0]) + 4 for name, values in found.items()) > MOST_BYTES:
        raise Wrong(f"sends more than {MOST_BYTES} bytes", "use fewer or shorter headers")
    headers: dict[str, list[str]] = found
    return headers


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    lower = [name.lower() for name, _ in pairs]
    if repeated := next((name for name in lower if lower.count(name) > 1), None):
        raise Wrong(f"names {repeated} twice", "give one list of values for it")
    return dict(pairs)


def _is_list(values: object) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, str) for value in values)


def _check(name: str, values: list[str]) -> None:
    if not _NAME.fullmatch(name):
        raise Wrong(f"has {name!r}, which is not a valid header name", "letters, digits and - are safe: X-Mailroom-Key")
    if name.lower() in TAKEN:
        raise Wrong(f"has {name}, which is reserved", "choose a name of your own: X-Mailroom-Key")
    for place, value in enumerate(values, 1):
        if not _VALUE.fullmatch(value):
            raise Wrong(
                f"has a value of {name} (the {place}. of {len(values)}) that no header can carry",
                "visible ASCII, not empty, spaces only inside",
            )


def _read_only(text: str) -> None:
    read_header_map(text)


HEADERS = Form(
    f"a JSON object of lists, `{EXAMPLE}`: header names of your own, values in printable ASCII", _read_only, lines=True
)
