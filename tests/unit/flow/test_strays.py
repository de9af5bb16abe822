"""Bytes in the spool that no document has: left by a crash between keeping and writing it down."""

import os

import pytest

from receiver.core.change import Insert, Update
from receiver.core.errors import AccessDenied, StoreBusy
from receiver.core.flag import Flag
from receiver.flow import strays
from receiver.flow.installation import installation, our_spool
from receiver.flow.leftovers import UNTOUCHED
from receiver.flow.strays import EVERY, release_strays
from receiver.ports import Kept
from receiver.store.memory import MemoryStore
from tests.desk import Desk
from tests.unit.flow.test_forget import kept

pytestmark = pytest.mark.anyio
DAY = 86400.0


async def keep(desk: Desk, owner: str) -> Kept:
    """Bytes that are kept for this document, now; and then the process dies."""
    source = desk.folder / "source.pdf"
    source.write_bytes(b"%PDF-1.7 a letter")
    at = await desk.tools.spool.keep(source, limit=100, owner=lambda _: owner)
    (path,) = (desk.folder / "spool").rglob(at.location.removeprefix("spool:"))
    os.utime(path, (desk.now, desk.now))
    return at


async def test_what_a_known_document_does_not_name_goes_after_a_day(desk: Desk) -> None:
    taken = await desk.take_in()
    stray = await keep(desk, taken.document.id)
    assert await release_strays(desk.tools) == (0, [])
    desk.later(UNTOUCHED + 1)
    assert await release_strays(desk.tools) == (1, [])
    assert kept(desk) == [taken.document.content] != [stray.location]


async def test_an_upload_that_was_never_acknowledged_goes_as_late_as_a_documents_bytes(desk: Desk) -> None:
    await keep(desk, "doc_unknown")
    desk.later(29 * DAY)
    assert await release_strays(desk.tools) == (0, [])
    desk.later(2 * DAY)
    assert await release_strays(desk.tools) == (1, [])
    assert kept(desk) == []


async def test_what_another_installation_may_know_stays(desk: Desk) -> None:
    """A spool that two stores share, or a new store beside the spool of one that was lost."""
    assert await our_spool(desk.tools)
    await keep(desk, "doc_theirs")
    desk.store = MemoryStore(clock=lambda: desk.now)
    desk.tools = desk._tools(desk.tools.config)
    desk.later(1000 * DAY)
    assert not await our_spool(desk.tools)
    assert await release_strays(desk.tools) == (0, [])
    assert len(kept(desk)) == 1


async def test_files_that_an_earlier_mailroom_shared_are_no_strays(desk: Desk) -> None:
    shared = desk.folder / "spool" / "ab" / ("ab" + "0" * 62)
    shared.parent.mkdir(parents=True)
    shared.write_bytes(b"%PDF")
    desk.later(1000 * DAY)
    assert await release_strays(desk.tools) == (0, [])
    assert shared.exists()


async def test_a_large_spool_is_looked_through_bit_by_bit_and_then_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strays, "AT_ONCE", 4)
    taken = await desk.take_in()
    for number in range(9):
        await keep(desk, f"doc_{'abc'[number % 3]}{number}")
    desk.later(40 * DAY)
    counts = [(await release_strays(desk.tools))[0] for _ in range(4)]
    assert (sum(counts), counts[-1], kept(desk)) == (9, 0, [taken.document.content])
    await keep(desk, taken.document.id)
    desk.later(EVERY - 1)
    assert await release_strays(desk.tools) == (0, [])
    desk.later(UNTOUCHED)
    assert await release_strays(desk.tools) == (1, [])


async def test_one_that_cannot_be_removed_keeps_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = await keep(desk, "doc_a"), await keep(desk, "doc_b")
    really = desk.tools.spool.release

    async def refused(location: str) -> None:
        if location == stuck.location:
            raise AccessDenied("it cannot be removed")
        await really(location)

    monkeypatch.setattr(desk.tools.spool, "release", refused)
    desk.later(40 * DAY)
    released, troubles = await release_strays(desk.tools)
    assert (released, [str(one) for one in troubles]) == (1, ["it cannot be removed"])
    assert other.location not in kept(desk)


async def test_another_worker_that_looks_too_is_no_trouble(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await release_strays(desk.tools)
    desk.later(EVERY)
    really = desk.tools.spool.listed

    async def listed(**given: object) -> list[tuple[str, float]]:
        flag = await desk.store.get(Flag, "spool:looked_through")
        assert flag is not None
        await desk.store.apply(Update(flag))
        return await really(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.tools.spool, "listed", listed)
    assert await release_strays(desk.tools) == (0, [])


async def test_a_spool_that_cannot_be_written_is_nobodys_yet(desk: Desk) -> None:
    await desk.store.apply(Insert(Flag(id="installation", value="1234567890abcdef", at=desk.now)))
    assert await installation(desk.tools) == "1234567890abcdef"
    (desk.folder / "spool").write_bytes(b"a file in the place of the folder")
    with pytest.raises(StoreBusy, match="cannot be written"):
        await our_spool(desk.tools)
