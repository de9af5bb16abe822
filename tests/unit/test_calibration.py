"""How often LlamaCloud was right: every document counts as what it shows, and a suggestion follows from the counts."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.config import parse
from receiver.core.calibration import (
    LEAST,
    TARGET,
    Judged,
    Outcome,
    TypeCalibration,
    calibrations,
    outcome_of,
    threshold_of,
    with_threshold,
)
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.reclassify import reclassify
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp
from tests.receivers import ADMIN_TOKEN, operator_of, settings_with

pytestmark = pytest.mark.anyio
ROUTES = parse(TABLE, {}).table
ITEMS = st.lists(
    st.builds(
        Judged,
        st.just("invoice"),
        st.integers(0, 100).map(lambda hundredths: hundredths / 100),
        st.sampled_from(Outcome),
    ),
    max_size=120,
)


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)


def of_invoices(items: list[Judged], target: float = TARGET) -> TypeCalibration:
    (found,) = calibrations(items, ROUTES, target=target)
    return found


async def decided(
    app: InMemoryApp,
    confidence: float,
    said: str | None = "invoice",
    *,
    is_a: str = "",
    to: str = "",
) -> Outcome | None:
    """What a document that LlamaCloud said this of, and a person this, shows."""
    number = len(await app.all_documents())
    document = await app.routed(said, confidence, name=f"{number}.pdf", content=b"%d" % number)
    if is_a or to:
        await route_by_hand(document.id, RoutingDecision(who="ann", type=is_a, to=to), app.context)
        await app.work()
    found = outcome_of(await app.document(document.id))
    return found.outcome if found else None


async def test_each_document_counts_as_what_it_shows(app: InMemoryApp) -> None:
    assert await decided(app, 0.93) is Outcome.UNCORRECTED
    assert await decided(app, 0.93, is_a="contract") is Outcome.WRONG
    assert await decided(app, 0.42) is Outcome.WAITING
    assert await decided(app, 0.42, is_a="invoice") is Outcome.RIGHT
    assert await decided(app, 0.42, is_a="contract") is Outcome.WRONG
    assert await decided(app, 0.42, to="no_match") is Outcome.WRONG
    assert await decided(app, 1.0, None) is Outcome.WAITING
    assert await decided(app, 1.0, None, to="no_match") is Outcome.RIGHT
    assert await decided(app, 1.0, None, is_a="contract") is Outcome.WRONG
    assert await decided(app, 0.42, to="contract") is None, "a place says nothing of the type"


async def test_an_undone_decision_no_longer_counts(app: InMemoryApp) -> None:
    document = await app.routed("invoice", 0.42)
    await route_by_hand(document.id, RoutingDecision(type="contract"), app.context)
    await app.work()
    await route_by_hand(document.id, RoutingDecision(undo=True), app.context)
    await app.work()
    found = outcome_of(await app.document(document.id))
    assert found is not None
    assert found.outcome is Outcome.WAITING


@pytest.mark.parametrize(("to", "type_"), [("no_match", ""), ("contract", ""), ("", "contract")])
async def test_a_decision_about_an_earlier_result_does_not_count(app: InMemoryApp, to: str, type_: str) -> None:
    document = await app.routed("invoice", 0.42)
    await route_by_hand(document.id, RoutingDecision(who="ann", to=to, type=type_), app.context)
    await app.work()
    await reclassify(document.id, app.context, who="ann", also_decided=True)
    await app.work()
    asked = await app.document(document.id)
    app.cloud.classified(asked.job_id, "invoice", 0.93)
    await app.event(asked.job_id)
    await app.work()
    found = outcome_of(await app.document(document.id))
    assert found == Judged("invoice", 0.93, Outcome.UNCORRECTED)


@given(ITEMS.filter(bool))
def test_the_counts_add_up_and_a_suggestion_keeps_what_it_promises(items: list[Judged]) -> None:
    found = of_invoices(items)
    assert sum(
        getattr(side, name) for side in (found.above, found.below) for name in [item.value for item in Outcome]
    ) == len(items)
    assert found.threshold == 0.8
    assert found.because
    least = found.suggested
    if least is None:
        return
    if least < 0.8:
        between = [item for item in items if least <= item.confidence < 0.8]
        right = sum(item.outcome is Outcome.RIGHT for item in between)
        wrong = sum(item.outcome is Outcome.WRONG for item in between)
        assert right + wrong >= LEAST
        assert right >= TARGET * (right + wrong)
    else:
        routed = [item for item in items if item.confidence >= least and item.outcome is not Outcome.WAITING]
        wrong = sum(item.outcome is Outcome.WRONG for item in routed)
        assert least > 0.8
        assert wrong <= (1 - TARGET) * len(routed) + 1e-9


def some(confidence: float, outcome: Outcome, count: int, became: str = "") -> list[Judged]:
    return [Judged("invoice", confidence, outcome, became)] * count


@pytest.mark.parametrize(
    ("items", "suggested", "because"),
    [
        (some(0.7, Outcome.RIGHT, 19), None, "19 below 0.80 were checked by a person; 20 are needed to lower it"),
        (some(0.7, Outcome.RIGHT, 20), 0.7, "20 of 20 that were checked between 0.70 and 0.80 were right"),
        (some(0.7, Outcome.RIGHT, 20) + some(0.5, Outcome.WRONG, 9), 0.7, "20 of 20"),
        (some(0.7, Outcome.RIGHT, 12) + some(0.5, Outcome.WRONG, 9), None, "12 of 21 that were checked below 0.80"),
        (some(0.85, Outcome.WRONG, 7) + some(0.95, Outcome.UNCORRECTED, 41), 0.95,
         "7 of 48 from 0.80 on were wrong, and 0 of 41 from 0.95 on"),
        (some(0.99, Outcome.WRONG, 7), None, "no higher threshold helps: look at its rule"),
        (some(0.95, Outcome.UNCORRECTED, 1000) + some(0.7, Outcome.WRONG, 10) + some(0.7, Outcome.RIGHT, 10), None,
         "10 of 20 that were checked below 0.80 were right"),
    ],
)  # fmt: skip
def test_a_threshold_is_suggested_with_its_reason_or_kept(
    items: list[Judged], suggested: float | None, because: str
) -> None:
    found = of_invoices(items)
    assert found.suggested == suggested
    assert because in found.because


def test_what_persons_gave_in_its_place_is_counted_and_no_match_has_no_threshold() -> None:
    items = [*some(0.7, Outcome.WRONG, 3, "contract"), Judged(None, 1.0, Outcome.RIGHT)]
    invoices, nothing = calibrations(items, ROUTES)
    assert invoices.became == {"contract": 3}
    assert (nothing.type, nothing.threshold, nothing.suggested, nothing.above.right) == (None, None, None, 1)


def test_a_threshold_changes_the_rows_that_end_at_the_type_and_no_other() -> None:
    changed = with_threshold(ROUTES, "invoice", 0.5)
    assert threshold_of(changed, "invoice") == 0.5
    assert threshold_of(changed, "contract") == threshold_of(ROUTES, "contract")
    assert threshold_of(ROUTES, "letter") is None


@pytest.fixture
def at_terminal(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryApp]:
    with terminal(app, TABLE, monkeypatch):
        yield app


def test_the_command_prints_the_report_and_the_backtest_that_follows(
    at_terminal: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.cli.backtest.existing_store", lambda _: at_terminal.store)
    monkeypatch.setattr("receiver.core.calibration.LEAST", 2)
    for _ in range(2):
        asyncio.run(decided(at_terminal, 0.7, is_a="invoice"))
    waits = asyncio.run(decided(at_terminal, 0.72))
    assert waits is Outcome.WAITING
    shown = run("mailroom calibration").output
    assert "2 of 2 checked right, 1 waiting" in shown
    assert "mailroom routes backtest --min-confidence invoice=0.70" in shown
    data = json.loads(run("mailroom calibration --json --target 1").output)
    assert data["types"][0]["below"] == {"right": 2, "wrong": 0, "uncorrected": 0, "waiting": 1, "checked": 2}
    assert "1 of 3 documents would move" in run("mailroom routes backtest --min-confidence invoice=0.70").output
    assert "0 of 3 documents would move" in run("mailroom routes backtest --min-confidence invoice=0.73").output


@pytest.mark.parametrize("word", ["invoice", "invoice=", "invoice=2", "=0.5", "invoice=nan", "invoise=0.7", "x=0.7"])
def test_a_threshold_that_makes_no_sense_is_refused(at_terminal: InMemoryApp, word: str) -> None:
    assert run(f"mailroom routes backtest --min-confidence {word}").exit_code == 2


async def test_the_api_reports_and_tests_a_threshold(app: InMemoryApp) -> None:
    await decided(app, 0.7, is_a="contract")
    await decided(app, 0.7)
    app_ = App(settings=settings_with(), context=app.context, receiver=None)
    async with operator_of(app_) as client:
        client.headers.update({"Authorization": f"Bearer {ADMIN_TOKEN}"})
        report = (await client.get("/calibration")).json()
        assert (report["documents"], report["complete"], report["target"]) == (2, True, TARGET)
        (invoices,) = report["types"]
        assert (invoices["below"]["wrong"], invoices["became"]) == (1, {"contract": 1})
        assert (await client.get("/calibration", params={"target": "0.9"})).json()["target"] == 0.9
        test = await client.get("/calibration/backtest", params={"type": "invoice", "min_confidence": "0.6"})
        assert (test.json()["tested"], test.json()["moved"], test.json()["complete"]) == (1, 1, True)
        await wrong_queries(client)


async def wrong_queries(client: httpx.AsyncClient) -> None:
    for path in (
        "/calibration?target=2", "/calibration?target=x", "/calibration?since=x", "/calibration?sinc=1",
        "/calibration/backtest", "/calibration/backtest?type=invoice", "/calibration/backtest?type=x&min_confidence=1",
        "/calibration/backtest?type=invoice&min_confidence=nan",
    ):  # fmt: skip
        assert (await client.get(path)).status_code == 400
