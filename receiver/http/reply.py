"""Replies of the plain ASGI applications, and the ASGI types that they use."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from receiver.http.problems import JSON, ErrorReply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Reply(NamedTuple):
    """A JSON response."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def of(cls, problem: ErrorReply) -> "Reply":
        return cls(problem.status, problem.body, problem.headers)


async def send_reply(reply: Reply, scope: Scope, send: Send) -> None:
    """Sends the response; to a HEAD request only its head."""
    body = b"" if scope["method"] == "HEAD" else reply.body
    headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
