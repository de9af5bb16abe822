"""The composition root of a chaos run: the product as it is, its ports wrapped with boundaries, and its patience short.

What is shortened (retry schedule, pauses, timeouts) is time only; every decision is the product's own.
"""

import contextlib
import functools
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import handlers.app
from receiver.aws.boto import Aws
from receiver.bootstrap import App
from receiver.cloud.client import LlamaCloud
from receiver.cloud.pacing import RequestRate
from receiver.cloud.transport import Timeouts
from receiver.core import job, retry
from receiver.core.errors import CloudRefused, OutOfCredits
from receiver.core.retention import DAY
from receiver.pipeline import failed_attempt, pause
from receiver.ports import Clock, Cutter, OpenPdf
from receiver.settings import Settings
from tests.chaos.boundaries import Guarded, Kills, action
from tests.chaos.clocks import CLOCK, stepped

FOLDER = "CHAOS_FOLDER"
"""Where the processes of a run meet: armed boundaries and the log of kills."""
ANSWER_SECONDS = 3.0
"""How long AWS and LlamaCloud may take here; a slow answer takes longer, so that it is a timeout."""
SCHEDULE = (0.5, 1.0, 1.0, 2.0, 2.0, *(3.0,) * 40)
"""Seconds between attempts: as many kinds of them as in production, and none that would outlast the run."""
FORGOTTEN_AFTER = 8.0
"""Seconds for which the bytes of a settled document are kept: some are forgotten while others come in."""


class ChaosAws(Aws):
    """AWS with little patience, and a boundary around each call."""

    def __init__(self, kills: Kills) -> None:
        super().__init__()
        self._kills = kills

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        client = super()._make(service, region)
        short = Config(read_timeout=ANSWER_SECONDS, connect_timeout=ANSWER_SECONDS)
        merged = client.meta.config.merge(short)
        return self._session.client(
            service, config=merged, endpoint_url=self._endpoint, region_name=client.meta.region_name
        )

    async def attempt(
        self, service: str, operation: str, *, what: str, unless: frozenset[str] = frozenset(), **arguments: Any
    ) -> dict[str, Any] | None:
        self._kills.reached(f"before:aws.{operation}")
        answer = await super().attempt(service, operation, what=what, unless=unless, **arguments)
        self._kills.reached(f"after:aws.{operation}")
        return answer


def build(settings: Settings) -> App:
    """The application, mortal at every boundary."""
    hasten()
    clock = _wall_clock()
    kills = Kills(Path(os.environ[FOLDER]))
    app = handlers.app.build(settings, aws=ChaosAws(kills))
    context = app.context
    assert app.receiver is not None
    cast("Any", context.store)._clock = clock
    store = Guarded(context.store, kills, apply=action, apply_each="store.keep", claim="store.claim")
    spool = Guarded(context.spool, kills, keep="spool.keep", content="spool.content", release="spool.release")
    queue = Guarded(context.queue, kills, enqueue="queue.enqueue", receive="queue.receive", ack="queue.ack")
    destinations = {
        scheme: cast("Any", Guarded(item, kills, deliver=f"destination.{scheme}"))
        for scheme, item in context.destinations.items()
    }
    channels = {to: cast("Any", Guarded(item, kills, notify="channel.notify")) for to, item in context.channels.items()}
    brief = replace(context.config.retention, content_days=FORGOTTEN_AFTER / DAY)
    guarded = replace(
        context,
        config=replace(context.config, retention=brief),
        cutter=_Cutter(context.cutter, kills) if context.cutter else None,
        store=cast("Any", store),
        queue=cast("Any", queue),
        spool=cast("Any", spool),
        cloud=cast("Any", _cloud(settings, kills)),
        destinations=destinations,
        channels=channels,
    )
    receiver = replace(app.receiver, clock=clock, store=cast("Any", store), queue=cast("Any", queue))
    return replace(app, context=guarded, receiver=receiver, read_table=None)  # which knows no brief retention


def _wall_clock() -> Clock:
    """This process's own, for all that asks for the time: tools, receiver, store, log and signatures."""
    if CLOCK in os.environ:
        vars(time)["time"] = stepped(Path(os.environ[CLOCK]))
    return time.time


class _Cutter:
    """The cutter, with boundaries around what is asked of an open packet."""

    def __init__(self, cutter: Cutter, kills: Kills) -> None:
        self._cutter = cutter
        self._kills = kills

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        async with self._cutter.opened(path) as pages:
            yield cast("OpenPdf", Guarded(pages, self._kills, blank="cutter.blank", cut="cutter.cut"))

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        await self._cutter.unlock(path, password, to)

    async def count(self, path: Path) -> int:
        return await self._cutter.count(path)


def _cloud(settings: Settings, kills: Kills) -> Guarded:
    """LlamaCloud without the vendor's rates, which would stretch a run to many minutes, and with little patience."""
    patience = Timeouts(
        connect_seconds=ANSWER_SECONDS,
        answer_seconds=ANSWER_SECONDS,
        upload_seconds=ANSWER_SECONDS,
        first_wait_seconds=0.1,
        longest_wait_seconds=1,
        budget_seconds=10,
    )
    fast = RequestRate(200, 1.0)
    key = settings.llama_cloud_api_key.reveal()
    cloud = LlamaCloud(settings.llama_cloud_base_url, key, patience=patience, job_rate=fast, upload_rate=fast)
    calls = ("find_file", "upload", "create", "job", "jobs", "cancel")
    return Guarded(cloud, kills, **{call: f"cloud.{call}" for call in calls})


SHORTENED: tuple[tuple[Any, str, Any], ...] = (
    (failed_attempt, "next_attempt", functools.partial(retry.next_attempt, schedule=SCHEDULE)),
    (OutOfCredits, "pause_seconds", 2.0),
    (CloudRefused, "pause_seconds", 0.5),
    (pause, "LOOK_AGAIN", 1.0),
    (pause, "LOOKED_AT", 0.5),
    (pause, "LOOKING", 3.0),
    (pause, "LONGEST", 2.0),
    (job, "ASK_AGAIN", 1.0),
    (job, "FOLLOW_UP", 5.0),
)
"""What is shortened: where it stands, its name, its value in a chaos run."""


def hasten() -> None:
    """Shortens every wait that would outlast the run."""
    for where, name, value in SHORTENED:
        assert hasattr(where, name), f"{where.__name__} has no {name} any more"
        setattr(where, name, value)
