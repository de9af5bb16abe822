"""``GET /series``: the figures of the charts, as the page gets them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.core.change import Insert
from receiver.core.document import Classification, Delivery, DeliveryState, DocumentState
from receiver.core.plan import Target
from receiver.http import api, calibration, series
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_document, a_job
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}


async def test_an_hour_says_outcome_types_confidence_lateness_partners_and_what_waits(tmp_path: Path) -> None:
    store = MemoryStore(clock=lambda: NOW)
    delivered = Delivery(
        id="d",
        to=Target(url="s3://mail/invoices/"),
        route="invoice",
        state=DeliveryState.DELIVERED,
        delivered_at=NOW - 10,
    )
    routed = a_document(
        taken_in_at=NOW,
        state=DocumentState.ROUTED,
        job_id="j",
        deliveries=(delivered,),
        classification=Classification(type="invoice", confidence=0.93),
    )
    waits = a_document(taken_in_at=NOW, state=DocumentState.REVIEW)
    await store.apply(Insert(routed), Insert(waits), Insert(a_job(id="j", ended_at=NOW - 14, heard_by="event")))
    async with operator_of(an_app(tmp_path, store=store)) as client:
        answer = (await client.get("/series", headers=BEARER)).json()
        (refused,) = [await client.get("/series?period=1y", headers=BEARER)]
    assert (answer["period"], answer["step_seconds"], len(answer["buckets"])) == ("24h", 3600.0, 24)
    last = answer["buckets"][-1]
    assert {name: last[name] for name in ("routed", "review", "failed", "open", "complete")} == {
        "routed": 1, "review": 1, "failed": 0, "open": 0, "complete": True,
    }  # fmt: skip
    assert [(item["type"], item["routed"], item["review"]) for item in last["types"]] == [
        ("invoice", 1, 0),
        ("none", 0, 1),
    ]
    assert last["types"][0]["confidence"] == [0] * 9 + [1]
    assert last["late"] == {"documents": 1, "p50": 5.0, "p95": 5.0}
    assert last["heard_by"] == {"event": 1, "asked": 0}
    assert last["partners"] == [{"partner": "s3://mail", "delivered": 1, "gave_up": 0}]
    assert last["queue"] == {"open": 0, "review": 1, "parked": 0, "overdue": 0}
    assert (refused.status_code, "one of 24h, 7d, 30d" in refused.text) == (400, True)


@pytest.mark.parametrize(("seconds", "share", "opened"), [(15.0, 0.03, 0), (0.0, 1e9, 1)], ids=["kept", "made again"])
async def test_an_answer_is_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, share: float, opened: int
) -> None:
    monkeypatch.setattr(series, "SECONDS", seconds)
    monkeypatch.setattr(series, "SHARE", share)
    store = MemoryStore(clock=lambda: NOW)
    async with operator_of(an_app(tmp_path, store=store)) as client:
        assert (await client.get("/series", headers=BEARER)).json()["buckets"][-1]["open"] == 0
        await store.apply(Insert(a_document(taken_in_at=NOW)))
        assert (await client.get("/series", headers=BEARER)).json()["buckets"][-1]["open"] == opened
        assert (await client.get("/series?period=7d", headers=BEARER)).json()["buckets"][-1]["open"] == 1


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [("/series", series, "read_series"), ("/costs", api, "read_costs"), ("/calibration", calibration, "calibrate")],
)
async def test_many_who_ask_at_once_are_answered_by_one_reading(
    path: str, module: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Callable[..., Awaitable[Any]] = getattr(module, name)
    readings = []

    async def slowly(*given: Any, **more: Any) -> Any:
        readings.append(given)
        await asyncio.sleep(0)
        return await read(*given, **more)

    monkeypatch.setattr(module, name, slowly)
    async with operator_of(an_app(tmp_path, store=MemoryStore(clock=lambda: NOW))) as client:
        answers = await asyncio.gather(*(client.get(path, headers=BEARER) for _ in range(5)))
    assert ({answer.status_code for answer in answers}, len(readings)) == ({200}, 1)
