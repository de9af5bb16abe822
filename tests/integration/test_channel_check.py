"""`routes check` and `doctor` find the alert channel that is gone, over real connections."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result

from handlers.app import channels
from receiver.aws.boto import Aws
from receiver.cli.routes import routes
from receiver.config import load
from receiver.core.change import Insert
from receiver.core.errors import Misconfigured
from receiver.core.flag import Flag
from receiver.operations.heartbeat import HEARTBEAT
from tests.builders import NOW, a_channel
from tests.commands import run, terminal
from tests.contracts.alert_channel import SECRET
from tests.endpoints import Endpoint, an_endpoint
from tests.in_memory_app import TABLE, InMemoryApp
from tests.receivers import TABLE as SOUND
from tests.receivers import settings_with

Check = Callable[..., Result]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`mailroom routes check` over a sound table with one channel."""

    def checked(to: str, *arguments: str) -> Result:
        config = tmp_path / "mailroom.yaml"
        config.write_text(f'{SOUND}alerts:\n  - {{on: ["*"], to: log}}\n  - {{on: ["*"], to: "{to}"}}\n')
        monkeypatch.setenv("MAILROOM_CONFIG", str(config))
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(routes, ["check", "--json", *arguments], catch_exceptions=False)

    return checked


def faults(result: Result) -> list[str]:
    return [item["message"] for item in json.loads(result.stdout)["problems"] if item["where"] == "alerts[1].to"]


def test_one_that_answers_is_fine(check: Check, endpoint: Endpoint) -> None:
    for endpoint.status in (200, 401, 404, 405):
        result = check(f"{endpoint.url}/hook")
        assert (result.exit_code, faults(result)) == (0, [])
    assert endpoint.posts == [], "nothing happens at the other side"


@pytest.mark.parametrize(("status", "said"), [(410, "it accepts no more messages"), (500, "answers HEAD with 500")])
def test_one_that_is_gone_or_broken_is_found(status: int, said: str, check: Check, endpoint: Endpoint) -> None:
    endpoint.status = status
    result = check(f"{endpoint.url}/hook?key={SECRET}")
    (fault,) = faults(result)
    assert (result.exit_code, said in fault, SECRET in result.stdout) == (1, True, False)
    assert check(f"{endpoint.url}/hook", "--offline").exit_code == 0


def test_nobody_is_there(check: Check, closed_port: int) -> None:
    (fault,) = faults(check(f"http://127.0.0.1:{closed_port}/hook"))
    assert "cannot be reached" in fault


def test_a_mail_server_that_is_away(check: Check, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_SMTP_URL", f"smtp://127.0.0.1:{closed_port}")
    (fault,) = faults(check("mailto:ops@example.com"))
    assert "SMTP server 127.0.0.1" in fault


CANNOT_WORK = [
    ("mailto:ops@example.com", "MAILROOM_SMTP_URL"),
    ("slak:https://hooks.slack.com/x", "no alert channel is called 'slak'"),
    ("sns:mailroom", "arn"),
    ("https://", "the address has an invalid host name or port"),
    ("teams:http://example.com/x", "https://"),
]


@pytest.mark.parametrize(("to", "said"), CANNOT_WORK)
def test_what_cannot_work_is_found_without_asking_anybody(to: str, said: str, check: Check) -> None:
    result = check(to, "--offline")
    (fault,) = faults(result)
    assert (result.exit_code, said in fault) == (1, True), fault


def test_a_start_names_each_row_whose_channel_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.yaml"
    rows = [f'  - {{on: ["*"], to: "{to}"}}\n' for to, _ in CANNOT_WORK]
    escalated = '  - {on: ["*"], to: log, escalate: {to: "sns:pager", after: 5 minutes}}\n'
    path.write_text(f"{SOUND}alerts:\n{''.join(rows)}{escalated}")
    first = path.read_text().splitlines().index("alerts:") + 2
    with pytest.raises(Misconfigured) as refused:
        channels(load(path, {}), settings_with(config=str(path)), Aws())
    told = str(refused.value).splitlines()
    *of_rows, of_escalation = told
    for place, (line, (_, said)) in enumerate(zip(of_rows, CANNOT_WORK, strict=True)):
        assert line.startswith(f"{path}:{first + place}: alerts[{place}].to: "), line
        assert said in line
    assert of_escalation.startswith(f"{path}:{first + len(rows)}: alerts[{len(rows)}].escalate.to: sns:pager lacks ")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    app = InMemoryApp(tmp_path)
    with terminal(app, TABLE, monkeypatch):
        yield app


def examined(*what: str) -> list[dict[str, Any]]:
    found = json.loads(run("mailroom doctor --no-job --json").output)["findings"]
    return [item for item in found if item["what"] in what]


def test_the_doctor_says_how_each_channel_fares(app: InMemoryApp) -> None:
    assert [(item["what"], item["fine"]) for item in examined("log")] == [("log", True)]
    anyio.run(app.store.apply, Insert(a_channel(id="log", error="410 Gone", fix="make a new webhook")))
    (finding,) = examined("log")
    assert not finding["fine"]
    assert "410 Gone; make a new webhook" in finding["detail"]


def test_the_doctor_says_that_nobody_sweeps(app: InMemoryApp) -> None:
    assert [item["fine"] for item in examined("sweep")] == [True]
    anyio.run(app.store.apply, Insert(Flag(id=HEARTBEAT, value="", at=NOW - 10**9)))
    (finding,) = examined("sweep")
    assert not finding["fine"]
    assert "check that a worker is running" in finding["detail"]
