"""Somebody is told when results come without their events, once, and when they come with them again."""

import pytest

from receiver.core.job import JobStatus
from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.sweep import sweep
from receiver.operations.webhook_share import LEAST, WINDOW
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
KIND = "webhooks.missing"


async def results(app: InMemoryApp, number: int, *, heard: bool) -> None:
    for each in range(number):
        document = await app.submitted(name=f"{heard}-{app.now}-{each}.pdf")
        app.cloud.classified(document.job_id, "contract")
        if heard:
            await app.event(document.job_id)
            await app.work()
    app.later(10)
    await pass_over(app)


async def pass_over(app: InMemoryApp) -> None:
    for _ in range(3):  # it asks, looks, and tells
        await sweep(app.context)
        await app.work()


def told(app: InMemoryApp) -> list[str]:
    return [f"{notice.status} {notice.kind}" for notice, _ in app.channel.told if notice.kind == KIND]


async def test_results_without_events_raise_one_alert_with_the_likeliest_causes(app: InMemoryApp) -> None:
    await results(app, LEAST, heard=False)
    await results(app, LEAST, heard=False)
    assert told(app) == [f"firing {KIND}"]
    (notice,) = [notice for notice, _ in app.channel.told if notice.kind == KIND]
    text = f"{notice.fix} {notice.commands}"
    for cause in ("MAILROOM_PUBLIC_URL", "DNS", "firewall", "secret", "down", "mailroom doctor"):
        assert cause in text


async def test_where_no_webhook_is_asked_for_none_is_missing(app: InMemoryApp) -> None:
    app.context.webhook_terms.url = ""
    await results(app, LEAST, heard=False)
    await results(app, LEAST, heard=False)
    assert told(app) == []


@pytest.mark.parametrize(("heard", "lost"), [(0, LEAST - 1), (40, LEAST), (20, 0)])
async def test_few_lost_events_are_no_alert(app: InMemoryApp, heard: int, lost: int) -> None:
    await results(app, heard, heard=True)
    await results(app, lost, heard=False)
    assert told(app) == []


async def test_jobs_that_are_asked_about_while_they_run_are_no_lost_events(app: InMemoryApp) -> None:
    for number in range(2 * LEAST):
        document = await app.submitted(name=f"{number}.pdf")
        app.cloud.finish(document.job_id, JobStatus.RUNNING)
    app.later(10)
    await pass_over(app)
    assert told(app) == []


async def test_it_is_over_when_events_come_again(app: InMemoryApp) -> None:
    await results(app, LEAST, heard=False)
    app.later(WINDOW)
    await results(app, LEAST, heard=True)
    app.later(WINDOW)
    await pass_over(app)
    assert told(app) == [f"firing {KIND}", f"resolved {KIND}"]


@pytest.mark.parametrize("lost", [0, 1, LEAST - 1])
async def test_it_is_not_over_while_nothing_shows_that_events_arrive(app: InMemoryApp, lost: int) -> None:
    await results(app, LEAST, heard=False)
    for _ in range(2):  # an evening with little mail, or none
        app.later(WINDOW)
        await results(app, lost, heard=False)
    assert told(app) == [f"firing {KIND}"]
    app.later(1)
    await results(app, LEAST, heard=True)
    app.later(GONE_SECONDS)
    await pass_over(app)
    assert told(app) == [f"firing {KIND}", f"resolved {KIND}"]
