"""The public side: the webhook, ``/livez`` and ``/readyz``.

A plain ASGI application, because Lambda uses it, too: importing Starlette for these responses would be a large part of
a cold start.
"""

from receiver.bootstrap import App
from receiver.core.errors import Misconfigured
from receiver.http.batch_dispatcher import BatchDispatcher
from receiver.http.problems import ErrorReply
from receiver.http.readiness import Readiness
from receiver.http.reply import Receive, Reply, Scope, Send, send_reply
from receiver.http.webhook import PATH, Limits, WebhookEndpoint

NOT_FOUND = ErrorReply(
    404, "not_found", "send events to /webhooks/llamacloud; the operator's page is on another address"
)
METHOD = ErrorReply(405, "method_not_allowed", "use GET", ((b"allow", b"GET, HEAD"),))
ALIVE = Reply(200, b'{"status":"ok"}')
READY = Reply(200, b'{"status":"ready"}')
DEGRADED = Reply(200, b'{"status":"degraded"}')
"""Events are stored, but a background task is down; the operator's ``/readyz`` names it."""


def public_app(app: App, readiness: Readiness | None = None) -> "Public":
    """The public side of this application. Raises Misconfigured for one without a receiver."""
    if app.receiver is None:
        raise Misconfigured("this application has no receiver, so it cannot serve events")
    limits = Limits(body=app.settings.max_body, seconds=app.settings.body_seconds)
    return Public(WebhookEndpoint(app.receiver, limits), readiness or Readiness(app.context.store.ready))


class Public:
    """Routes requests to their endpoints; ``dispatcher`` is the fast path to the webhook."""

    def __init__(self, webhook: WebhookEndpoint, readiness: Readiness) -> None:
        self.dispatcher = BatchDispatcher(webhook)
        self._webhook = webhook
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            await self._webhook(scope, receive, send)
        else:
            await send_reply(await self._health(scope), scope, send)

    async def _health(self, scope: Scope) -> Reply:
        if scope["path"] not in ("/livez", "/readyz"):
            return Reply.of(NOT_FOUND)
        if scope["method"] not in ("GET", "HEAD"):
            return Reply.of(METHOD)
        if scope["path"] == "/livez":
            return ALIVE
        if problem := await self._readiness.problem():
            return Reply.of(problem)
        return DEGRADED if self._readiness.down() else READY
