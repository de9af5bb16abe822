"""The whole application, kept warm: what every function but ``receive`` works with."""

from typing import cast

from receiver.bootstrap import App
from receiver.metrics import Meter


async def close(app: App) -> None:
    """Closes what the application opened."""
    async with app.opened():
        pass


def meter_of(app: App) -> Meter:
    """What the application counts with; the flow knows it by its port only."""
    return cast("Meter", app.tools.meter)
