"""An HTTP endpoint for tests: it remembers what it got and answers what it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.servers import serve


@dataclass(frozen=True)
class Got:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """What came, and what is answered: ``status`` with ``headers`` and ``answer``, to every request."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    got: list[Got] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.method, request.url.path, headers, await request.body()))
        await Response(self.answer, self.status, headers=self.headers)(scope, receive, send)

    def forget(self) -> "Endpoint":
        """As new, for the next test."""
        self.status, self.headers, self.answer, self.got = 200, {}, b"", []
        return self

    @property
    def posts(self) -> list[Got]:
        """The requests that were meant to have an effect."""
        return [item for item in self.got if item.method == "POST"]


@contextmanager
def an_endpoint() -> Iterator[Endpoint]:
    """A running endpoint on a free port."""
    endpoint = Endpoint()
    with serve(endpoint) as url:
        endpoint.url = url
        yield endpoint
