"""Retention over the real stores and spools: SQLite with a folder, DynamoDB with a bucket."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from handlers.local_aws import LocalAws
from handlers.sources.s3_spool import S3Spool
from receiver.core.document import SETTLED, Document
from receiver.core.errors import FileGone
from receiver.flow import forget
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.forget import forget_content
from receiver.ports import Spool, Store
from receiver.store.dynamodb import DynamoStore
from receiver.store.spool import FolderSpool
from receiver.store.sqlite import SqliteStore
from receiver.store.table import create_table
from tests.desk import Desk

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
SAME = b"%PDF-1.7 the same bytes"
_numbers = count(1)


def on(desk: Desk, store: Store, spool: Spool) -> Desk:
    desk.store = store  # type: ignore[assignment]
    desk.tools = replace(desk.tools, store=store, spool=spool)
    return desk


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.aws)])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    if request.param == "sqlite":
        yield on(desk, SqliteStore(tmp_path / "mailroom.db", lambda: desk.now), FolderSpool(tmp_path / "spool"))
    else:
        aws: LocalAws = request.getfixturevalue("local_aws")
        name = f"retention-{next(_numbers)}"
        create_table(aws.client("dynamodb"), name, time_to_live=False)
        aws.client("s3").create_bucket(Bucket=name)
        store = DynamoStore(name, lambda: desk.now, client=partial(aws.client, "dynamodb"))
        yield on(desk, store, S3Spool(f"s3://{name}/documents/", aws.aws))
    await desk.store.close()


async def has_bytes(desk: Desk, document: Document) -> bool:
    try:
        await desk.tools.content(document)
    except FileGone:
        return False
    return True


async def test_all_are_forgotten_in_the_end_but_those_that_are_needed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of one moment than a pass takes, one of them decided later, one never; all with the same bytes."""
    monkeypatch.setattr(forget, "AT_ONCE", 4)
    for number in range(9):
        await desk.routed("invoice", name=f"{number}.pdf", content=SAME)
    late = await desk.routed(None, name="late.pdf", content=SAME)
    never = await desk.routed(None, name="never.pdf", content=SAME)
    desk.later(MONTH)
    assert [(await forget_content(desk.tools))[0] for _ in range(4)] == [4, 4, 1, 0]
    assert await has_bytes(desk, await desk.document(late.id))
    await route_by_hand(late.id, Word(to="invoice"), desk.tools)
    await desk.work()
    desk.later(MONTH)
    assert await forget_content(desk.tools) == (1, [])
    documents = await desk.all(Document)
    assert {one.id for one in documents if await has_bytes(desk, one)} == {never.id}
    assert sum(one.state in SETTLED for one in documents) == 10
