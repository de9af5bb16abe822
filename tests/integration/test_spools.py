"""The spool contract over a folder and over a bucket, and what is the folder's alone."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.sources.s3_spool import S3Spool
from receiver.core.errors import AccessDenied
from receiver.ports import Spool
from receiver.store.spool import SMALL, FolderSpool
from tests.builders import a_document
from tests.contracts.spool import LIMIT, PDF, SHA, Names, SpoolContract, chunks, kept, read, the_document

_numbers = count(1)


class TestFolderSpool(SpoolContract):
    @pytest.fixture
    def spool(self, tmp_path: Path) -> Spool:
        return FolderSpool(tmp_path / "spool")

    @pytest.fixture
    def names(self, tmp_path: Path) -> Names:
        return lambda: [path.name for path in (tmp_path / "spool").rglob("*") if path.is_file()]


@pytest.mark.aws
class TestS3Spool(SpoolContract):
    @pytest.fixture
    def bucket(self, local_aws: LocalAws) -> Iterator[str]:
        name = f"spool-{next(_numbers)}"
        local_aws.client("s3").create_bucket(Bucket=name)
        versions = {"Status": "Enabled"}
        local_aws.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration=versions)
        yield name

    @pytest.fixture
    def spool(self, local_aws: LocalAws, bucket: str) -> Spool:
        return S3Spool(f"s3://{bucket}/documents/", local_aws.aws)

    @pytest.fixture
    def names(self, local_aws: LocalAws, bucket: str) -> Names:
        return lambda: [key.removeprefix("documents/") for key in local_aws.objects(bucket)]


@pytest.mark.anyio
async def test_files_of_an_earlier_mailroom_are_read_and_released(tmp_path: Path) -> None:
    (tmp_path / SHA[:2]).mkdir()
    (tmp_path / SHA[:2] / SHA).write_bytes(PDF)
    spool = FolderSpool(tmp_path)
    assert await read(await spool.content(a_document(content=f"spool:{SHA}", sha256=SHA, size=len(PDF)))) == PDF
    await spool.release(f"spool:{SHA}")
    assert not (tmp_path / SHA[:2] / SHA).exists()


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1])
async def test_documents_small_and_large_are_read_back_as_often_as_asked(tmp_path: Path, size: int) -> None:
    spool, content = FolderSpool(tmp_path), b"x" * size
    at = await spool.keep(chunks(content), limit=LIMIT, owner=lambda _: "doc_abcdef")
    stored = await spool.content(the_document(at))
    assert [await read(stored) for _ in range(2)] == [content, content]


@pytest.mark.anyio
async def test_of_a_small_file_that_has_grown_only_so_much_is_read_that_it_shows(tmp_path: Path) -> None:
    spool = FolderSpool(tmp_path)
    at = await spool.keep(chunks(b"small"), limit=LIMIT, owner=lambda _: "doc_abcdef")
    spool.path_of(at.location).write_bytes(b"larger" * 1000)
    assert await read(await spool.content(the_document(at))) == b"larger"


@pytest.mark.anyio
async def test_a_file_that_may_not_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = FolderSpool(tmp_path)
    at = await kept(spool)

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(AccessDenied, match="cannot be removed: Permission denied"):
        await spool.release(at.location)
