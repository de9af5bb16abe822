"""Requests from a source of chance: mostly right ones with something wrong, because those get furthest."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from receiver.http.webhook import PATH
from tests.builders import NOW
from tests.receivers import ADMIN_TOKEN, HEADER, Sender

METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "")
OTHER_PATHS = (
    "/", "/documents", "/documents/doc-1", "/documents/doc-1/route", "/events", "/tasks", "/tasks/a:b/c/replay",
    "/overview", "/livez", "/readyz", "/metrics", "/nope", "/webhooks", "/webhooks/llamacloud/", "//", "/%00",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request, and what is known of it beforehand."""

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    hangs_up: bool = False
    must_be_kept: bool = False

    @property
    def is_event(self) -> bool:
        return self.path == PATH

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": self.method, "scheme": "http",
            "path": self.path, "raw_path": quote(self.path).encode(), "query_string": self.query, "root_path": "",
            "headers": [(name.lower(), value) for name, value in self.headers], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip

    def messages(self) -> list[dict[str, Any]]:
        """What arrives, piece by piece."""
        pieces = self.pieces or [b""]
        sent: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if self.hangs_up:
            return [*sent, {"type": "http.disconnect"}]
        sent[-1]["more_body"] = False
        return sent


def case(chance: random.Random) -> Case:
    """One case: an event four times out of five."""
    return _event(chance) if chance.random() < 0.8 else _other(chance)


def _event(chance: random.Random) -> Case:
    body = _envelope(chance)
    whole = chance.random() < 0.15
    if not whole:
        body = chance.choice(BODIES)(chance, body)
    sender = Sender(document_id=f"doc_{chance.getrandbits(64):x}")  # of one document not all would be kept
    headers = [(name.encode(), value.encode()) for name, value in sender.proofs(body).items()]
    hangs_up = False
    if not whole:
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            headers = chance.choice(HEADERS)(chance, headers)
        hangs_up = chance.random() < 0.02
    method = "POST" if whole or chance.random() < 0.97 else chance.choice(METHODS)
    return Case(method, PATH, _query(chance), headers, _cut(chance, body), hangs_up, must_be_kept=whole)


def _other(chance: random.Random) -> Case:
    path = chance.choice(OTHER_PATHS)
    method = chance.choice(("GET", "GET", "POST", "POST", *METHODS))
    headers = [(b"authorization", f"Bearer {ADMIN_TOKEN}".encode())] if chance.random() < 0.8 else []
    body = b""
    if chance.random() < 0.4:
        body = chance.choice((_multipart, _word, _junk))(chance)
        headers.append((b"content-type", chance.choice((b"multipart/form-data; boundary=x", b"application/json", b""))))
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        headers = chance.choice(HEADERS)(chance, headers)
    return Case(method, path, _query(chance), headers, _cut(chance, body), hangs_up=chance.random() < 0.02)


def _envelope(chance: random.Random) -> bytes:
    """A well-formed event."""
    data: dict[str, Any] = {"job_id": _text(chance) or "job"}
    if chance.random() < 0.5:
        data["id"] = _text(chance) or "id"
    if chance.random() < 0.3:
        data[f"x{chance.random()}"] = _value(chance, 4)
    event: dict[str, Any] = {
        "event_id": f"evt-{chance.getrandbits(48):x}",
        "event_type": _text(chance) or "classify.success",
    }
    if chance.random() < 0.8:
        event["timestamp"] = chance.choice((NOW, 1.5e9, 0, -1, 1e300, "now", None))
    shown = data if chance.random() < 0.8 else json.dumps(data)
    text = json.dumps({**event, "data": shown}, ensure_ascii=chance.random() < 0.5)
    return (json.dumps(text) if chance.random() < 0.2 else text).encode()


def _text(chance: random.Random) -> str:
    letters = chance.choice(("abcdef.-_", "äöü€😀", ' "\\/\b\n\t', "{}[]:,", "\x00\x7f\u202e"))
    return "".join(chance.choice(letters) for _ in range(chance.choice((0, 1, 5, 20, 100))))


def _value(chance: random.Random, depth: int) -> Any:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice((None, True, 0, -1, 1e308, 10**25, _text(chance), ""))
    if chance.random() < 0.5:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {f"{number}{_text(chance)[:3]}": _value(chance, depth - 1) for number in range(chance.randrange(4))}


def _flipped(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _truncated(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body))]


def _spliced(chance: random.Random, body: bytes) -> bytes:
    start, end, at = (chance.randrange(len(body)) for _ in range(3))
    return body[:at] + body[min(start, end) : max(start, end)] + body[at:]


