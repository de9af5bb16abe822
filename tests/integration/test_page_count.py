"""Pages are counted by one child for many files, and what is wrong with a file is that file's affair alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.child.process import Child, Children
from handlers.pdf import child_cutter
from handlers.pdf.child_cutter import ChildCutter
from receiver.core.errors import ReaderDied, Uncuttable
from tests.pdf_fixtures import a_packet, a_page, locked

pytestmark = pytest.mark.anyio
SAMPLES = Path(__file__).parents[2] / "samples"


class CountedChildren(Children):
    """Says how many children were started."""

    def __init__(self) -> None:
        super().__init__()
        self.started_so_far = self.running = 0
        self.ready = asyncio.Event()

    @contextlib.asynccontextmanager
    async def started(self, module: str) -> AsyncIterator[Child]:
        self.started_so_far += 1
        async with super().started(module) as child:
            self.running += 1
            self.ready.set()
            try:
                yield child
            finally:
                self.running -= 1


async def test_files_that_wait_together_are_counted_by_one_child_which_ends_with_the_last() -> None:
    children = CountedChildren()
    cutter = ChildCutter(children)
    letters = sorted(SAMPLES.glob("c*.pdf"))
    counts = await asyncio.gather(*(cutter.count(path) for path in letters * 4))
    assert len(letters) > 1
    assert counts[: len(letters)] == [await cutter.count(path) for path in letters]
    assert (children.started_so_far, children.running) == (1 + len(letters), 0)


async def test_a_child_is_changed_after_so_many_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(child_cutter, "COUNTED", 3)
    children = CountedChildren()
    cutter = ChildCutter(children)
    path = a_packet(tmp_path, a_page("a"), a_page("b"))
    assert await asyncio.gather(*(cutter.count(path) for _ in range(7))) == [2] * 7
    assert (children.started_so_far, children.running) == (3, 0)


async def test_what_cannot_be_counted_says_why_and_the_others_are(tmp_path: Path) -> None:
    sound, bad, shut = a_packet(tmp_path, a_page("a")), tmp_path / "bad.pdf", tmp_path / "locked.pdf"
    bad.write_bytes(b"%PDF-1.7 and then nothing")
    shut.write_bytes(locked())
    found = await asyncio.gather(*map(ChildCutter(Children()).count, (bad, sound, shut, sound)), return_exceptions=True)
    assert [str(item) for item in (found[0], found[2])] == [
        "its pages cannot be counted: it cannot be read as a PDF, not even repaired: the file: unable to find trailer "
        "dictionary while recovering damaged file",
        "its pages cannot be counted: it is locked with a password",
    ]
    assert all(isinstance(item, Uncuttable) for item in (found[0], found[2]))
    assert (found[1], found[3]) == (1, 1)


async def test_a_child_that_dies_of_one_file_does_not_take_the_next_one_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_packet(tmp_path, a_page("a"))
    ask, asked = Child.ask, []

    async def dying(self: Child, question: dict[str, str]) -> dict[str, object]:
        asked.append(question)
        if len(asked) == 1:
            self.process.kill()
        return await ask(self, question)

    monkeypatch.setattr(Child, "ask", dying)
    cutter = ChildCutter(Children())
    first, second = await asyncio.gather(cutter.count(path), cutter.count(path), return_exceptions=True)
    assert isinstance(first, ReaderDied)
    assert second == 1


async def test_who_is_cancelled_leaves_the_child_to_nobody(tmp_path: Path) -> None:
    children = CountedChildren()
    cutter = ChildCutter(children)
    path = a_packet(tmp_path, a_page("a"))
    task = asyncio.create_task(cutter.count(path))
    await children.ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children.running == 0
    assert await cutter.count(path) == 1
