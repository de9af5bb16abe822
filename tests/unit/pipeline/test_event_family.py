"""A family of events is one module: registered by it alone, it is asked for, handled when it comes, and swept."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from handlers.event_types import classify, split, unknown
from receiver.core.change import Replace, Write, written_records
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Misconfigured
from receiver.core.job import Job, JobKind, JobStatus
from receiver.core.job_update import JobUpdate
from receiver.operations.sweep import sweep
from receiver.pipeline.context import Context
from receiver.pipeline.handler_registry import HandlerRegistry
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.job_request import job_request_for
from receiver.pipeline.job_result import fetch_job, write_result
from receiver.ports import CloudFile
from tests import example_event_family
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(app: InMemoryApp) -> InMemoryApp:
    registry = HandlerRegistry(classify.router, split.router, example_event_family.router, unknown.router)
    app.context = replace(app.context, registry=registry)
    return app


async def extracting(app: InMemoryApp) -> Document:
    """A document whose job is one of the new kind."""
    document = await app.submitted()
    job = await app.store.get(Job, document.job_id)
    assert job is not None
    await app.store.apply(Replace(replace(job, kind=example_event_family.EXTRACT)))
    app.cloud.reports[job.id] = replace(app.cloud.reports[job.id], kind=example_event_family.EXTRACT)
    return document


async def test_the_webhook_of_its_jobs_asks_for_its_events(app: InMemoryApp) -> None:
    document, file = await app.submitted(), CloudFile(id="dfl-1", name="letter.pdf")
    request = job_request_for(document, example_event_family.EXTRACT, file, app.context)
    assert request.registration is not None
    assert request.registration.events == ("extract.success", "extract.error")
    assert request.configuration == {"data_schema": {"total": "number"}}
    assert set(request.registration.events) < set(app.context.registry.job_events)


async def test_its_event_is_handled(app: InMemoryApp) -> None:
    document = await extracting(app)
    app.cloud.finish(document.job_id)
    await app.event(document.job_id, "extract.success")
    await app.work()
    after = await app.document(document.id)
    assert (after.state, after.error) == (DocumentState.REVIEW, "its data was extracted")
    job = await app.store.get(Job, document.job_id)
    assert job is not None
    assert (job.kind, job.status) == (example_event_family.EXTRACT, JobStatus.COMPLETED)


async def test_it_may_say_itself_what_a_job_without_a_result_means(app: InMemoryApp) -> None:
    document = await extracting(app)
    app.cloud.reports[document.job_id] = replace(app.cloud.reports[document.job_id], status=JobStatus.FAILED)
    update = JobUpdate(type="extract.error", job_id=document.job_id, document_id=document.id)
    job = await fetch_job(update, example_event_family.EXTRACT, app.context)
    result = await write_result(job, update, _not_called, app.context, failed=example_event_family.have_it_read)
    assert result.change is not None
    (after,) = written_records(await result.change(), Document)
    assert (after.state, after.error) == (DocumentState.REVIEW, "its data was extracted")


def _not_called(job: JobContext, context: Context) -> Sequence[Write]:
    raise AssertionError(f"job {job.report.id} has no result")


async def test_a_job_whose_event_did_not_come_is_swept(app: InMemoryApp) -> None:
    document = await extracting(app)
    app.cloud.finish(document.job_id)
    app.later(app.context.config.deadline_seconds + 1)
    assert (await sweep(app.context)).finished == 1
    await app.work()
    assert (await app.document(document.id)).error == "its data was extracted"


async def test_another_familys_event_says_nothing_of_its_job(app: InMemoryApp) -> None:
    document = await extracting(app)
    app.cloud.finish(document.job_id)
    await app.event(document.job_id, "classify.success")
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.OPEN


async def test_a_kind_that_nobody_registered_cannot_be_asked_for(app: InMemoryApp) -> None:
    document, file = await app.submitted(), CloudFile(id="dfl-1", name="letter.pdf")
    with pytest.raises(Misconfigured, match="nothing is registered about translate jobs"):
        job_request_for(document, JobKind("translate"), file, app.context)


@pytest.mark.parametrize("again", ["jobs", "on", "on_command"])
def test_what_is_registered_twice_is_a_mistake_at_start(again: str) -> None:
    other = HandlerRegistry()
    if again == "jobs":
        other.jobs(JobKind.CLASSIFY, events=(), configuration=lambda _: {})
    elif again == "on":
        other.on("classify.success")(unknown.ignore)
    else:
        other.on_command(JobKind.CLASSIFY)(classify.look_again)
    with pytest.raises(Misconfigured, match=r"two|second"):
        HandlerRegistry(classify.router, other)
