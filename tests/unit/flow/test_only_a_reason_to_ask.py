"""Without tokens an event may name any job; what it says of the job is believed nowhere."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import Document
from receiver.flow.receive import Accepted
from receiver.flow.sweep import sweep
from tests.desk import Desk
from tests.outsider import Outsider, elsewhere
from tests.unit.flow.test_whose_word import DEADLINE, shapes

pytestmark = pytest.mark.anyio


@settings(max_examples=20)
@given(adopt=st.booleans(), shapes=st.lists(shapes, min_size=1, max_size=6))
async def test_whatever_is_said_without_a_token_each_document_ends_by_the_result_of_its_own_job(
    adopt: bool, shapes: Sequence[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.tools = dataclasses.replace(desk.tools, adopt=adopt)
        taken = [await desk.take_in(name=f"{n}.pdf", content=b"%%PDF-1.7 %d" % n) for n in range(2)]
        await desk.work()
        documents = [await desk.document(one.document.id) for one in taken]
        elsewhere(desk, "cls-foreign")
        desk.cloud.classified("cls-foreign", "letter", 0.99)

        for shape in shapes:
            said = dict(shape)
            told = await Outsider(desk).say(said.pop("event_type"), said.pop("event_id"), **said)
            assert isinstance(told, Accepted)
        for seconds in (0, 1, 5, 30):
            desk.later(seconds)
            await desk.work()
        assert [await desk.document(one.id) for one in documents] == documents

        for one, type_ in zip(documents, ("contract", "invoice"), strict=True):
            desk.cloud.classified(one.job_id, type_)
        desk.later(DEADLINE)
        await sweep(desk.tools)
        await desk.work()

        ended = [await desk.document(one.id) for one in documents]
        assert [one.type for one in ended] == ["contract", "invoice"]
        assert (desk.cloud.cancelled, len(desk.cloud.orders)) == ([], 2)
        others = [one for one in await desk.all(Document) if one.id not in {two.id for two in documents}]
        assert {one.origin.kind for one in others} <= ({"adopted"} if adopt else set())
