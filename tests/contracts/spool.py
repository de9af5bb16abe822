"""What every spool keeps to. A subclass provides the fixtures ``spool``, and ``names``: of all that lies in it."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, FileGone
from receiver.core.header_block import HEAD_BYTES
from receiver.ports import Spool, StoredContent
from tests.builders import a_document

PDF = b"%PDF-1.7 " + bytes(range(256)) * 1100
SHA = hashlib.sha256(PDF).hexdigest()
LIMIT = 1 << 30
Names = Callable[[], list[str]]


async def chunks(data: bytes = PDF) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 100_000):
        yield data[at : at + 100_000]


async def read(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.stream()])


async def kept(spool: Spool, owner: str = "doc_abcdef") -> StoredContent:
    return await spool.keep(chunks(), limit=LIMIT, owner=lambda _: owner)


def the_document(at: StoredContent) -> Document:
    return a_document(content=at.location, sha256=at.sha256, size=at.size)


@pytest.mark.anyio
class SpoolContract:
    async def test_what_is_kept_can_be_read_back(self, spool: Spool, tmp_path: Path) -> None:
        (tmp_path / "a.pdf").write_bytes(PDF)
        for source in (tmp_path / "a.pdf", chunks()):
            at = await spool.keep(source, limit=LIMIT, owner=lambda _: "doc_abcdef")
            assert (at.sha256, at.size, at.head) == (SHA, len(PDF), PDF[:HEAD_BYTES])
            assert await read(await spool.content(the_document(at))) == PDF

    async def test_the_owner_is_asked_with_the_checksum_and_named(self, spool: Spool, names: Names) -> None:
        at = await spool.keep(chunks(), limit=LIMIT, owner=lambda sha256: f"doc_{sha256[:8]}")
        assert re.fullmatch(rf"spool:doc_{SHA[:8]}\.[0-9a-f]{{2}}-[0-9a-f]{{8}}", at.location)
        assert names() == [at.location.removeprefix("spool:")]

    async def test_each_keeping_has_a_place_of_its_own(self, spool: Spool, names: Names) -> None:
        """So that what is released is never what was kept a moment ago."""
        locations = [(await kept(spool, owner)).location for owner in ("doc_a", "doc_a", "doc_b")]
        assert sorted(locations) == sorted(f"spool:{name}" for name in names())
        assert len(set(locations)) == 3

    async def test_what_is_released_is_gone_and_nothing_else(self, spool: Spool, names: Names) -> None:
        first, second = await kept(spool), await kept(spool)
        await spool.release(first.location)
        await spool.release(first.location)
        with pytest.raises(FileGone):
            await spool.content(the_document(first))
        assert await read(await spool.content(the_document(second))) == PDF
        assert names() == [second.location.removeprefix("spool:")]

    async def test_keeping_and_releasing_at_the_same_moment_never_hit_one_another(self, spool: Spool) -> None:
        at = await kept(spool)
        for _ in range(10):
            again, _none = await asyncio.gather(kept(spool), spool.release(at.location))
            assert await read(await spool.content(the_document(again))) == PDF
            at = again

    async def test_what_is_too_large_leaves_nothing(self, spool: Spool, names: Names) -> None:
        with pytest.raises(DocumentRefused, match="over 100 bytes"):
            await spool.keep(chunks(), limit=100, owner=lambda _: "doc_abcdef")
        assert names() == []

    async def test_what_breaks_off_leaves_nothing(self, spool: Spool, names: Names) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield PDF
            raise ConnectionResetError("the sender hung up")

        with pytest.raises(Exception, match=r"hung up|cannot be written"):
            await spool.keep(broken(), limit=LIMIT, owner=lambda _: "doc_abcdef")
        assert names() == []

    async def test_what_lies_there_is_listed_page_after_page(self, spool: Spool) -> None:
        owners = [f"doc_{letter}{number}" for number in range(4) for letter in "zab"]
        there = {(await kept(spool, owner)).location for owner in owners}
        await spool.claim("installation")
        found: list[tuple[str, float]] = []
        while page := await spool.listed(after=found[-1][0] if found else "", limit=5):
            assert len(page) == 5 or len(found) + len(page) == len(there)
            found += page
        assert [location for location, _ in found] == list(dict.fromkeys(location for location, _ in found))
        assert {location for location, _ in found} == there
        assert all(abs(time.time() - at) < 3600 for _, at in found)

    async def test_an_empty_spool_is_an_empty_list(self, spool: Spool) -> None:
        assert await spool.listed(after="", limit=5) == []

    async def test_a_spool_is_the_first_installations_that_claims_it(self, spool: Spool, names: Names) -> None:
        claims = await asyncio.gather(*(spool.claim(f"installation-{number}") for number in range(4)))
        assert len(set(claims)) == 1
        assert await spool.claim("another") == claims[0]
        assert names() == [".installation"]

    @pytest.mark.parametrize("location", [f"spool:{SHA}", "spool:", ""])
    @pytest.mark.parametrize("size", [len(PDF), 10_000_000])
    async def test_bytes_that_are_not_there_are_gone(self, spool: Spool, location: str, size: int) -> None:
        with pytest.raises(FileGone):
            await spool.content(a_document(content=location, size=size))
