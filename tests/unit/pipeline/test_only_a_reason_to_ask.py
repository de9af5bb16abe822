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
from receiver.operations.sweep import sweep
from receiver.pipeline.receive import Accepted
from tests.in_memory_app import InMemoryApp
from tests.outsider import Outsider, elsewhere
from tests.unit.pipeline.test_whose_word import DEADLINE, shapes

pytestmark = pytest.mark.anyio


@settings(max_examples=20)
@given(adopt=st.booleans(), shapes=st.lists(shapes, min_size=1, max_size=6))
async def test_whatever_is_said_without_a_token_each_document_ends_by_the_result_of_its_own_job(
    adopt: bool, shapes: Sequence[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = InMemoryApp(Path(folder))
        app.context = dataclasses.replace(app.context, adopt=adopt)
        taken = [await app.ingest(name=f"{n}.pdf", content=b"%%PDF-1.7 %d" % n) for n in range(2)]
        await app.work()
        documents = [await app.document(item.document.id) for item in taken]
        elsewhere(app, "cls-foreign")
        app.cloud.classified("cls-foreign", "letter", 0.99)

        for shape in shapes:
            said = dict(shape)
            told = await Outsider(app).say(said.pop("event_type"), said.pop("event_id"), **said)
            assert isinstance(told, Accepted)
        for seconds in (0, 1, 5, 30):
            app.later(seconds)
            await app.work()
        assert [await app.document(item.id) for item in documents] == documents

        for item, type_ in zip(documents, ("contract", "invoice"), strict=True):
            app.cloud.classified(item.job_id, type_)
        app.later(DEADLINE)
        await sweep(app.context)
        await app.work()

        ended = [await app.document(item.id) for item in documents]
        assert [item.type for item in ended] == ["contract", "invoice"]
        assert (app.cloud.cancelled, len(app.cloud.orders)) == ([], 2)
        others = [item for item in await app.all(Document) if item.id not in {two.id for two in documents}]
        assert {item.origin.kind for item in others} <= ({"adopted"} if adopt else set())
