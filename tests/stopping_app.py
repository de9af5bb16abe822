"""A composition root whose alert channels hang in every way that there is: MAILROOM_APP=tests.stopping_app:build."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import handlers.app
from receiver.aws.threads import Threads
from receiver.bootstrap import App
from receiver.core.alert import Alert
from receiver.settings import Settings


class Hangs:
    """Each alert's title says how it hangs."""

    def __init__(self) -> None:
        self._threads = Threads(4, name="hangs")

    async def notify(self, alert: Alert, *, count: int, suppressed: int) -> None:
        print(f"hangs: {alert.title}", flush=True)  # noqa: T201  the test waits for it
        if alert.title == "waits":
            await asyncio.Event().wait()
        if alert.title == "in a thread of ours":
            await self._threads.run(threading.Event().wait)
        if alert.title == "in a thread of asyncio's":
            await asyncio.to_thread(threading.Event().wait)
        if alert.title == "will not be ended":
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    continue
        if alert.title == "blocks the loop":
            time.sleep(3600)  # noqa: ASYNC251  that is the fault

    def __repr__(self) -> str:
        return "Hangs()"


def build(settings: Settings) -> App:
    """The product, with these channels."""
    app = handlers.app.build(settings)
    channels: dict[str, Any] = dict.fromkeys(app.tools.channels, Hangs())
    return replace(app, tools=replace(app.tools, channels=channels))
