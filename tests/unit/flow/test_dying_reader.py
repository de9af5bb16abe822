"""A file that kills the process which reads it: once may be chance, twice is its own fault and a person hears of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from receiver.core.document import DocumentState, Step
from receiver.core.errors import ReaderDied, StoreBusy
from receiver.core.task import TaskState
from receiver.ports import Pages
from tests.desk import Desk
from tests.papers import NearCutter, packet_bytes
from tests.unit.flow.test_packets import ARCHIVED, LETTERS, WHOLE

pytestmark = pytest.mark.anyio


class DyingCutter(NearCutter):
    """Its reader dies of the next so many files that it opens; ``inside`` says that it dies when it cuts."""

    def __init__(self, times: int, *, inside: bool = False) -> None:
        self.times, self.inside = times, inside

    @asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[Pages]:
        self.times -= 1
        if self.times < 0:
            async with super().opened(path) as pages:
                yield pages
        elif self.inside:
            async with super().opened(path) as pages:
                yield cast("Pages", Dying(pages.count))
        else:
            raise ReaderDied("the process that reads it gave up: it was killed by SIGSEGV")


@dataclass
class Dying:
    count: int

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        raise ReaderDied("the process that reads it gave up: it was killed by SIGSEGV")


def with_cutter(desk: Desk, cutter: DyingCutter) -> DyingCutter:
    desk.tools = replace(desk.tools, cutter=cutter)
    return cutter


@pytest.mark.parametrize("inside", [False, True], ids=["opening", "cutting"])
async def test_a_packet_of_which_the_reader_dies_twice_waits_in_review_with_the_reason(
    desk: Desk, inside: bool
) -> None:
    packet = await desk.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    with_cutter(desk, DyingCutter(2, inside=inside))
    desk.cloud.finish(packet.job_id, segments=WHOLE)
    await desk.event(packet.job_id, "split.success")
    await desk.work()
    assert (await desk.document(packet.id)).state is DocumentState.OPEN
    desk.later(1)
    await desk.work()
    held = await desk.document(packet.id)
    assert (held.state, held.error) == (
        DocumentState.REVIEW,
        "reading it failed twice: the process that reads it gave up: it was killed by SIGSEGV",
    )
    assert [alert.kind for alert, _ in desk.channel.told] == ["packet.held"]
    assert [task.state for task in await desk.tasks("cut")] == [TaskState.DONE]


async def test_a_packet_of_which_the_reader_dies_once_is_cut(desk: Desk) -> None:
    with_cutter(desk, DyingCutter(1))
    packet = (await desk.take_in(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await desk.work()
    assert desk.cloud.orders == []
    desk.later(1)
    await desk.work()
    assert (await desk.document(packet.id)).step is Step.SUBMITTED
    assert desk.channel.told == []


async def test_a_packet_that_cannot_even_be_counted_is_not_paid_for(desk: Desk) -> None:
    with_cutter(desk, DyingCutter(2))
    packet = (await desk.take_in(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await desk.work()
    desk.later(1)
    await desk.work()
    assert (await desk.document(packet.id)).state is DocumentState.REVIEW
    assert desk.cloud.orders == []


async def test_deaths_with_another_failure_between_them_are_two_chances(desk: Desk) -> None:
    cutter = with_cutter(desk, DyingCutter(1))
    packet = (await desk.take_in(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await desk.work()
    desk.cloud.broken = StoreBusy("for a while")
    desk.later(1)
    await desk.work()
    cutter.times, desk.cloud.broken = 1, None
    desk.later(2)
    await desk.work()
    desk.later(1)
    await desk.work()
    assert (await desk.document(packet.id)).step is Step.SUBMITTED


async def test_a_letter_of_which_the_reader_dies_twice_just_stays_uncounted(desk: Desk) -> None:
    long = "routes:\n  - {name: long, type: invoice, when: {min_pages: 3}, to: ['bytes://long/']}"
    desk.use(ARCHIVED.replace("routes:", long))
    with_cutter(desk, DyingCutter(2))
    letter = (await desk.take_in(content=packet_bytes(*LETTERS))).document
    await desk.work()
    desk.later(1)
    await desk.work()
    letter = await desk.document(letter.id)
    assert (letter.step, letter.page_count) == (Step.SUBMITTED, None)
