"""The operator's API and page, behind an HTTP API of their own."""

from typing import Any

from handlers.functions import application
from handlers.functions.gateway import Gateway, gateway
from handlers.functions.warm import LambdaContext, Warm
from receiver.bootstrap import App
from receiver.http.operator import operator_app
from receiver.http.readiness import readiness_by_reading
from receiver.http.stream import ChangeStreams
from receiver.settings import Settings


def build(settings: Settings) -> tuple[App, Gateway]:
    """The application, and its page and API for Lambda. CloudWatch has the metrics."""
    app = application.build(settings)
    polled = ChangeStreams(app.context, most=0)  # Lambda answers when all of a response is there
    inside = operator_app(app, readiness_by_reading(app.context.store), metrics=False, streams=polled)
    return app, gateway(inside)


async def close(built: tuple[App, Gateway]) -> None:
    await application.close(built[0])


WARM = Warm(build, close)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The response to one request."""
    app, http = WARM.built()
    answer = http(event, context)
    WARM.publish(application.meter_of(app))
    return answer
