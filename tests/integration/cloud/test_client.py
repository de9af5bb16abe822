"""The client against the LlamaCloud-compatible server."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest

from llamacloud_sandbox.testing import start_sandbox
from receiver.cloud.client import LlamaCloud
from receiver.core.errors import CloudBusy, FileGone, JobGone
from receiver.core.job import JobKind, JobReport, JobStatus, WebhookConfiguration, rules_in
from tests.integration.cloud.conftest import HASTY, UNPACED
from tests.integration.cloud.pdf_fixtures import CONTRACT, INVOICE, an_order, content, pdf

pytestmark = pytest.mark.anyio


async def an_upload(cloud: LlamaCloud, data: bytes, external_id: str = "doc_a") -> str:
    return (await cloud.upload(content(data), name="letter.pdf", external_id=external_id, purpose="classify")).id


async def test_it_knows_by_how_much_the_two_clocks_are_apart(sandbox_url: str, key: str) -> None:
    cloud = LlamaCloud(sandbox_url, key, patience=HASTY, clock=lambda: time.time() - 240)
    assert cloud.clock_ahead is None
    await cloud.check_key()
    assert cloud.clock_ahead == pytest.approx(240, abs=5)
    await cloud.close()


async def finished(cloud: LlamaCloud, job: JobReport, *, beta: bool = False) -> JobReport:
    with anyio.fail_after(20):
        while not job.status.final:
            await anyio.sleep(0.02)
            job = await cloud.job(job.kind, job.id, beta=beta)
    return job


async def strike(url: str, **faults: dict[str, Any]) -> None:
    """Faults that the sandbox shall show from now on."""
    async with httpx.AsyncClient() as client:
        (await client.put(f"{url}/_sandbox/faults", json=faults)).raise_for_status()


async def raw(url: str, key: str, path: str) -> list[dict[str, Any]]:
    """What lies there, asked for without our client."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}{path}", headers={"Authorization": f"Bearer {key}"})
        return list(answer.json()["items"])


async def test_an_uploaded_file_is_found_by_our_id_and_read_back(cloud: LlamaCloud) -> None:
    data = pdf(INVOICE)
    uploaded = await cloud.upload(content(data), name="Rechnung Nr. 4.pdf", external_id="doc_a", purpose="classify")

    assert uploaded.name == "Rechnung Nr. 4.pdf"
    assert await cloud.find_file("doc_a", sha256=content(data).sha256) == uploaded
    assert await cloud.file(uploaded.id) == uploaded
    assert b"".join([chunk async for chunk in cloud.read_file(uploaded.id)]) == data


async def test_what_was_never_uploaded_is_not_found(cloud: LlamaCloud) -> None:
    await an_upload(cloud, pdf(INVOICE), external_id="doc_b")
    assert await cloud.find_file("doc_a", sha256=content(pdf(INVOICE)).sha256) is None


async def test_a_file_that_somebody_gave_our_id_is_found_by_its_bytes_alone(cloud: LlamaCloud) -> None:
    theirs = await an_upload(cloud, pdf("somebody else's"))
    data = pdf(INVOICE)
    ours = content(data)
    assert await cloud.find_file("doc_a", sha256=ours.sha256) is None
    uploaded = await an_upload(cloud, data)
    for found in (
        await cloud.find_file("doc_a", sha256=ours.sha256),
        await cloud.find_file("doc_a", sha256="", known=uploaded),
    ):
        assert found is not None
        assert found.id == uploaded != theirs
    assert await cloud.find_file("doc_a", sha256="") is None


