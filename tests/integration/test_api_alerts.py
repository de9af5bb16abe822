"""The operator's API of incidents over HTTP: all that stand, one of them, what a person says, how channels fare."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from receiver.bootstrap import App
from receiver.config import parse
from receiver.core.alert import Severity
from receiver.core.change import Insert
from receiver.core.incident import Incident, Status
from tests.builders import NOW, a_channel, a_notification, an_incident, an_occurrence
from tests.in_memory_app import InMemoryChannel
from tests.receivers import ADMIN_TOKEN, TABLE, an_app, operator_of

pytestmark = pytest.mark.anyio
MANY = 1004


@pytest.fixture
def app(tmp_path: Path) -> App:
    app = an_app(tmp_path)
    config = parse(TABLE + 'alerts: [{on: ["*"], to: log}]\n', {})
    return replace(app, context=replace(app.context, config=config, channels={"log": InMemoryChannel()}))


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with operator_of(app) as client:
        client.headers.update({"Authorization": f"Bearer {ADMIN_TOKEN}"})
        yield client


async def has(app: App, *incidents: Incident) -> None:
    for incident in incidents:
        await app.context.store.apply(Insert(incident))


async def test_all_that_stand_are_listed_page_by_page_however_many(app: App, client: httpx.AsyncClient) -> None:
    await has(app, *(an_incident(id=f"key{number}", opened_at=NOW + number) for number in range(MANY)))
    await has(app, an_incident(id="over", status=Status.RESOLVED, closed_at=NOW + 1))
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/alerts", params={"limit": 500, "cursor": cursor})).json()
        found += [item["key"] for item in page["alerts"]]
        cursor = page["cursor"]
    assert sorted(found) == sorted(f"key{number}" for number in range(MANY))
    overview = (await client.get("/overview")).json()
    assert (overview["standing"], len(overview["alerts"])) == (MANY, 100)


async def test_incidents_are_found_by_severity_kind_and_status(app: App, client: httpx.AsyncClient) -> None:
    await has(
        app,
        an_incident(id="a", severity=Severity.CRITICAL),
        an_incident(id="b", kind="task.parked"),
        an_incident(id="c", status=Status.QUIET),
    )

    async def keys(**params: str) -> set[str]:
        answer = await client.get("/alerts", params=params)
        assert answer.status_code == 200, answer.text
        return {item["key"] for item in answer.json()["alerts"]}

    assert await keys() == {"a", "b"}
    assert await keys(severity="critical") == {"a"}
    assert await keys(kind="task.parked") == {"b"}
    assert await keys(all="true") == {"a", "b", "c"}
    assert await keys(all="true", status="quiet") == {"c"}
    assert (await client.get("/alerts", params={"severity": "bad"})).status_code == 400
    assert (await client.get("/alerts", params={"all": "maybe"})).status_code == 400


async def test_one_incident_is_shown_with_its_documents_and_who_was_told(app: App, client: httpx.AsyncClient) -> None:
    incident = an_incident(id="key", commands=("mailroom resubmit --cause key",))
    await has(app, incident)
    await app.context.store.apply(
        Insert(an_occurrence(part=incident.part, document_id="doc_1", job_id="cls-1")),
        Insert(a_notification(id="key>log", incident_id="key", told="firing", told_at=NOW)),
    )
    shown = (await client.get("/alerts/key")).json()
    assert shown["commands"] == ["mailroom resubmit --cause key"]
    assert [(item["document_id"], item["job_id"]) for item in shown["documents"]] == [("doc_1", "cls-1")]
    assert [(item["channel"], item["told"]) for item in shown["channels"]] == [("log", "firing")]
    assert (await client.get("/alerts/nope")).status_code == 404


async def test_an_incident_is_acknowledged_and_silenced(app: App, client: httpx.AsyncClient) -> None:
    await has(app, an_incident(id="key"))
    acked = (await client.post("/alerts/key/ack", json={"who": "ann"})).json()
    assert acked["acknowledged_by"] == "ann"
    acked = (await client.post("/alerts/key/ack", json={"who": " "})).json()
    assert acked["acknowledged_by"] == "operator", "a blank is nobody's name"
    silent = (await client.post("/alerts/key/silence", json={"seconds": 7200, "why": "being mended"})).json()
    assert (silent["silenced_by"], silent["silenced_why"]) == ("operator", "being mended")
    ended = (await client.post("/alerts/key/silence", json={"seconds": 0})).json()
    assert ended["silenced_until"] is None


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("ack", {"who": 7}),
        ("ack", {"whom": "ann"}),
        ("ack", {"who": "a" * 201}),
        ("silence", {}),
        ("silence", {"seconds": 60}),
        ("silence", {"seconds": "60", "why": "x"}),
        ("silence", {"seconds": True, "why": "x"}),
        ("silence", {"seconds": -1, "why": "x"}),
        ("silence", {"seconds": 31 * 86400, "why": "x"}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    what: str, body: dict[str, object], app: App, client: httpx.AsyncClient
) -> None:
    await has(app, before := an_incident(id="key"))
    answer = await client.post(f"/alerts/key/{what}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert await app.context.store.get(Incident, "key") == before


async def test_channels_say_how_they_fare(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_channel(id="log", error="410 Gone")))
    assert [(item["channel"], item["error"]) for item in (await client.get("/channels")).json()["channels"]] == [
        ("log", "410 Gone")
    ]
