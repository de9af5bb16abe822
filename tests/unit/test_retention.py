"""One number for each kind of record, honoured by every process that makes one."""

from pathlib import Path

import pytest

import handlers.app
import handlers.functions.receive
from receiver.core.retention import DAY, Retention
from receiver.core.task import TaskState
from tests.in_memory_app import TABLE, InMemoryApp
from tests.receivers import TABLE as ROUTES
from tests.receivers import settings_with

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("section", "days"), [("", Retention().events_days), ("retention: {events_days: 365}", 365)])
async def test_serve_keeps_events_as_the_table_says(tmp_path: Path, section: str, days: float) -> None:
    table = tmp_path / "mailroom.yaml"
    table.write_text(f"{ROUTES}\n{section}\n")
    async with handlers.app.build(settings_with(config=str(table))).opened() as app:
        assert app.receiver is not None
        assert app.receiver.keep_seconds == days * DAY


@pytest.mark.parametrize(("packed", "days"), [("", Retention().events_days), ('{"events_days": 365}', 365)])
async def test_the_function_on_the_internet_keeps_them_as_the_table_said_when_it_was_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, packed: str, days: float
) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    if packed:
        (tmp_path / "retention.json").write_text(packed)
    receiver = handlers.functions.receive.build(settings_with())
    assert receiver.dependencies.keep_seconds == days * DAY
    assert ["retention.unknown" in record.message for record in caplog.records] == ([] if packed else [True])


async def test_finished_tasks_are_kept_as_the_table_says_and_parked_ones_for_good(tmp_path: Path) -> None:
    app = InMemoryApp(tmp_path, TABLE + "retention: {tasks_days: 7}\n")
    await app.routed("invoice")
    done = await app.tasks("submit")
    assert [(task.state, task.expires_at) for task in done] == [(TaskState.DONE, app.now + 7 * DAY)]
    (running,) = [task.claim(owner="a", now=app.now, lease_seconds=1) for task in await a_ready_task(app)]
    assert running.give_up(now=app.now, error="e", cause="c").expires_at is None


async def a_ready_task(app: InMemoryApp) -> list:  # type: ignore[type-arg]
    await app.ingest("another.pdf")
    return [task for task in await app.tasks("submit") if task.state is TaskState.READY]
