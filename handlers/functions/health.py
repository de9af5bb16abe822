"""``/livez`` and ``/readyz`` beside the webhook, as a plain ASGI application.

Starlette serves them elsewhere; loading it for two answers would be a good part of this function's start.
"""

from receiver.core.errors import StoreBusy
from receiver.http.problems import JSON, Problem, problem_of
from receiver.http.webhook import PATH, Receive, Scope, Send, Webhook
from receiver.ports import Store

NOT_FOUND = Problem(404, "not_found", "this function takes events only")


class Front:
    """Leads a request to where it belongs."""

    def __init__(self, webhook: Webhook, store: Store) -> None:
        self._webhook = webhook
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            await self._webhook(scope, receive, send)
        elif scope["path"] == "/livez":
            await _reply(send, 200, b'{"status":"ok"}')
        elif scope["path"] == "/readyz":
            await self._readyz(send)
        else:
            await _reply(send, NOT_FOUND.status, NOT_FOUND.body)

    async def _readyz(self, send: Send) -> None:
        try:
            await self._store.ready()
        except StoreBusy as error:
            problem = problem_of(error)
            await _reply(send, problem.status, problem.body, *problem.headers)
            return
        await _reply(send, 200, b'{"status":"ready"}')


async def _reply(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", JSON), *headers]})
    await send({"type": "http.response.body", "body": body})
