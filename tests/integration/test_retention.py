"""Retention over the real stores and spools: SQLite with a folder, DynamoDB with a bucket."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws
from handlers.sources.s3_spool import S3Spool
from receiver.core.document import SETTLED, Document
from receiver.core.errors import FileGone
from receiver.core.flag import Flag, bytes_flag
from receiver.operations import expired_content
from receiver.operations.backfill_retention import backfill_retention
from receiver.operations.expired_content import delete_content
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.retention import apply_retention
from receiver.ports import Spool, Store
from receiver.store.dynamodb.items import pk_of
from receiver.store.dynamodb.store import DynamoStore
from receiver.store.dynamodb.table import create_table
from receiver.store.spool import FolderSpool
from receiver.store.sqlite.store import SqliteStore
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0
SAME = b"%PDF-1.7 the same bytes"
_numbers = count(1)


def on(app: InMemoryApp, store: Store, spool: Spool) -> InMemoryApp:
    app.store = store  # type: ignore[assignment]
    app.context = replace(app.context, store=store, spool=spool)
    return app


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.aws)])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InMemoryApp]:
    made = InMemoryApp(tmp_path)
    if request.param == "sqlite":
        yield on(made, SqliteStore(tmp_path / "mailroom.db", lambda: made.now), FolderSpool(tmp_path / "spool"))
    else:
        aws: LocalAws = request.getfixturevalue("local_aws")
        name = f"retention-{next(_numbers)}"
        create_table(aws.client("dynamodb"), name, time_to_live=False)
        aws.client("s3").create_bucket(Bucket=name)
        store = DynamoStore(name, lambda: made.now, client=partial(aws.client, "dynamodb"))
        yield on(made, store, S3Spool(f"s3://{name}/documents/", aws.aws))
    await made.store.close()


async def has_bytes(app: InMemoryApp, document: Document) -> bool:
    try:
        await app.context.content(document)
    except FileGone:
        return False
    return True


async def test_all_are_forgotten_in_the_end_but_those_that_are_needed(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of one moment than a pass takes, one of them decided later, one never; all with the same bytes."""
    monkeypatch.setattr(expired_content, "AT_ONCE", 4)
    for number in range(9):
        await app.routed("invoice", name=f"{number}.pdf", content=SAME)
    late = await app.routed(None, name="late.pdf", content=SAME)
    never = await app.routed(None, name="never.pdf", content=SAME)
    app.later(MONTH)
    assert [(await delete_content(app.context))[0] for _ in range(4)] == [4, 4, 1, 0]
    assert await has_bytes(app, await app.document(late.id))
    await route_by_hand(late.id, RoutingDecision(to="invoice"), app.context)
    await app.work()
    app.later(MONTH)
    assert await delete_content(app.context) == (1, [])
    documents = await app.all(Document)
    assert {item.id for item in documents if await has_bytes(app, item)} == {never.id}
    assert sum(item.state in SETTLED for item in documents) == 10


async def test_a_batch_of_records_is_forgotten_and_the_books_balance(app: InMemoryApp) -> None:
    app.use(TABLE + "retention: {documents_days: 365}\n")
    for number in range(3):
        await app.routed("invoice", name=f"{number}.pdf", content=SAME, batch_id="mail_1")
    waiting = await app.routed(None, name="waiting.pdf", batch_id="mail_2")
    also = await app.routed("invoice", name="also.pdf", batch_id="mail_2")
    assert await app.store.get(Flag, bytes_flag(waiting.sha256)) is not None
    app.later(366 * 86400.0)
    await apply_retention(app.context)
    assert {item.id for item in await app.all(Document)} == {waiting.id, also.id}
    assert await app.store.get(Flag, bytes_flag(hashlib.sha256(SAME).hexdigest())) is None
    tally = await app.store.tally()
    assert (tally.received, tally.forgotten, tally.balanced) == (5, 3, True)
    assert (await apply_retention(app.context)).counts["documents"] == 0


async def test_documents_that_an_earlier_mailroom_settled_are_found_too(app: InMemoryApp, request: Any) -> None:
    """In DynamoDB its items lack what puts them into the index; in SQLite the schema has seen to it."""
    documents = [await app.routed("invoice", name=f"{number}.pdf") for number in range(3)]
    if isinstance(app.store, DynamoStore):
        client = request.getfixturevalue("local_aws").client("dynamodb")
        for item in documents:
            client.update_item(
                TableName=app.store._table, Key={"pk": {"S": pk_of(Document, item.id)}},
                UpdateExpression="REMOVE gsi5pk, gsi5sk",
            )  # fmt: skip
    app.later(MONTH)
    tidied = [await apply_retention(app.context) for _ in range(2)]
    assert sum(item.forgotten for item in tidied) == 3
    assert await backfill_retention(app.context) == 0
