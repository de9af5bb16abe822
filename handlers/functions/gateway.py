"""API Gateway's and function URLs' events as requests of an ASGI application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from mangum import Mangum

from handlers.functions.warm import LambdaContext, note_test_event

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
Gateway = Callable[[Any, LambdaContext], dict[str, Any]]


def gateway(application: Application) -> Gateway:
    """Answers a function's events by this application; what is no request, with 204."""
    http = cast("Gateway", Mangum(cast("Any", application), lifespan="off"))

    def answered(event: object, context: LambdaContext) -> dict[str, Any]:
        if isinstance(event, dict) and "requestContext" in event:
            return http(event, context)
        note_test_event(event)
        return {"statusCode": 204, "headers": {}, "body": ""}

    return answered
