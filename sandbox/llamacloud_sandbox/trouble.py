"""Faults of the API itself: what can happen to a request before its handler runs, and to the answer after."""

import asyncio
import uuid

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from llamacloud_sandbox.faults import Faults
from llamacloud_sandbox.refused import Refused


async def before(faults: Faults, method: str, path: str) -> Response | None:
    """Waits (slow), or raises Refused (429, 402, 401, 5xx), where a fault strikes; gives what a firewall answers."""
    slow = faults.strikes("slow", method=method, path=path)
    if slow:
        await asyncio.sleep(slow.seconds)
    if faults.strikes("rate_limit", method=method, path=path):
        raise Refused(429, "Rate limit exceeded. Please slow down.")
    if faults.strikes("payment_required", method=method, path=path):
        raise Refused(402, "You have used up your credits. Please upgrade your plan.")
    if faults.strikes("unauthorized", method=method, path=path):
        raise Refused(401, "Invalid API key", {"WWW-Authenticate": "Bearer"})
    broken = faults.strikes("server_error", method=method, path=path)
    if broken:
        raise Refused(broken.status, f"{broken.message} (correlation id {uuid.uuid4()})")
    if faults.strikes("forbidden", method=method, path=path):
        return HTMLResponse("<html><h1>403 Forbidden</h1></html>", 403)
    return None


def after(faults: Faults, method: str, path: str, answer: Response) -> Response:
    """The answer, or one that breaks off: the request has had its effect, and the caller cannot know."""
    return Cut(answer) if faults.strikes("cut", method=method, path=path) else answer


class Cut(Response):
    """Announces a body and goes away before the end of it; the server then closes the connection."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.body)
        self.half = bytes(answer.body[: len(answer.body) // 2])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Half an answer."""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.half) + 64).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.half, "more_body": True})
