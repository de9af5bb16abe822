"""A proxy that stands between Mailroom and LlamaCloud's stand-in, and remembers each request that went through."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.servers import serve


@dataclass(frozen=True)
class Recorded:
    """A request as it came, and how it was answered."""

    method: str
    path: str
    query: dict[str, str]
    key: str
    """The Authorization header; "" for none."""
    status: int

    @property
    def is_upload(self) -> bool:
        return self.method == "POST" and self.path.rstrip("/").endswith("/files")


class RecordingProxy:
    """An ASGI application. The stand-in sees the proxy's Host, so its presigned links lead through it, too."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.requests: list[Recorded] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        url = f"{self._behind}{request.url.path}{'?' + request.url.query if request.url.query else ''}"
        headers = [(name, value) for name, value in request.headers.items() if name != "connection"]
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.request(request.method, url, headers=headers, content=await request.body())
        key = request.headers.get("authorization", "")
        seen = Recorded(request.method, request.url.path, dict(request.query_params), key, answer.status_code)
        self.requests.append(seen)
        kept = {name: value for name, value in answer.headers.items() if name in {"content-type", "x-should-retry"}}
        await Response(answer.content, answer.status_code, kept)(scope, receive, send)


@contextmanager
def recording_proxy(behind: str) -> Iterator[tuple[str, RecordingProxy]]:
    """The base URL of such a proxy before ``behind``, and the proxy."""
    app = RecordingProxy(behind)
    with serve(app) as url:
        yield url, app
