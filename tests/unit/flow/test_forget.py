"""Bytes leave the spool when their time is over; records, and what a person must still look at, stay."""

import os

import pytest

from receiver.core.document import DocumentState
from receiver.flow.forget import forget
from tests.desk import Desk

pytestmark = pytest.mark.anyio
MONTH = 31 * 86400.0


def age(desk: Desk) -> None:
    """Files are as old as the desk's clock says that they are."""
    for path in (desk.folder / "spool").rglob("*"):
        if path.is_file():
            os.utime(path, (desk.now, desk.now))


def kept(desk: Desk) -> int:
    return sum(1 for path in (desk.folder / "spool").rglob("*") if path.is_file())


async def test_the_bytes_of_a_routed_document_go_after_their_time_and_its_record_stays(desk: Desk) -> None:
    document = await desk.routed("invoice")
    age(desk)
    assert await forget(desk.tools) == 0
    desk.later(MONTH)
    assert (await forget(desk.tools), kept(desk)) == (1, 0)
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert await forget(desk.tools) == 0


async def test_the_bytes_of_a_document_in_review_stay(desk: Desk) -> None:
    await desk.routed(None)
    age(desk)
    desk.later(MONTH)
    assert (await forget(desk.tools), kept(desk)) == (0, 1)


async def test_bytes_that_a_younger_document_needs_too_stay(desk: Desk) -> None:
    await desk.routed("invoice", name="a.pdf")
    desk.later(MONTH)
    await desk.routed("invoice", name="b.pdf")
    age(desk)
    assert (await forget(desk.tools), kept(desk)) == (0, 1)
