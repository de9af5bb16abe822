"""Listings on DynamoDB while records change between the read of the index and the read of the records."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from receiver.core.change import Record
from receiver.core.document import Delivery, Document, DocumentState
from receiver.core.plan import Target
from receiver.core.task import Task, TaskState, new_task
from receiver.store.dynamodb.items import FIRST, LAST, Item, item_of
from receiver.store.dynamodb.query import KeyRange, TableQuery
from tests.builders import NOW, a_document

pytestmark = pytest.mark.anyio


class Table:
    """A table whose indexes still show records as they were."""

    def __init__(self, *, indexed: Sequence[Record], now: Sequence[Record]) -> None:
        self.indexed = [item_of(record, wrote="") for record in indexed]
        self.now = {item["pk"]["S"]: item for item in (item_of(record, wrote="") for record in now)}

    async def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "query":
            return {"Items": self._entries(given["IndexName"], given["ExpressionAttributeValues"])}
        if operation == "get_item":
            item = self.now.get(given["Key"]["pk"]["S"])
            return {"Item": item} if item else {}
        ((name, asked),) = given["RequestItems"].items()
        return {"Responses": {name: [self.now[key["pk"]["S"]] for key in asked["Keys"] if key["pk"]["S"] in self.now]}}

    def _entries(self, gsi: str, values: dict[str, dict[str, str]]) -> list[Item]:
        partition, lowest, highest = (values[f":{name}"]["S"] for name in ("partition", "lowest", "highest"))
        there = [item for item in self.indexed if item.get(f"{gsi}pk") == {"S": partition}]
        return sorted(
            (item for item in there if lowest <= item[f"{gsi}sk"]["S"] <= highest),
            key=lambda item: item[f"{gsi}sk"]["S"],
        )

    async def listed(self, kind: type[Record], name: str, key: str | None = None) -> list[Record]:
        span = KeyRange(first=FIRST, last=LAST)
        pages = [page async for page in TableQuery("table", self.ask).walk(kind, name, key, span, wanted=50)]
        return [record for page in pages for record in page]


BEFORE = a_document(state=DocumentState.OPEN)
AFTER = replace(BEFORE, state=DocumentState.REVIEW, version=1)


@pytest.mark.parametrize("indexed", [[BEFORE], [AFTER], [BEFORE, AFTER]])
async def test_a_document_that_changes_its_state_meanwhile_is_among_all_documents_once(
    indexed: Sequence[Document],
) -> None:
    assert await Table(indexed=indexed, now=[AFTER]).listed(Document, "all") == [AFTER]


async def test_it_is_not_among_those_of_the_state_that_it_left() -> None:
    assert await Table(indexed=[BEFORE], now=[AFTER]).listed(Document, "state", DocumentState.OPEN) == []


async def test_a_removed_one_is_nowhere() -> None:
    assert await Table(indexed=[BEFORE], now=[]).listed(Document, "all") == []


READY = new_task("deliver", "dlv_1", subject="doc_1", now=NOW, details={"delivery_id": "dlv_1"})
PARKED = structs.replace(READY, state=TaskState.PARKED, version=1)
DELIVERY = Delivery(id="dlv_1", to=Target(url="words://place"), route="invoice")
OWNER = a_document(id="doc_1", state=DocumentState.OPEN, deliveries=(DELIVERY,))


@pytest.mark.parametrize("before", [READY, PARKED])
@pytest.mark.parametrize("after", [READY, PARKED])
async def test_a_task_that_is_parked_or_resumed_meanwhile_is_among_those_of_its_document_once(
    before: Task, after: Task
) -> None:
    assert await Table(indexed=[OWNER, before], now=[OWNER, after]).listed(Task, "subject", "doc_1") == [after]


async def test_a_task_that_is_due_at_another_time_is_where_it_is_now() -> None:
    later = structs.replace(READY, due_at=NOW + 60, version=1)
    assert await Table(indexed=[READY], now=[later]).listed(Task, "state", TaskState.READY) == []
    assert await Table(indexed=[READY, later], now=[later]).listed(Task, "state", TaskState.READY) == [later]
