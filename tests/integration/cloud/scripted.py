"""A server that answers as a test tells it to, and remembers what it was asked."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.servers import serve


@dataclass(frozen=True)
class Answer:
    """What is sent back; ``cut`` sends half of it and closes the connection, ``late`` waits before it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    late_seconds: float = 0


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


OVER = Answer(500, {"detail": "the script is over"})


class Scripted:
    """An ASGI application: first the answers of the script, one by one, then ``otherwise``."""

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.otherwise = OVER
        self.asked: list[Asked] = []

    def play(self, *script: Answer, otherwise: Answer | None = None) -> None:
        """Another script, and nothing asked yet."""
        self.script = deque(script)
        self.otherwise = otherwise or OVER
        self.asked = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.asked.append(
            Asked(request.method, request.url.path, dict(request.query_params), dict(request.headers), body)
        )
        answer = self.script.popleft() if self.script else self.otherwise
        if answer.late_seconds:
            await asyncio.sleep(answer.late_seconds)
        if answer.cut:
            await _half(send)
        await _response(answer)(scope, receive, send)


def _response(answer: Answer) -> Response:
    content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    return Response(content, answer.status, {"Content-Type": "application/json", **answer.headers})


async def _half(send: Send) -> None:
    """A body shorter than announced: the server then closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b'{"id": "cls-', "more_body": True})
    raise ConnectionAbortedError


@contextmanager
def scripted() -> Iterator[tuple[str, Scripted]]:
    """The base URL of such a server, and the server."""
    app = Scripted()
    with serve(app) as url:
        yield url, app
