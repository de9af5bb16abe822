"""A background task that ends is told of, counted, started again, and named while it is down."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from receiver import supervisor as module
from receiver.metrics import SummingMeter
from receiver.supervisor import Supervisor

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 10


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0)


class Mortal:
    """Ends as it is told to, as often; then it goes on for ever."""

    def __init__(self, end: Callable[[], object], times: int = 1) -> None:
        self._end = end
        self._times = times
        self.begun = 0

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self._times:
            self._end()
            return
        await asyncio.Event().wait()


def raising(error: BaseException) -> Callable[[], object]:
    def end() -> None:
        raise error

    return end


ENDS: dict[str, Callable[[], object]] = {
    "an error": raising(RuntimeError("a mistake")),
    "recursion": raising(RecursionError()),
    "memory": raising(MemoryError()),
    "a cancellation from within": raising(asyncio.CancelledError()),
    "a return": lambda: None,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_task_that_ends_is_started_again_and_told_of(
    end: Callable[[], object], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.05)
    caplog.set_level(logging.ERROR, logger="mailroom.background")
    meter, task = SummingMeter(), Mortal(end)
    supervisor = Supervisor(meter)
    async with supervisor.running({"mortal": task}):
        await until(lambda: supervisor.down() == {"mortal"})
        assert list(meter.counts()) == [("mailroom_background_failures", ("mortal",), 1.0)]
        await until(lambda: task.begun == 2)
        await until(lambda: not supervisor.down())
    (record,) = caplog.records
    assert (record.getMessage(), record.facts) == ("background.failed", {"task": "mortal"})  # type: ignore[attr-defined]
    assert record.exc_info is not None


async def test_the_pause_grows_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        paused.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleeping)
    ill, well = Mortal(raising(ValueError()), times=12), Mortal(raising(ValueError()), times=0)
    async with Supervisor(SummingMeter()).running({"ill": ill, "well": well}):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while ill.begun < 13:
                await sleep(0)
    assert paused[:9] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert well.begun == 1


async def test_what_is_stopped_ends_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    task = Mortal(lambda: None, times=0)
    supervisor = Supervisor(SummingMeter())
    async with supervisor.running({"mortal": task}):
        await until(lambda: task.begun == 1)
    assert not supervisor.down()
    assert not caplog.records
