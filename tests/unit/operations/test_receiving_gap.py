"""What ended while no event could be kept is found at once, and not at its deadline."""

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import CloudBusy, CloudRefused
from receiver.operations import missed_webhooks
from receiver.operations.receiving_gap import ReceivingGap
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
PAUSE = 60.0


class Process:
    """One that looks; ``seconds`` is its clock that nobody sets."""

    def __init__(self, app: InMemoryApp) -> None:
        self.memory_app = app
        self.seconds = 0.0
        self.missed = ReceivingGap(longest_pause=PAUSE, clock=lambda: self.seconds)

    async def looks_after(self, seconds: float, *, asleep: float = 0.0) -> int:
        self.seconds += seconds
        self.memory_app.later(seconds + asleep)
        return await self.missed.check(self.memory_app.context)


@pytest.fixture
def process(app: InMemoryApp) -> Process:
    return Process(app)


async def ended_unheard(app: InMemoryApp) -> Document:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    return document


async def test_what_ended_while_the_receiver_was_down_is_found_at_its_start(app: InMemoryApp, process: Process) -> None:
    document = await ended_unheard(app)
    assert await process.looks_after(1) == 1
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


@pytest.mark.parametrize(
    ("seconds", "asleep", "found"),
    [(PAUSE / 4, 0, 0), (PAUSE + 1, 0, 1), (1, PAUSE, 1), (PAUSE / 4, -3600, 0)],
    ids=["it looked all the time", "its process stood still", "its machine slept", "its clock was set back"],
)
async def test_it_asks_after_a_time_in_which_it_kept_no_event(
    app: InMemoryApp, process: Process, seconds: float, asleep: float, found: int
) -> None:
    await process.looks_after(0)
    await ended_unheard(app)
    assert await process.looks_after(seconds, asleep=asleep) == found


async def test_it_asks_after_its_store_was_away(app: InMemoryApp, process: Process) -> None:
    await process.looks_after(0)
    await ended_unheard(app)
    process.missed.interrupted()
    assert await process.looks_after(1) == 1


async def test_it_asks_once(app: InMemoryApp, process: Process) -> None:
    await ended_unheard(app)
    assert [await process.looks_after(seconds) for seconds in (0, 15, 15)] == [1, 0, 0]


async def test_what_is_at_work_is_left_alone(app: InMemoryApp, process: Process) -> None:
    """Nothing of it is counted, nor of a job that LlamaCloud's list does not show yet."""
    first, second = await app.submitted(), await app.submitted(content=b"%PDF-1.7 another")
    del app.cloud.reports[second.job_id]
    before = await app.jobs(first) + await app.jobs(second)
    assert await process.looks_after(0) == 0
    assert await app.jobs(first) + await app.jobs(second) == before
    assert await app.work() == []


async def test_while_llamacloud_does_not_answer_it_goes_on_asking(app: InMemoryApp, process: Process) -> None:
    await ended_unheard(app)
    app.cloud.away = CloudBusy("away")
    with pytest.raises(CloudBusy):
        await process.looks_after(0)
    app.cloud.away = CloudRefused("the key was rotated")
    assert await process.looks_after(15) == 0
    app.cloud.away = None
    assert sum([await process.looks_after(15) for _ in range(60)]) == 1


async def test_it_asks_about_so_many_and_no_more(
    app: InMemoryApp, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_webhooks, "OPEN_AT_ONCE", 2)
    for number in range(3):
        document = await app.submitted(content=b"%%PDF-1.7 %d" % number)
        app.cloud.classified(document.job_id, "contract")
    assert await process.looks_after(0) == 2
