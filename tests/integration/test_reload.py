"""mailroom.yaml that changes while we run is taken over if it is sound; if not, the one before stays in use."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from handlers.app import begin_shadow, shadow_anew, table_anew
from receiver.alerting.alert import RAISE
from receiver.aws.boto import Aws
from receiver.config import load, parse
from receiver.core.change import Query
from receiver.core.errors import Misconfigured
from receiver.core.flag import Flag
from receiver.core.ids import short_hash
from receiver.core.incident import Incident
from receiver.core.task import Task
from receiver.refused_change import SHADOW
from receiver.reload import keep_current
from receiver.reload_signal import ReloadRequests
from tests.receivers import an_app, settings_with

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 20
SOUND = """\
classify:
  rules:
    - {type: invoice, description: has a number and a total amount}
routes:
  - {type: invoice, min_confidence: 0.5, to: folder:///mail/in/}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""
OTHER = SOUND.replace("/mail/in/", "/mail/elsewhere/") + "retention: {events_days: 7}\nalerts: [{on: '*', to: log}]\n"
WRONG = {
    "no YAML": "routes: [",
    "empty": "",
    "an unknown key": SOUND + "colour: blue\n",
    "a type without a row": SOUND.replace("  rules:", "  rules:\n    - {type: x, description: something else}"),
    "a destination that could not work": SOUND.replace("folder:///mail/in/", "s3://192.168.1.1/in/"),
    "a variable that is not set": SOUND.replace("/mail/in/", "/mail/env:NOT_SET_ANYWHERE/"),
    "a channel that is none": SOUND + "alerts: [{on: '*', to: 'mailto:ann@example.com'}]\n",
}  # fmt: skip


class Process:
    """A process whose mailroom.yaml is looked at again and again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mailroom.yaml"
        self.path.write_text(SOUND)
        app = an_app(folder, config=str(self.path))
        app.context.take(load(self.path, {}), {})
        self.app = replace(app, read_table=lambda: table_anew(app.settings, app.context, Aws()))

    @property
    def places(self) -> list[str]:
        return [to.url for to in self.app.context.config.table.targets()]

    async def alerts(self) -> list[Task]:
        found = await self.app.context.store.find(Task, Query(by="all"))
        return [task for task in found.records if "table.refused" in task.details.get("alert", "")]


@asynccontextmanager
async def looking(process: Process) -> AsyncIterator[None]:
    looking = asyncio.create_task(keep_current(process.app, every_seconds=0.01))
    try:
        yield
        assert not looking.done(), looking.exception()
    finally:
        looking.cancel()


def put(path: Path, text: str) -> None:
    """Replaces the file in one step. A file that is written in place stands there empty for a moment, and these
    processes look so often that a busy machine shows it to them twice."""
    written = path.with_suffix(".new")
    written.write_text(text)
    written.replace(path)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - nothing tells of a file that changed
            await asyncio.sleep(0.01)


async def taken(process: Process, place: str) -> None:
    async def is_taken() -> bool:
        return process.places == [place]

    await until(is_taken)


async def told(process: Process) -> None:
    async def is_told() -> bool:
        return bool(await process.alerts())

    await until(is_told)


async def test_a_sound_file_is_taken_over_with_all_that_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.serve")
    process = Process(tmp_path)
    async with looking(process):
        put(process.path, OTHER)
        await taken(process, "folder:///mail/elsewhere/")
    assert list(process.app.context.channels) == ["log"]
    assert process.app.receiver is not None
    assert process.app.receiver.keep_seconds == 7 * 86400
    assert await process.alerts() == []
    assert [item.getMessage() for item in caplog.records if item.name == "mailroom.serve"] == ["table.reloaded"]


async def test_a_file_that_takes_the_place_of_another_is_seen(tmp_path: Path) -> None:
    process = Process(tmp_path)
    (tmp_path / "next").write_text(OTHER)
    async with looking(process):
        (tmp_path / "next").replace(process.path)
        await taken(process, "folder:///mail/elsewhere/")


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_file_leaves_the_table_before_in_use_until_it_is_mended(what: str, tmp_path: Path) -> None:
    process = Process(tmp_path)
    before = process.app.context.config
    async with looking(process):
        put(process.path, WRONG[what])
        await told(process)
        assert process.app.context.config is before
        put(process.path, OTHER)
        await taken(process, "folder:///mail/elsewhere/")
    (alert,) = await process.alerts()
    assert str(process.path) in alert.details["alert"] or "SMTP" in alert.details["alert"]


async def test_a_file_that_is_gone_is_told_and_costs_nothing(tmp_path: Path) -> None:
    process = Process(tmp_path)
    async with looking(process):
        process.path.unlink()
        await told(process)
        assert process.places == ["folder:///mail/in/"]


async def test_the_next_sweep_hears_that_it_is_over_when_the_file_is_mended(tmp_path: Path) -> None:
    process = Process(tmp_path)
    context = process.app.context

    key = short_hash("table.refused", "reload")

    async def found_gone() -> bool:
        return await context.store.get(Flag, f"watch:gone:{key}") is not None

    async with looking(process):
        put(process.path, "")
        await told(process)
        for task in await process.alerts():
            await RAISE.run(task, context)
        assert (incident := await context.store.get(Incident, key))
        assert incident.standing_since
        assert not await found_gone()
        put(process.path, SOUND)
        await until(found_gone)


async def test_the_same_table_again_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.serve")
    process = Process(tmp_path)
    before = process.app.context.config
    assert process.app.read_table is not None
    read = Mock(side_effect=process.app.read_table)
    process.app = replace(process.app, read_table=read)

    async def was_read() -> bool:
        return bool(read.call_count)

    async with looking(process):
        await until(was_read)
        read.reset_mock()
        os.utime(process.path, (1, 1))
        await until(was_read)
    assert process.app.context.config is before
    assert caplog.records == []


# --- the shadow table's file


class Shadowed(Process):
    """The same with a second table that decides beside the real one."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(folder)
        self.shadow = folder / "shadow.yaml"
        self.shadow.write_text(text)
        settings = settings_with(config=str(self.path), shadow_config=str(self.shadow))
        read = partial(shadow_anew, settings, self.app.context)
        self.app = replace(self.app, settings=settings, read_shadow=read)
        begin_shadow(read, self.app.context, str(self.shadow))

    @property
    def version(self) -> str:
        return self.app.context.shadow.version if self.app.context.shadow else ""

    async def decides(self, text: str) -> None:
        async def is_taken() -> bool:
            return self.version == parse(text, {}).table.version

        await until(is_taken)

    async def told(self) -> list[Task]:
        found = await self.app.context.store.find(Task, Query(by="all"))
        return [task for task in found.records if "shadow.refused" in task.details.get("alert", "")]


async def test_a_shadow_table_decides_from_the_start_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    process = Shadowed(tmp_path, OTHER)
    assert process.version == parse(OTHER, {}).table.version
    changed = SOUND.replace("/mail/in/", "/mail/third/")
    async with looking(process):
        put(process.shadow, changed)
        await process.decides(changed)
    assert process.places == ["folder:///mail/in/"]
    assert await process.told() == []


@pytest.mark.parametrize("what", [*list(WRONG)[:-1], "gone"])
async def test_a_wrong_shadow_table_is_left_out_and_told_and_the_real_one_goes_on(
    what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = Shadowed(tmp_path, WRONG.get(what, OTHER))
    if what == "gone":
        process.shadow.unlink()
    else:
        assert process.version == ""
        assert [item.getMessage() for item in caplog.records] == ["shadow.refused"]
        assert str(process.shadow) in caplog.records[0].facts["error"]  # type: ignore[attr-defined]
    async with looking(process):

        async def is_told() -> bool:
            return bool(await process.told())

        await until(is_told)
        put(process.path, OTHER)
        await taken(process, "folder:///mail/elsewhere/")
        put(process.shadow, SOUND)
        await process.decides(SOUND)
    assert await process.alerts() == []


async def test_a_shadow_table_that_nobody_can_read_to_its_end_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Shadowed(tmp_path, OTHER)
    hangs, answers = asyncio.Event(), threading.Event()

    def stat(path: Path) -> os.stat_result:
        if path == process.shadow:
            loop.call_soon_threadsafe(hangs.set)
            answers.wait()
        return path.stat()

    loop = asyncio.get_running_loop()
    monkeypatch.setattr("receiver.reload.FILES", Mock(stat=stat))
    try:
        async with looking(process):
            await hangs.wait()
            put(process.path, OTHER)
            await taken(process, "folder:///mail/elsewhere/")
    finally:
        answers.set()


@pytest.mark.parametrize("fault", [ZeroDivisionError("nobody foresaw this"), MemoryError()])
async def test_whatever_a_shadow_table_brings_about_is_told(
    fault: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = Shadowed(tmp_path, OTHER)
    read = Mock(side_effect=fault)
    begin_shadow(read, process.app.context, str(process.shadow))
    assert [item.getMessage() for item in caplog.records] == ["shadow.refused"]
    process.app = replace(process.app, read_shadow=read)
    async with looking(process):

        async def is_told() -> bool:
            return bool(await process.told())

        await until(is_told)
        put(process.path, OTHER)
        await taken(process, "folder:///mail/elsewhere/")


async def test_who_names_no_shadow_table_any_more_has_nothing_to_mend(tmp_path: Path) -> None:
    process = Process(tmp_path)
    context = process.app.context
    await SHADOW.alert(Misconfigured("shadow.yaml:1: routes: is missing"), context)
    (task,) = [item for item in (await context.store.find(Task, Query(by="all"))).records if item.kind == "alert"]
    await RAISE.run(task, context)
    key = short_hash(SHADOW.kind, SHADOW.cause)
    async with looking(process):

        async def found_gone() -> bool:
            return await context.store.get(Flag, f"watch:gone:{key}") is not None

        await until(found_gone)


HOURS = 4 * 3600.0
"""Between two checks: what happens sooner was asked for."""


async def logged(caplog: pytest.LogCaptureFixture, what: str) -> None:
    async def is_logged() -> bool:
        return what in [item.getMessage() for item in caplog.records]

    await until(is_logged)
    caplog.clear()


async def test_a_request_is_answered_at_once_whatever_the_file_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.serve")
    process, requests = Process(tmp_path), ReloadRequests()
    looking = asyncio.create_task(keep_current(process.app, every_seconds=HOURS, requests=requests))
    try:
        await asyncio.sleep(0)  # it waits
        await asyncio.sleep(0)
        requests.ask()
        await logged(caplog, "reload.checked")
        put(process.path, OTHER)
        requests.ask()
        await logged(caplog, "reload.checked")
        assert process.places == ["folder:///mail/elsewhere/"]
        for wrong in (WRONG["no YAML"], WRONG["an unknown key"]):
            put(process.path, wrong)
            requests.ask()
            await logged(caplog, "table.refused")
            assert process.places == ["folder:///mail/elsewhere/"]
    finally:
        looking.cancel()


async def test_a_request_while_a_check_runs_or_before_it_begins_is_not_lost() -> None:
    waiter = (requests := ReloadRequests()).waiter()
    requests.ask()
    for each in (waiter, requests.waiter()):
        assert await each.wait(HOURS)
        assert not await each.wait(0)
