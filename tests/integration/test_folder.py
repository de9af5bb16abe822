"""What only a folder can get wrong: half files, links that lead out, file systems that refuse."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.destinations.folder import Folder
from handlers.sources.folder import FolderSource
from receiver.core.errors import AccessDenied, DeliveryConflict, FileGone, Unroutable
from receiver.core.plan import Target
from tests.builders import a_document
from tests.delivery_requests import a_content, a_delivery_request

pytestmark = pytest.mark.anyio


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_a_reader_never_sees_half_a_document(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1000
            seen.append([name for name in _files(tmp_path) if not name.endswith(".part")])

    await Folder().deliver(
        a_delivery_request(f"folder://{tmp_path}/a.pdf", content=a_content(b"x" * 3000, stream=stream))
    )
    assert seen == [[], [], []]
    assert _files(tmp_path) == ["a.pdf", "a.pdf.mailroom.json"]


async def test_a_stream_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"half"
        raise FileGone("the source closed the connection")

    with pytest.raises(FileGone):
        await Folder().deliver(
            a_delivery_request(f"folder://{tmp_path}/a.pdf", content=a_content(b"whole", stream=stream))
        )
    assert _files(tmp_path) == []


async def test_many_workers_at_once_have_one_effect(tmp_path: Path) -> None:
    request = a_delivery_request(f"folder://{tmp_path}/a/b/a.pdf", b"x" * 100_000)
    receipts = await asyncio.gather(*(Folder().deliver(request) for _ in range(8)))
    assert [item.fresh for item in receipts].count(True) == 1
    assert _files(tmp_path) == ["a/b/a.pdf", "a/b/a.pdf.mailroom.json"]


async def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "mail", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    inside.joinpath("doc-1").symlink_to(outside)
    with pytest.raises(Unroutable, match="leads out"):
        await Folder().deliver(a_delivery_request(f"folder://{inside}/doc-1/a.pdf", template=f"folder://{inside}/"))
    assert _files(outside) == []


async def test_a_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"theirs")
    tmp_path.joinpath("a.pdf").symlink_to(elsewhere)
    with pytest.raises(Unroutable, match="leads out"):
        await Folder().deliver(a_delivery_request(f"folder://{tmp_path}/a.pdf", b"theirs"))
    assert elsewhere.read_bytes() == b"theirs"


async def test_a_folder_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    tmp_path.joinpath("mail").symlink_to(real)
    template = f"folder://{tmp_path}/mail/"
    await Folder().deliver(a_delivery_request(f"{template}doc-1/a.pdf", template=template))
    assert _files(real) == ["doc-1/a.pdf", "doc-1/a.pdf.mailroom.json"]


async def test_dots_never_lead_out(tmp_path: Path) -> None:
    with pytest.raises(Unroutable, match="leads out"):
        await Folder().deliver(
            a_delivery_request(f"folder://{tmp_path}/mail/../../a.pdf", template=f"folder://{tmp_path}/mail/")
        )


async def test_a_relative_folder_is_where_mailroom_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    receipt = await Folder().deliver(a_delivery_request("folder://./out/doc-1/a.pdf", template="folder://./out/"))
    assert receipt.location == f"folder://{tmp_path}/out/doc-1/a.pdf"
    assert _files(tmp_path) == ["out/doc-1/a.pdf", "out/doc-1/a.pdf.mailroom.json"]


async def test_a_folder_in_the_place_of_the_document_is_a_conflict(tmp_path: Path) -> None:
    tmp_path.joinpath("a.pdf").mkdir()
    with pytest.raises((DeliveryConflict, Unroutable)):
        await Folder().deliver(a_delivery_request(f"folder://{tmp_path}/a.pdf"))


async def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        await Folder().deliver(a_delivery_request(f"folder://{tmp_path}/a.pdf"))
    finally:
        os.umask(before)
    assert tmp_path.joinpath("a.pdf").stat().st_mode & 0o777 == 0o640


async def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    assert await Folder().probe(Target(url=f"folder://{tmp_path}/mail/{{type}}/")) == []
    assert _files(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("folder://relative/", "folder://./relative"),
        ("folder:///mail/{filename}", "get the same key"),
        ("folder:///mail/../{document_id}", "leave the prefix"),
        ("folder:///mail/{nonsense}/", "nonsense"),
    ],
)
def test_a_target_that_cannot_work_is_a_fault(url: str, names: str) -> None:
    (fault,) = Folder().faults(Target(url=url))
    assert names in fault


@pytest.mark.parametrize("name", ["a.pdf", "a.pdf.mailroom.json"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
async def test_what_was_planted_where_a_document_belongs_is_a_conflict_and_is_not_waited_for(
    make: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    make(tmp_path / name)
    for again in (False, True):
        with pytest.raises(DeliveryConflict, match=f"{name} is not a file"):
            await Folder().deliver(replace(a_delivery_request(f"folder://{tmp_path}/a.pdf"), again=again))


async def test_a_link_that_was_planted_where_a_manifest_belongs_is_written_through_by_nobody(tmp_path: Path) -> None:
    folder, other = tmp_path / "mail", tmp_path / "other"
    folder.mkdir()
    other.write_text("[" * 100_000)
    for name in ("a.pdf.mailroom.json", "b.pdf"):
        (folder / name).symlink_to(other)
    with pytest.raises(DeliveryConflict):
        await Folder().deliver(a_delivery_request(f"folder://{folder}/a.pdf"))
    with pytest.raises(Unroutable):
        await Folder().deliver(a_delivery_request(f"folder://{folder}/b.pdf"))
    assert other.read_text() == "[" * 100_000


async def test_a_pipe_where_a_delivered_document_lay_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pdf")
    content = await FolderSource().content(a_document(content=f"folder://{tmp_path}/a.pdf"))
    with pytest.raises(AccessDenied, match="it is not a file"):
        await anext(aiter(content.stream()))
