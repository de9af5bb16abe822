"""API Gateway's and function URLs' events as requests of an ASGI application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from mangum import Mangum

from handlers.functions.warm import LambdaContext

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
Gateway = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def gateway(application: Application) -> Gateway:
    """Answers a function's events by this application."""
    return cast("Gateway", Mangum(cast("Any", application), lifespan="off"))
