"""A document's keys are made in one way for all its life: today's, whatever way it comes in today."""

import pytest

from receiver.core.document import NAMING, Document
from tests.in_memory_app import InMemoryApp
from tests.unit.packets.test_packets import split
from tests.unit.pipeline.test_gather_facts import TWO_PAGES, adopted
from tests.unit.pipeline.test_ingest_file import PDF, mailed

pytestmark = pytest.mark.anyio


async def test_whatever_is_taken_in_now_has_keys_of_todays_kind(app: InMemoryApp) -> None:
    await app.ingest()
    await split(app)
    await mailed(app, PDF)
    await adopted(app, TWO_PAGES)
    found = await app.all(Document)
    kinds = {(item.origin.kind, item.packet, item.mail) for item in found}
    assert {("folder", False, False), ("folder", True, False), ("piece", False, False), ("email", False, True),
            ("email", False, False), ("adopted", False, False)} <= kinds  # fmt: skip
    assert {item.naming for item in found} == {NAMING}
