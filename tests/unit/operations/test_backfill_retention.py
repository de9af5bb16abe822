"""Each document of an earlier Mailroom is written once more, a page at a time, and then never again."""

import pytest

from receiver.core.document import Document
from receiver.operations import backfill_retention as module
from receiver.operations.backfill_retention import backfill_retention
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


async def test_every_settled_document_is_written_once_page_by_page(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    for number in range(5):
        await app.routed("contract", name=f"{number}.pdf")
    before = {item.id: item.version for item in await app.all(Document)}
    assert [await backfill_retention(app.context) for _ in range(4)] == [2, 2, 1, 0]
    assert {item.id: item.version - before[item.id] for item in await app.all(Document)} == dict.fromkeys(before, 1)


async def test_what_settles_after_the_last_page_needs_no_second_round(app: InMemoryApp) -> None:
    await app.routed("contract", name="early.pdf")
    assert await backfill_retention(app.context) == 1
    await app.routed("contract", name="late.pdf")
    assert await backfill_retention(app.context) == 0
