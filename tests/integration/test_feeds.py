"""Ways in that must be asked run beside the worker, and end with it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.bootstrap import App
from receiver.cli.serve import working
from receiver.stopping import Stopping
from receiver.supervisor import Supervisor
from tests.receivers import an_app

pytestmark = pytest.mark.anyio


async def test_a_feed_runs_while_there_is_work_and_is_stopped_with_it(tmp_path: Path) -> None:
    asked, stopped = asyncio.Event(), asyncio.Event()

    async def feed(app: App) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    app = replace(an_app(tmp_path), feeds=(feed,))
    async with working(app, Supervisor(app.context.meter), Stopping()):
        await asyncio.wait_for(asked.wait(), 10)
        assert not stopped.is_set()
    assert stopped.is_set()
