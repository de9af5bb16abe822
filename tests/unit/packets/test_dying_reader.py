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
from receiver.ports import OpenPdf
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import NearCutter, packet_bytes
from tests.unit.packets.test_packets import ARCHIVED, LETTERS, WHOLE

pytestmark = pytest.mark.anyio


class DyingCutter(NearCutter):
    """Its reader dies of the next so many files that it opens; ``inside`` says that it dies when it cuts."""

    def __init__(self, times: int, *, inside: bool = False) -> None:
        self.times, self.inside = times, inside

    @asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        self.times -= 1
        if self.times < 0:
            async with super().opened(path) as pages:
                yield pages
        elif self.inside:
            async with super().opened(path) as pages:
                yield cast("OpenPdf", Dying(pages.count))
        else:
            raise ReaderDied("the process that reads it failed: it was killed by SIGSEGV")


@dataclass
class Dying:
    count: int

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        raise ReaderDied("the process that reads it failed: it was killed by SIGSEGV")


def with_cutter(app: InMemoryApp, cutter: DyingCutter) -> DyingCutter:
    app.context = replace(app.context, cutter=cutter)
    return cutter


@pytest.mark.parametrize("inside", [False, True], ids=["opening", "cutting"])
async def test_a_packet_of_which_the_reader_dies_twice_waits_in_review_with_the_reason(
    app: InMemoryApp, inside: bool
) -> None:
    packet = await app.submitted(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)
    with_cutter(app, DyingCutter(2, inside=inside))
    app.cloud.finish(packet.job_id, segments=WHOLE)
    await app.event(packet.job_id, "split.success")
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.OPEN
    app.later(1)
    await app.work()
    held = await app.document(packet.id)
    assert (held.state, held.error) == (
        DocumentState.REVIEW,
        "reading it failed twice: the process that reads it failed: it was killed by SIGSEGV",
    )
    assert [alert.kind for alert, _ in app.channel.told] == ["packet.held"]
    assert [task.state for task in await app.tasks("cut")] == [TaskState.DONE]


async def test_a_packet_of_which_the_reader_dies_once_is_cut(app: InMemoryApp) -> None:
    with_cutter(app, DyingCutter(1))
    packet = (await app.ingest(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await app.work()
    assert app.cloud.orders == []
    app.later(1)
    await app.work()
    assert (await app.document(packet.id)).step is Step.SUBMITTED
    assert app.channel.told == []


async def test_a_packet_that_cannot_even_be_counted_is_not_paid_for(app: InMemoryApp) -> None:
    with_cutter(app, DyingCutter(2))
    packet = (await app.ingest(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await app.work()
    app.later(1)
    await app.work()
    assert (await app.document(packet.id)).state is DocumentState.REVIEW
    assert app.cloud.orders == []


async def test_deaths_with_another_failure_between_them_are_two_chances(app: InMemoryApp) -> None:
    cutter = with_cutter(app, DyingCutter(1))
    packet = (await app.ingest(name="mail.pdf", content=packet_bytes(*LETTERS), packet=True)).document
    await app.work()
    app.cloud.broken = StoreBusy("for a while")
    app.later(1)
    await app.work()
    cutter.times, app.cloud.broken = 1, None
    app.later(2)
    await app.work()
    app.later(1)
    await app.work()
    assert (await app.document(packet.id)).step is Step.SUBMITTED


async def test_a_letter_of_which_the_reader_dies_twice_just_stays_uncounted(app: InMemoryApp) -> None:
    long = "routes:\n  - {name: long, type: invoice, when: {min_pages: 3}, to: ['bytes://long/']}"
    app.use(ARCHIVED.replace("routes:", long))
    with_cutter(app, DyingCutter(2))
    letter = (await app.ingest(content=packet_bytes(*LETTERS))).document
    await app.work()
    app.later(1)
    await app.work()
    letter = await app.document(letter.id)
    assert (letter.step, letter.page_count) == (Step.SUBMITTED, None)
