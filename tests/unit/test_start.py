"""The start of a process: a store that is busy is waited for, a few seconds."""

import pytest

from receiver.cli import serve
from receiver.core.errors import StoreBusy
from receiver.store.memory import MemoryStore

pytestmark = pytest.mark.anyio


class Busy(MemoryStore):
    """A store that cannot write so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def ready(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise StoreBusy("the table is throttled", fix="wait")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "START_PAUSES", (0.0,) * len(serve.START_PAUSES))


async def test_a_store_that_is_busy_at_the_start_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    await serve.until_ready(Busy(2))
    assert [record.message for record in caplog.records] == ["store.waiting"] * 2


async def test_one_that_stays_busy_ends_the_start_with_its_reason() -> None:
    with pytest.raises(StoreBusy, match="throttled"):
        await serve.until_ready(Busy(100))