async def test_a_classify_job_from_order_to_result(cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    job = await finished(cloud, await cloud.create(an_order(file_id)))

    assert (job.kind, job.status, job.file_id) == (JobKind.CLASSIFY, JobStatus.COMPLETED, file_id)
    assert job.classification is not None
    assert job.classification.type == "invoice"
    assert job.classification.reasoning
    assert job.credits == 1.0
    assert job.created_at == pytest.approx(time.time(), abs=60)


async def test_the_same_transaction_is_the_same_job(cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    first = await cloud.create(an_order(file_id))
    again = await cloud.create(an_order(file_id))
    other = await cloud.create(an_order(file_id, transaction_id="mailroom-classify-2"))

    assert first.id == again.id != other.id
    assert first.transaction_id == "mailroom-classify-1"


@pytest.mark.parametrize(("kind", "beta"), [(JobKind.CLASSIFY, False), (JobKind.SPLIT, False), (JobKind.SPLIT, True)])
async def test_a_job_says_by_which_rules_it_goes(cloud: LlamaCloud, kind: JobKind, beta: bool) -> None:
    order = an_order(await an_upload(cloud, pdf(INVOICE, CONTRACT)), kind, beta=beta)
    assert (await cloud.create(order)).rules == rules_in(order.configuration) != frozenset()


@pytest.mark.parametrize("beta", [False, True])
async def test_a_split_job_gives_pages_by_category_on_both_paths(cloud: LlamaCloud, beta: bool) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE, CONTRACT))
    order = an_order(file_id, JobKind.SPLIT, beta=beta)
    job = await finished(cloud, await cloud.create(order), beta=beta)

    assert [(segment.category, segment.pages) for segment in job.segments] == [("invoice", (1,)), ("contract", (2,))]
    assert (job.kind, job.file_id, job.classification) == (JobKind.SPLIT, file_id, None)