def _nested(chance: random.Random, body: bytes) -> bytes:
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    depth = chance.choice((10, 60, 70, 500, 2000))
    inside = opening * depth + b"1" + closing * (depth if chance.random() < 0.8 else 0)
    return b'{"event_id":"1","event_type":"x","data":{"rows":%b}}' % inside


def _wrong_types(chance: random.Random, body: bytes) -> bytes:
    event: dict[str, Any] = {"event_id": "evt", "event_type": "x.y", "timestamp": NOW, "data": {"job_id": "job"}}
    event[chance.choice(tuple(event))] = _value(chance, 3)
    return json.dumps(event).encode()


def _doubled(chance: random.Random, body: bytes) -> bytes:
    name = chance.choice(("event_id", "event_type", "timestamp", "data", "event\\u005fid", "x"))
    return b'{"%b":null,"event_id":"e","event_type":"x","timestamp":1,"data":{"id":"1"}}' % name.encode()


def _whole_junk(chance: random.Random, body: bytes) -> bytes:
    return _junk(chance)


def _large(chance: random.Random, body: bytes) -> bytes:
    return body[:-1] + b" " * chance.choice((1_000, 49_000, 60_000)) + body[-1:]


def _same(chance: random.Random, body: bytes) -> bytes:
    return body


def _junk(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"",
            b"null",
            b"[]",
            b'""',
            b"0",
            b"{}",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00}\x00",
            chance.randbytes(chance.randrange(300)),
        )
    )


def _multipart(chance: random.Random) -> bytes:
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="%b"\r\n\r\n%b\r\n'
        % (_text(chance).encode().replace(b"\n", b""), chance.randbytes(chance.choice((0, 1, 100, 60_000))))
        for _ in range(chance.randrange(4))
    )
    whole = parts + b"--x--\r\n"
    return whole if chance.random() < 0.5 else chance.choice((_flipped, _truncated, _spliced))(chance, whole)


def _word(chance: random.Random) -> bytes:
    return json.dumps({chance.choice(("to", "type", "who", "x")): _value(chance, 2) for _ in range(2)}).encode()


def _without(chance: random.Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    gone = chance.choice(headers) if headers else None
    return [pair for pair in headers if pair != gone]


def _repeated(chance: random.Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [*headers, chance.choice(headers)] if headers else headers


def _changed(chance: random.Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    if not headers:
        return headers
    place = chance.randrange(len(headers))
    name, value = headers[place]
    junk = chance.choice(
        (b"", b" ", b"\xff\xfe", chance.randbytes(20), value[:-1], value + b"x", value.upper(), b"." * 5)
    )
    return [*headers[:place], (name, junk), *headers[place + 1 :]]


def _added(chance: random.Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [*headers, chance.choice(STRANGE)]


def _many(chance: random.Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [*headers, *[(b"x-filler", b"y" * chance.choice((1, 400)))] * chance.choice((50, 150))]


def _cut(chance: random.Random, body: bytes) -> list[bytes]:
    """The body in pieces as a network might bring it."""
    if chance.random() < 0.6 or len(body) < 2:
        return [body]
    places = sorted(chance.randrange(len(body)) for _ in range(chance.randint(1, 4)))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


def _query(chance: random.Random) -> bytes:
    if chance.random() < 0.7:
        return b""
    names = ("state", "type", "batch", "q", "since", "limit", "cursor", "packet", "job", "subject", "kind", "x")
    values = ("", "open", "1", "-1", "9" * 400, "2026-01-01", "nan", "inf", "1e999", "parked", _text(chance))
    return "&".join(
        f"{chance.choice(names)}={quote(chance.choice(values))}" for _ in range(chance.randint(1, 3))
    ).encode()


STRANGE = [
    (b"authorization", b"Bearer"),
    (b"authorization", b"Bearer \xff"),
    (b"content-encoding", b""),
    (b"content-encoding", b"gzip"),
    (b"content-length", b"-1"),
    (b"content-length", b"9" * 30),
    (b"content-length", "\u00b2".encode()),
    (b"content-type", b"\xff"),
    (b"content-type", b"text/html"),
    (b"expect", b"100-continue"),
    (b"host", b""),
    (b"lc-signature", b"sha256="),
    (b"transfer-encoding", b"chunked"),
    (b"x-forwarded-for", b"' or 1=1 --"),
    (b"x-mailroom-token", b"v1....."),
    (b"x-mailroom-token", b"v1.\xff.\xff.\xff.\xff"),
    (HEADER.encode(), b"\x00"),
    (b"", b""),
]
BODIES: list[Callable[[random.Random, bytes], bytes]] = [
    _flipped, _truncated, _spliced, _nested, _wrong_types, _doubled, _whole_junk, _large, _same, _same,
]  # fmt: skip
HEADERS = [_without, _repeated, _changed, _added, _many]
