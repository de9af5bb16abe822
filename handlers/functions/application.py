"""The whole application, which every function but ``receive`` builds and keeps warm."""

import os
from typing import cast

from receiver.bootstrap import App
from receiver.load_app import load_app
from receiver.metrics import SummingMeter
from receiver.pipeline.scratch import clear_all_scratch
from receiver.settings import Settings


def build(settings: Settings) -> App:
    """The application with these settings.

    After a timeout Lambda restarts the process in the same place, where the previous packet still takes up disk space,
    so that is removed first. No other process works there.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        clear_all_scratch()
    return load_app(settings)


async def close(app: App) -> None:
    """Closes what the application opened."""
    async with app.opened():
        pass


def meter_of(app: App) -> SummingMeter:
    """The application's meter; the pipeline knows only its port."""
    return cast("SummingMeter", app.context.meter)
