"""A parse job as an input and as a document, against the LlamaCloud-compatible server."""

import httpx
import pytest

from llamacloud_sandbox.testing import sandbox_in_thread
from receiver.cloud.client import LlamaCloud
from receiver.core.errors import CloudBusy, DocumentRefused, FileGone
from receiver.core.job import JobKind
from tests.integration.cloud.conftest import HASTY, UNPACED
from tests.integration.cloud.faulty import Faulty
from tests.integration.cloud.pdf_fixtures import INVOICE, an_order, content, pdf
from tests.integration.cloud.scripted import Answer
from tests.integration.cloud.test_client import finished

pytestmark = pytest.mark.anyio


async def parsed(url: str, key: str, file_id: str) -> str:
    """The id of a parse job for this file, made by somebody else."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.post("/api/v2/parse", json={"file_id": file_id})
        return str(answer.raise_for_status().json()["id"])


async def test_it_is_classified_and_split_without_a_parse_of_its_own(
    cloud: LlamaCloud, sandbox_url: str, key: str
) -> None:
    data = pdf(INVOICE)
    file = await cloud.upload(content(data), name="letter.docx", external_id="x", purpose="parse")
    job_id = await parsed(sandbox_url, key, file.id)
    found = await cloud.file(job_id)
    assert (found.id, found.name) == (job_id, "letter.pdf")
    assert b"".join([chunk async for chunk in cloud.read_file(job_id)]) == data
    classified = await finished(cloud, await cloud.create(an_order(job_id)))
    assert classified.classification is not None
    assert (classified.classification.type, classified.file_id, classified.credits) == ("invoice", job_id, 0)
    cut = await finished(cloud, await cloud.create(an_order(job_id, JobKind.SPLIT)))
    assert [segment.pages for segment in cut.segments] == [(1,)]


async def test_an_unknown_one_is_gone_for_every_call(cloud: LlamaCloud) -> None:
    with pytest.raises(FileGone, match="does not know parse job pjb-none"):
        await cloud.file("pjb-none")
    with pytest.raises(FileGone):
        [chunk async for chunk in cloud.read_file("pjb-none")]
    for kind in (JobKind.CLASSIFY, JobKind.SPLIT):
        with pytest.raises(FileGone, match="keeps the source of a parse job for 48 hours"):
            await cloud.create(an_order("pjb-none", kind))


async def test_one_whose_source_expired_says_so() -> None:
    now = [1_800_000_000.0]
    with sandbox_in_thread(clock=lambda: now[0], think_seconds=0, file_lifetime_seconds=48 * 3600.0) as url:
        cloud = LlamaCloud(url, "llx-1", patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED)
        file = await cloud.upload(content(pdf(INVOICE)), name="a.pdf", external_id="x", purpose="parse")
        job_id = await parsed(url, "llx-1", file.id)
        now[0] += 48 * 3600.0 + 1
        try:
            with pytest.raises(FileGone, match="keeps the source of a parse job for 48 hours"):
                [chunk async for chunk in cloud.read_file(job_id)]
        finally:
            await cloud.close()


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [("RUNNING", CloudBusy, "not completed yet"), ("FAILED", DocumentRefused, "is failed: no pages")],
)
async def test_one_that_is_not_completed_is_no_input(
    faulty: Faulty, status: str, error: type[Exception], said: str
) -> None:
    answer = Answer(200, {"job": {"id": "pjb-1", "project_id": "p", "status": status, "error_message": "no pages"}})
    async with faulty.client(answer) as (cloud, *_):
        with pytest.raises(error, match=said):
            await cloud.file("pjb-1")
