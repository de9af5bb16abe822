"""Copies of documents on disk: bounded in bytes and in time, and removed when nobody reads them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from receiver.core.delivery_request import Content
from receiver.core.errors import FileGone, NotViewable
from receiver.pipeline.local_copies import KEPT_SECONDS, LocalCopies
from receiver.pipeline.scratch import PREFIX

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def a_content(data: bytes, reads: list[int], error: Exception | None = None) -> Content:
    async def stream() -> AsyncIterator[bytes]:
        reads.append(len(data))
        yield data
        if error:
            raise error

    return Content(size=len(data), sha256="", media_type="", stream=stream)


def folders(disk: Path) -> int:
    return len(list(disk.glob(f"{PREFIX}*")))


async def test_bytes_are_copied_once_and_a_local_file_is_not_copied(disk: Path) -> None:
    copies, reads = LocalCopies(), list[int]()
    for _ in range(2):
        async with copies.opened("a", a_content(b"abc", reads)) as path:
            assert path.read_bytes() == b"abc"
    own = disk / "own"
    own.write_bytes(b"own")
    content = Content(size=3, sha256="", media_type="", stream=a_content(b"", reads).stream, path=own)
    async with copies.opened("own", content) as path:
        assert path == own
    assert reads == [3]
    copies.close()
    assert folders(disk) == 0
    assert own.exists()


async def test_the_least_recently_used_is_removed_and_none_that_is_read(disk: Path) -> None:
    copies, reads = LocalCopies(most_bytes=10), list[int]()
    async with copies.opened("a", a_content(b"x" * 6, reads)) as read:
        async with copies.opened("b", a_content(b"x" * 6, reads)):
            pass
        assert read.exists()
    assert folders(disk) == 1
    async with copies.opened("a", a_content(b"x" * 6, reads)):
        pass
    copies.close()


async def test_no_copy_is_kept_for_longer_than_its_time(disk: Path) -> None:
    now, reads = [0.0], list[int]()
    copies = LocalCopies(clock=lambda: now[0])
    for moment in (0.0, KEPT_SECONDS, KEPT_SECONDS + 1):
        now[0] = moment
        async with copies.opened("a", a_content(b"abc", reads)):
            pass
    assert len(reads) == 2
    copies.close()


@pytest.mark.parametrize("error", [None, FileGone("gone")])
async def test_what_is_too_large_or_breaks_off_leaves_nothing(error: Exception | None, disk: Path) -> None:
    copies = LocalCopies(most_bytes=10)
    with pytest.raises(FileGone if error else NotViewable):
        async with copies.opened("a", a_content(b"x" * (5 if error else 11), [], error)):
            pass
    assert folders(disk) == 0