async def test_all_jobs_of_a_window_are_listed_page_after_page(cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    before = time.time() - 1
    made = {(await cloud.create(an_order(file_id, transaction_id=f"t-{number}"))).id for number in range(103)}

    listed = [job.id async for job in cloud.jobs(JobKind.CLASSIFY, since=before, until=time.time() + 1)]
    assert len(listed) == 103
    assert set(listed) == made
    assert [job async for job in cloud.jobs(JobKind.CLASSIFY, since=before - 9, until=before)] == []
    wanted = sorted(made)[:100]
    assert sorted([job.id async for job in cloud.jobs(JobKind.CLASSIFY, ids=[*wanted, "a/b"])]) == wanted


async def test_jobs_are_listed_by_status_in_our_words(cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    good = await finished(cloud, await cloud.create(an_order(file_id)))
    split = await finished(cloud, await cloud.create(an_order(file_id, JobKind.SPLIT)))
    since, until = time.time() - 60, time.time() + 60

    async def ids(kind: JobKind, status: str) -> list[str]:
        return [job.id async for job in cloud.jobs(kind, since=since, until=until, status=status)]

    assert await ids(JobKind.CLASSIFY, "completed") == [good.id]
    assert await ids(JobKind.CLASSIFY, "running") == []
    assert await ids(JobKind.SPLIT, JobStatus.COMPLETED) == [split.id]
    assert await ids(JobKind.SPLIT, "running") == []


async def test_a_job_can_be_cancelled_and_a_final_one_stays_as_it_is(sandbox_url: str, cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    done = await finished(cloud, await cloud.create(an_order(file_id)))
    await strike(sandbox_url, stuck_job={"next": 1})
    stuck = await cloud.create(an_order(file_id, transaction_id="stuck"))

    assert (await cloud.cancel(JobKind.CLASSIFY, done.id)).status is JobStatus.COMPLETED
    assert (await cloud.cancel(JobKind.CLASSIFY, stuck.id)).status is JobStatus.CANCELLED
    with pytest.raises(JobGone):
        await cloud.cancel(JobKind.CLASSIFY, "cls-nobody")


@pytest.mark.parametrize("job_id", ["nobody", "", ".", "..", "../files", "a/b", "a?b=c", "ä\n"])
@pytest.mark.parametrize("kind", list(JobKind))
async def test_what_is_no_job_is_gone_whatever_it_looks_like(cloud: LlamaCloud, kind: JobKind, job_id: str) -> None:
    with pytest.raises(JobGone):
        await cloud.job(kind, job_id)


async def test_a_file_that_is_not_there_is_gone(cloud: LlamaCloud) -> None:
    with pytest.raises(FileGone):
        await cloud.file("dfl-nobody")
    with pytest.raises(FileGone):
        async for _ in cloud.read_file("dfl-nobody"):
            pass
    with pytest.raises(CloudBusy, match="cannot find the uploaded file"):  # the next try uploads it again
        await cloud.create(an_order("dfl-nobody"))


async def test_saved_webhook_configurations_are_made_listed_changed_and_removed(cloud: LlamaCloud) -> None:
    saved = cloud.webhook_configs
    registration = WebhookConfiguration(
        url="https://mailroom.example/webhooks/llamacloud",
        headers={"X-Mailroom-Key": "k1"},
        signing_secret="whsec_1",
        events=("classify.success",),
    )
    made = await saved.create(registration)
    assert await saved.list() == (made,)
    assert (made.url, made.events, made.headers, made.has_secret) == (
        registration.url,
        ("classify.success",),
        {"X-Mailroom-Key": "k1"},
        True,
    )

    changed = await saved.update(made.id, replace(registration, headers={"X-Mailroom-Key": "k2"}, signing_secret=""))
    assert (changed.headers, changed.has_secret) == ({"X-Mailroom-Key": "k2"}, True)
    assert "k2" not in repr(changed)

    await saved.delete(made.id)
    await saved.delete(made.id)
    assert await saved.list() == ()


async def test_a_good_key_shows_its_project(cloud: LlamaCloud) -> None:
    assert [project.name for project in await cloud.check_key()] == ["Default"]


async def test_an_upload_whose_answer_is_cut_off_is_not_sent_twice(
    sandbox_url: str, key: str, cloud: LlamaCloud
) -> None:
    await strike(sandbox_url, cut={"next": 1, "method": "POST"})
    file_id = await an_upload(cloud, pdf(INVOICE))

    assert [file["id"] for file in await raw(sandbox_url, key, "/api/v1/beta/files")] == [file_id]


async def test_a_job_whose_answer_is_cut_off_is_created_once(sandbox_url: str, key: str, cloud: LlamaCloud) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    await strike(sandbox_url, cut={"next": 1, "method": "POST"})
    job = await cloud.create(an_order(file_id))

    assert [item["id"] for item in await raw(sandbox_url, key, "/api/v2/classify")] == [job.id]


async def test_on_the_beta_path_a_cut_answer_is_told_and_not_repeated(
    sandbox_url: str, key: str, cloud: LlamaCloud
) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    await strike(sandbox_url, cut={"next": 1, "method": "POST"})
    with pytest.raises(CloudBusy):
        await cloud.create(an_order(file_id, JobKind.SPLIT, beta=True))

    assert len(await raw(sandbox_url, key, "/api/v1/beta/split/jobs")) == 1


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "cut"])
async def test_a_stumble_is_got_over_without_the_caller_noticing(
    sandbox_url: str, cloud: LlamaCloud, fault: str
) -> None:
    file_id = await an_upload(cloud, pdf(INVOICE))
    await strike(sandbox_url, **{fault: {"next": 2}})

    assert (await cloud.file(file_id)).id == file_id


async def refused(number: int, action: Callable[[int], Awaitable[object]]) -> int:
    """How many of so many calls, all made at the same moment, are refused for now."""
    count = 0

    async def one(place: int) -> None:
        nonlocal count
        try:
            await action(place)
        except CloudBusy:
            count += 1

    async with anyio.create_task_group() as group:
        for place in range(number):
            group.start_soon(one, place)
    return count


async def test_the_pace_keeps_a_crowd_within_the_vendors_limits(key: str) -> None:
    once = replace(HASTY, attempts=1)
    with start_sandbox("--instant") as strict:
        paced = LlamaCloud(strict.url, key, patience=once)
        unpaced = LlamaCloud(strict.url, key, patience=once, upload_rate=UNPACED)
        file_id = await an_upload(paced, pdf(INVOICE))

        assert await refused(90, lambda n: paced.create(an_order(file_id, transaction_id=f"t-{n}"))) == 0
        assert await refused(60, lambda n: an_upload(unpaced, b"%PDF-", f"doc-{n}")) > 0  # the limits are really there
        await paced.close()
        await unpaced.close()
