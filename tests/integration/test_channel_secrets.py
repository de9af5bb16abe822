"""Nothing that Mailroom shows of an alert channel holds the secret in its address or its options."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.app import channels
from receiver.aws.boto import Aws
from receiver.config import parse
from receiver.log import JsonLines
from tests.commands import run, terminal
from tests.endpoints import Endpoint, an_endpoint
from tests.in_memory_app import TABLE, InMemoryApp
from tests.receivers import ADMIN_TOKEN, an_app, operator_of, settings_with
from tests.unit.alerting.test_alert import fail, sweep_after

SECRET = "5ec2e7" * 5 + "ab"
"""32 letters and digits, as PagerDuty's keys have."""
ROWS = {
    "pagerduty": f"to: 'pagerduty:URL/{SECRET}'",
    "slack webhook": f"to: 'slack:URL/services/T0/{SECRET}'",
    "slack bot": f"to: 'slack:URL/xoxb-{SECRET}/C024BE91L'",
    "slack bot by variable": "to: 'slack:env:BOT/C024BE91L'",
    "teams": f"to: 'teams:URL/workflows/{SECRET}?sig={SECRET}'",
    "https path": f"to: 'URL/hook/{SECRET}'",
    "https query": f"to: 'URL/hook?key={SECRET}'",
    "https variable": "to: 'env:WHOLE'",
    "https header": f"to: 'URL', headers: {{X-Key: {SECRET}}}, secret: env:SIGNING",
    "https header that cannot be sent": "to: 'slack:env:BROKEN/C1'",
}
ANSWERS = ((401, b""), (200, b'{"ok": false, "error": "invalid_auth"}'), (500, b""))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as endpoint:
        yield endpoint


@pytest.mark.parametrize("there", [True, False], ids=["there", "away"])
def test_no_screen_line_answer_label_or_error_holds_it(
    there: bool, endpoint: Endpoint, closed_port: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    url = endpoint.url if there else f"http://127.0.0.1:{closed_port}"
    variables = {
        "BOT": f"{url}/xoxb-{SECRET}",
        "WHOLE": f"{url}/hook/{SECRET}",
        "SIGNING": f"whsec_{SECRET}",
        "BROKEN": f"{url}/xoxb-{SECRET}\r\nX: y",
    }
    rows = [row.replace("URL", url) for row in ROWS.values()]
    table = TABLE + "".join(f'  - {{on: ["*"], {row}}}\n' for row in rows)
    app = InMemoryApp(tmp_path)
    app.context = replace(app.context, config=parse(table, variables))
    opened = channels(app.context.config, settings_with(), Aws())
    assert len(opened) == len(ROWS) + 1
    app.context = replace(app.context, channels=opened | {"log": app.channel})
    with terminal(app, table, monkeypatch):
        for endpoint.status, endpoint.answer in ANSWERS if there else ANSWERS[:1]:
            asyncio.run(happens(app, f"{endpoint.status} is odd"))
        keys = [item.id for item in asyncio.run(app.incidents())]
        addresses = [row.partition("'")[2].partition("'")[0] for row in rows]
        tried = [f"alerts test '{address}{more}'" for address, more in zip(addresses, ["", "x"] * 6, strict=False)]
        looks = ["alerts", "alerts channels", "alerts channels --json", "doctor --no-job", f"alerts show {keys[0]}"]
        shown = [run(f"mailroom {command}").output for command in (*looks, *tried)]
        shown += asyncio.run(answers(app, tmp_path, keys))
    shown += [repr(notice) for notice, _ in app.channel.told]  # what the other channels hear of these
    shown += [JsonLines().format(record) for record in caplog.records]
    assert all(any(name in said for said in shown) for name in opened)
    assert [said for said in shown if SECRET in said] == []
    assert len(app.channel.told) > len(ROWS)


async def happens(app: InMemoryApp, cause: str) -> None:
    """Something fails, and every channel is told, and tried again."""
    await fail(app, f"{cause}.pdf", cause)
    for after in (60, 60, 400):
        await sweep_after(app, after=after)
        while await app.work():
            pass


async def answers(memory_app: InMemoryApp, folder: Path, keys: list[str]) -> list[str]:
    """What the operator's API and the metrics say."""
    app = replace(an_app(folder), context=memory_app.context)
    async with operator_of(app) as client:
        client.headers.update({"Authorization": f"Bearer {ADMIN_TOKEN}"})
        paths = ["/alerts", "/channels", "/metrics", "/overview", *(f"/alerts/{key}" for key in keys)]
        return [(await client.get(path)).text for path in paths]
