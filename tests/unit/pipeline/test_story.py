"""What happens to one classify result is told in few places, and the reader seldom changes files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from receiver.pipeline.process import process
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]
TOLD_IN = {
    "receiver/pipeline/process.py",
    "receiver/pipeline/pause.py",
    "receiver/pipeline/handler_registry.py",
    "handlers/event_types/classify.py",
    "receiver/pipeline/job_result.py",
    "receiver/pipeline/document_outcome.py",
    "receiver/pipeline/context.py",
}
"""Beside these there are the decisions of receiver/core, the store and LlamaCloud."""
STEPS = ("handlers/", "receiver/pipeline/", "receiver/packets/", "receiver/alerting/", "receiver/operations/")


class Call(NamedTuple):
    module: str
    function: str


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The functions of steps and handlers that are called meanwhile; a coroutine counts once."""
    calls: list[Call] = []
    seen: dict[int, FrameType] = {}

    def hook(frame: FrameType, event: str, _: Any) -> None:
        file, name = Path(frame.f_code.co_filename), frame.f_code.co_name
        if event != "call" or name.startswith("<") or not file.is_relative_to(ROOT) or seen.get(id(frame)) is frame:
            return
        module = file.relative_to(ROOT).as_posix()
        if module.startswith(STEPS):
            seen[id(frame)] = frame
            calls.append(Call(module, name))

    sys.setprofile(hook)
    try:
        yield calls
    finally:
        sys.setprofile(None)


async def test_one_result_is_fetched_decided_and_written_in_seven_files(app: InMemoryApp) -> None:
    document = await app.submitted(content=packet_bytes(a_page("one")))
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id, document_id=document.id)
    (task,) = await app.store.claim(owner="a", now=app.now, lease_seconds=60, limit=1)
    with recorded() as calls:
        done = await process(task, app.context)
    assert done.outcome == "done"
    assert (await app.document(document.id)).plan is not None
    assert {call.module for call in calls} == TOLD_IN
    assert len(calls) <= 32, calls
    assert sum(one.module != next_.module for one, next_ in pairwise(calls)) <= 15
