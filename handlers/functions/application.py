"""The whole application, kept warm: what every function but ``receive`` works with."""

import os
from typing import cast

from receiver.bootstrap import App, load_app
from receiver.metrics import SummingMeter
from receiver.pipeline.scratch import clear_all_scratch
from receiver.settings import Settings


def build(settings: Settings) -> App:
    """The application that these settings describe.

    Lambda starts a process whose time ran out anew in the same place, where its packet still takes up the disk; nobody
    else works there.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        clear_all_scratch()
    return load_app(settings)


async def close(app: App) -> None:
    """Closes what the application opened."""
    async with app.opened():
        pass


def meter_of(app: App) -> SummingMeter:
    """What the application counts with; the flow knows it by its port only."""
    return cast("SummingMeter", app.context.meter)
