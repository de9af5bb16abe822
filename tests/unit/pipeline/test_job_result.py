"""What a job's outcome makes of its document; identity is the job, not the event."""

import asyncio

import pytest

from receiver.core.document import DocumentState, Step
from receiver.core.job import JobReport, JobRequest, JobStatus
from receiver.core.plan import Way
from receiver.core.task import TaskState
from receiver.pipeline import job_result as cases
from receiver.pipeline.context import Context
from receiver.pipeline.job_context import JobContext
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


async def test_a_classified_document_is_delivered_to_every_destination_of_its_route(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    assert document.state is DocumentState.ROUTED
    assert [request.url for request in (*app.bytes.requests, *app.words.requests)] == [
        f"bytes://invoices/{document.id}/letter.pdf",
        "words://invoices",
    ]


async def test_a_null_type_goes_no_match_and_waits_for_a_person(app: InMemoryApp) -> None:
    document = await app.routed(None, 1.0)
    assert document.plan is not None
    assert (document.state, document.plan.way) == (DocumentState.REVIEW, Way.NO_MATCH)
    assert len(app.bytes.requests) == 1


async def test_low_confidence_waits_for_a_person_and_delivers_nothing(app: InMemoryApp) -> None:
    document = await app.routed("invoice", 0.79)
    assert document.plan is not None
    assert (document.state, document.plan.way) == (DocumentState.REVIEW, Way.LOW_CONFIDENCE)
    assert app.bytes.requests == []


async def test_a_failed_job_goes_failed_with_the_vendors_message_and_an_alert(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await app.event(document.job_id, "classify.error")
    await app.work()
    after = await app.document(document.id)
    assert (after.state, after.error) == (DocumentState.FAILED, "The PDF is encrypted")
    ((alert, _),) = app.channel.told
    assert (alert.kind, alert.detail, alert.subject) == ("job.failed", "The PDF is encrypted", document.id)
    assert f"mailroom unlock {document.id} --password-file FILE" in alert.commands


async def test_the_payloads_word_is_not_taken_only_the_fetched_job_counts(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id, "classify.error")
    await app.work()
    assert (await app.document(document.id)).type == "contract"


async def test_the_same_happening_under_new_event_ids_has_one_effect(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    for number in range(3):
        await app.event(document.job_id, id=f"another-{number}")
        await app.event(document.job_id, "classify.partial_success", id=f"odd-{number}")
    await app.work()
    assert (len(app.bytes.requests), len(app.words.requests)) == (1, 1)
    assert await app.document(document.id) == document


async def test_an_early_event_is_looked_at_again_until_the_result_shows(app: InMemoryApp) -> None:
    document = await app.submitted()
    await app.event(document.job_id)
    await app.work()
    assert (await app.document(document.id)).step is Step.SUBMITTED
    app.cloud.classified(document.job_id, "contract")
    app.later(1)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_an_event_that_stays_early_is_left_to_the_sweep(app: InMemoryApp) -> None:
    document = await app.submitted()
    await app.event(document.job_id)
    for _ in range(10):
        await app.work()
        app.later(10)
    (task,) = await app.tasks("react")
    assert task.state is TaskState.DONE
    assert (await app.document(document.id)).state is DocumentState.OPEN


async def test_an_event_that_is_faster_than_our_note_of_the_job_finds_its_document(app: InMemoryApp) -> None:
    taken = await app.ingest()
    (task,) = await app.store.claim(owner="slow", now=app.now, lease_seconds=60)
    from receiver.pipeline.submit import submit

    await submit(task, app.context)  # the job exists, but nothing is written yet
    app.cloud.classified("job-1", "contract")
    await app.event("job-1")
    await app.work()
    assert (await app.document(taken.document.id)).state is DocumentState.ROUTED


async def test_the_job_id_may_stand_in_the_other_field(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event("run-77", other_id=document.job_id)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_a_job_from_elsewhere_is_adopted_when_that_is_allowed(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    app.cloud.reports["job-x"] = app.cloud.reports[document.job_id].__class__(
        id="job-x", kind=app.cloud.reports[document.job_id].kind, status=JobStatus.PENDING, file_id="dfl-1"
    )
    app.cloud.classified("job-x", "contract")
    await app.event("job-x")
    await app.work()
    (adopted,) = [item for item in await app.all(type(document)) if item.origin.kind == "adopted"]
    assert (adopted.name, adopted.state) == ("letter.pdf", DocumentState.ROUTED)


async def test_a_passing_failure_is_submitted_anew_once(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="Internal error, please try again")
    await app.event(document.job_id, "classify.error")
    await app.work()
    again = await app.document(document.id)
    assert (again.submissions, again.job_id) == (1, "job-2")
    app.cloud.finish("job-2", JobStatus.FAILED, error="Internal error, please try again")
    await app.event("job-2", "classify.error")
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.FAILED


async def test_a_late_event_of_a_former_job_changes_nothing(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="timeout")
    await app.event(document.job_id, "classify.error")
    await app.work()
    app.cloud.classified("job-1", "contract")
    await app.event("job-1", "classify.success")
    await app.work()
    after = await app.document(document.id)
    assert (after.job_id, after.state) == ("job-2", DocumentState.OPEN)


async def test_a_failure_that_is_heard_twice_at_once_is_one_alert(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await app.event(document.job_id, "classify.error")
    await app.event(document.job_id, "classify.cancelled")
    both, refreshed = asyncio.Barrier(2), cases.refreshed

    async def together(case: JobContext, context: Context) -> JobContext:
        await both.wait()  # both have read the job before either has written what it makes of it
        return await refreshed(case, context)

    monkeypatch.setattr(cases, "refreshed", together)
    await asyncio.gather(*(app.do(f"react:job-1:classify.{word}") for word in ("error", "cancelled")))
    assert len(await app.tasks("alert")) == 1


async def test_a_job_that_failed_before_we_noted_it_leaves_the_next_submission_to_its_own_task(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = app.cloud.create

    async def overtaken(order: JobRequest) -> JobReport:
        report = await create(order)
        if report.id == "job-1":
            app.cloud.finish("job-1", JobStatus.FAILED, error="timeout")
            await app.event("job-1", "classify.error")
            await app.do("react:job-1:classify.error")
        return report

    monkeypatch.setattr(app.cloud, "create", overtaken)
    document = await app.submitted()
    assert (document.step, document.submissions, document.job_id) == (Step.SUBMITTED, 1, "job-2")
