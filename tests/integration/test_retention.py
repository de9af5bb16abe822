"""Retention over the real stores and spools: SQLite with a folder, DynamoDB with a bucket."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from handlers.local_aws import LocalAws
from handlers.sources.s3_spool import S3Spool
from receiver.core.document import SETTLED, Document
from receiver.core.errors import FileGone
from receiver.core.flag import Flag, bytes_flag
from receiver.flow import forget
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.catch_up import catch_up
from receiver.flow.forget import forget_content
from receiver.flow.retention import tidy
from receiver.ports import Spool, Store
from receiver.store.dynamodb import DynamoStore
from receiver.store.items import pk_of
from receiver.store.spool import FolderSpool
from receiver.store.sqlite import SqliteStore
from receiver.store.table import create_table
from tests.desk import TABLE, Desk

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


async def test_a_batch_of_records_is_forgotten_and_the_books_balance(desk: Desk) -> None:
    desk.use(TABLE + "retention: {documents_days: 365}\n")
    for number in range(3):
        await desk.routed("invoice", name=f"{number}.pdf", content=SAME, batch_id="mail_1")
    waiting = await desk.routed(None, name="waiting.pdf", batch_id="mail_2")
    also = await desk.routed("invoice", name="also.pdf", batch_id="mail_2")
    assert await desk.store.get(Flag, bytes_flag(waiting.sha256)) is not None
    desk.later(366 * 86400.0)
    await tidy(desk.tools)
    assert {one.id for one in await desk.all(Document)} == {waiting.id, also.id}
    assert await desk.store.get(Flag, bytes_flag(hashlib.sha256(SAME).hexdigest())) is None
    tally = await desk.store.tally()
    assert (tally.taken_in, tally.forgotten, tally.balanced) == (5, 3, True)
    assert (await tidy(desk.tools)).counts["documents"] == 0


async def test_documents_that_an_earlier_mailroom_settled_are_found_too(desk: Desk, request: Any) -> None:
    """In DynamoDB its items lack what puts them into the index; in SQLite the schema has seen to it."""
    documents = [await desk.routed("invoice", name=f"{number}.pdf") for number in range(3)]
    if isinstance(desk.store, DynamoStore):
        client = request.getfixturevalue("local_aws").client("dynamodb")
        for one in documents:
            client.update_item(
                TableName=desk.store._table, Key={"pk": {"S": pk_of(Document, one.id)}},
                UpdateExpression="REMOVE gsi5pk, gsi5sk",
            )  # fmt: skip
    desk.later(MONTH)
    tidied = [await tidy(desk.tools) for _ in range(2)]
    assert sum(one.forgotten for one in tidied) == 3
    assert await catch_up(desk.tools) == 0
