"""Turns events of API Gateway and function URLs into requests to an ASGI application."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from mangum import Mangum

from handlers.functions.warm import LambdaContext, note_test_event
from receiver.core.errors import StoreBusy
from receiver.core.timers import TO_ANSWER
from receiver.http.problems import problem_of
from receiver.http.reply import Receive, Reply, Scope, Send, send_reply
from receiver.log import log_line

log = logging.getLogger("mailroom.function")
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Gateway = Callable[[Any, LambdaContext], dict[str, Any]]


def gateway(application: Application) -> Gateway:
    """Serves a function's events with this application. An event that is not a request gets 204.

    Shortly before the invocation times out it responds with 503, because Lambda itself would return nothing.
    """
    in_time = _InTime(application)
    http = cast("Gateway", Mangum(cast("Any", in_time), lifespan="off"))

    def answered(event: object, context: LambdaContext) -> dict[str, Any]:
        if _is_request(event):
            in_time.seconds = context.get_remaining_time_in_millis() / 1000 - TO_ANSWER
            return http(event, context)
        note_test_event(event)
        return {"statusCode": 204, "headers": {}, "body": ""}

    return answered


def _is_request(event: object) -> bool:
    """Whether it has what Mangum needs of a request from API Gateway (2.0 and 1.0) or a function URL."""
    if not isinstance(event, dict) or not isinstance(context := event.get("requestContext"), dict):
        return False
    if isinstance(http := context.get("http"), dict):
        values = [http.get(name) for name in ("method", "path", "sourceIp")] + [event.get("version")]
        return all(isinstance(item, str) for item in values) and isinstance(event.get("headers", {}), dict)
    return "resource" in event and "httpMethod" in event


class _InTime:
    """The application with a time limit. It serves one request at a time, as functions do."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self._application(scope, receive, send)
        except TimeoutError:
            log_line(log, logging.ERROR, "function.out_of_time", path=scope.get("path", ""))
            await send_reply(Reply.of(problem_of(StoreBusy())), scope, send)
