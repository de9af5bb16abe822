"""Bytes in the spool that no document has: left by a crash between keeping and writing it down."""

import os

import pytest

from receiver.core.change import Insert, Replace
from receiver.core.errors import AccessDenied, StoreBusy
from receiver.core.flag import Flag
from receiver.operations import orphaned_content
from receiver.operations.orphaned_content import EVERY, release_orphans
from receiver.operations.unfinished_files import UNTOUCHED
from receiver.pipeline.installation import installation, our_spool
from receiver.ports import StoredContent
from receiver.store.memory import MemoryStore
from tests.in_memory_app import InMemoryApp
from tests.unit.operations.test_expired_content import kept

pytestmark = pytest.mark.anyio
DAY = 86400.0


async def keep(app: InMemoryApp, owner: str) -> StoredContent:
    """Bytes that are kept for this document, now; and then the process dies."""
    source = app.folder / "source.pdf"
    source.write_bytes(b"%PDF-1.7 a letter")
    at = await app.context.spool.keep(source, limit=100, owner=lambda _: owner)
    (path,) = (app.folder / "spool").rglob(at.location.removeprefix("spool:"))
    os.utime(path, (app.now, app.now))
    return at


async def test_what_a_known_document_does_not_name_goes_after_a_day(app: InMemoryApp) -> None:
    taken = await app.ingest()
    stray = await keep(app, taken.document.id)
    assert await release_orphans(app.context) == (0, [])
    app.later(UNTOUCHED + 1)
    assert await release_orphans(app.context) == (1, [])
    assert kept(app) == [taken.document.content] != [stray.location]


async def test_an_upload_that_was_never_acknowledged_goes_as_late_as_a_documents_bytes(app: InMemoryApp) -> None:
    await keep(app, "doc_unknown")
    app.later(29 * DAY)
    assert await release_orphans(app.context) == (0, [])
    app.later(2 * DAY)
    assert await release_orphans(app.context) == (1, [])
    assert kept(app) == []


async def test_what_another_installation_may_know_stays(app: InMemoryApp) -> None:
    """A spool that two stores share, or a new store beside the spool of one that was lost."""
    assert await our_spool(app.context)
    await keep(app, "doc_theirs")
    app.store = MemoryStore(clock=lambda: app.now)
    app.context = app._context(app.context.config)
    app.later(1000 * DAY)
    assert not await our_spool(app.context)
    assert await release_orphans(app.context) == (0, [])
    assert len(kept(app)) == 1


async def test_files_that_an_earlier_mailroom_shared_are_no_strays(app: InMemoryApp) -> None:
    shared = app.folder / "spool" / "ab" / ("ab" + "0" * 62)
    shared.parent.mkdir(parents=True)
    shared.write_bytes(b"%PDF")
    app.later(1000 * DAY)
    assert await release_orphans(app.context) == (0, [])
    assert shared.exists()


async def test_a_large_spool_is_looked_through_bit_by_bit_and_then_again(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphaned_content, "AT_ONCE", 4)
    taken = await app.ingest()
    for number in range(9):
        await keep(app, f"doc_{'abc'[number % 3]}{number}")
    app.later(40 * DAY)
    counts = [(await release_orphans(app.context))[0] for _ in range(4)]
    assert (sum(counts), counts[-1], kept(app)) == (9, 0, [taken.document.content])
    await keep(app, taken.document.id)
    app.later(EVERY - 1)
    assert await release_orphans(app.context) == (0, [])
    app.later(UNTOUCHED)
    assert await release_orphans(app.context) == (1, [])


async def test_documents_that_fill_a_pass_do_not_hide_what_comes_after_them(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphaned_content, "AT_ONCE", 2)
    for number in range(4):
        await app.ingest(name=f"{number}.pdf", content=f"%PDF {number}".encode())
    await keep(app, "doc_~")
    app.later(40 * DAY)
    assert sum([(await release_orphans(app.context))[0] for _ in range(3)]) == 1


async def test_one_that_cannot_be_removed_keeps_no_other(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = await keep(app, "doc_a"), await keep(app, "doc_b")
    really = app.context.spool.release

    async def refused(location: str) -> None:
        if location == stuck.location:
            raise AccessDenied("it cannot be removed")
        await really(location)

    monkeypatch.setattr(app.context.spool, "release", refused)
    app.later(40 * DAY)
    released, troubles = await release_orphans(app.context)
    assert (released, [str(item) for item in troubles]) == (1, ["it cannot be removed"])
    assert other.location not in kept(app)


async def test_another_worker_that_looks_too_is_no_trouble(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    await release_orphans(app.context)
    app.later(EVERY)
    really = app.context.spool.listed

    async def listed(**given: object) -> list[tuple[str, float]]:
        flag = await app.store.get(Flag, "spool:looked_through")
        assert flag is not None
        await app.store.apply(Replace(flag))
        return await really(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(app.context.spool, "listed", listed)
    assert await release_orphans(app.context) == (0, [])


async def test_a_spool_that_cannot_be_written_is_nobodys_yet(app: InMemoryApp) -> None:
    await app.store.apply(Insert(Flag(id="installation", value="1234567890abcdef", at=app.now)))
    assert await installation(app.context) == "1234567890abcdef"
    (app.folder / "spool").write_bytes(b"a file in the place of the folder")
    with pytest.raises(StoreBusy, match="cannot be written"):
        await our_spool(app.context)
