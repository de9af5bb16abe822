"""The operator's API and page, behind API Gateway's HTTP API."""

from typing import Any

from handlers.functions import application
from handlers.functions.gateway import Gateway, gateway
from handlers.functions.warm import Context, Warm
from receiver.bootstrap import App
from receiver.http.app import create_app
from receiver.settings import Settings


def build(settings: Settings) -> tuple[App, Gateway]:
    """The application, and its pages for Lambda."""
    app = application.build(settings)
    return app, gateway(create_app(app))


async def close(built: tuple[App, Gateway]) -> None:
    await application.close(built[0])


WARM = Warm(build, close)


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """The answer to one request."""
    app, http = WARM.built()
    answer = http(event, context)
    WARM.publish(application.meter_of(app))
    return answer
