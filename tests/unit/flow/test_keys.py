"""A document's keys are made in one way for all its life: today's, whatever way it comes in today."""

import pytest

from receiver.core.document import NAMING, Document
from tests.desk import Desk
from tests.unit.flow.test_arrive import PDF, mailed
from tests.unit.flow.test_gather import TWO_PAGES, adopted
from tests.unit.flow.test_packets import split

pytestmark = pytest.mark.anyio


async def test_whatever_is_taken_in_now_has_keys_of_todays_kind(desk: Desk) -> None:
    await desk.take_in()
    await split(desk)
    await mailed(desk, PDF)
    await adopted(desk, TWO_PAGES)
    found = await desk.all(Document)
    kinds = {(one.origin.kind, one.packet, one.mail) for one in found}
    assert {("folder", False, False), ("folder", True, False), ("piece", False, False), ("email", False, True),
            ("email", False, False), ("adopted", False, False)} <= kinds  # fmt: skip
    assert {one.naming for one in found} == {NAMING}
