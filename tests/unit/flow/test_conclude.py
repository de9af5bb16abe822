"""What a job's outcome makes of its document; identity is the job, not the event."""

import asyncio

import pytest

from receiver.core.document import DocumentState, Step
from receiver.core.job import JobReport, JobStatus
from receiver.core.plan import Way
from receiver.core.task import TaskState
from receiver.flow import case as cases
from receiver.flow.case import Case
from receiver.flow.tools import Tools
from receiver.ports import Order
from tests.desk import Desk

pytestmark = pytest.mark.anyio


async def test_a_classified_document_is_delivered_to_every_destination_of_its_route(desk: Desk) -> None:
    document = await desk.routed("invoice")
    assert document.state is DocumentState.ROUTED
    assert [parcel.url for parcel in (*desk.bytes.parcels, *desk.words.parcels)] == [
        f"bytes://invoices/{document.id}/letter.pdf",
        "words://invoices",
    ]


async def test_a_null_type_goes_no_match_and_waits_for_a_person(desk: Desk) -> None:
    document = await desk.routed(None, 1.0)
    assert document.plan is not None
    assert (document.state, document.plan.way) == (DocumentState.REVIEW, Way.NO_MATCH)
    assert len(desk.bytes.parcels) == 1


async def test_low_confidence_waits_for_a_person_and_delivers_nothing(desk: Desk) -> None:
    document = await desk.routed("invoice", 0.79)
    assert document.plan is not None
    assert (document.state, document.plan.way) == (DocumentState.REVIEW, Way.LOW_CONFIDENCE)
    assert desk.bytes.parcels == []


async def test_a_failed_job_goes_failed_with_the_vendors_message_and_an_alert(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    after = await desk.document(document.id)
    assert (after.state, after.error) == (DocumentState.FAILED, "The PDF is encrypted")
    ((alert, _),) = desk.channel.told
    assert (alert.kind, alert.detail, alert.subject) == ("job.failed", "The PDF is encrypted", document.id)
    assert f"mailroom unlock {document.id} --password-file FILE" in alert.commands


async def test_the_payloads_word_is_not_taken_only_the_fetched_job_counts(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    assert (await desk.document(document.id)).type == "contract"


async def test_the_same_happening_under_new_event_ids_has_one_effect(desk: Desk) -> None:
    document = await desk.routed("invoice")
    for number in range(3):
        await desk.event(document.job_id, id=f"another-{number}")
        await desk.event(document.job_id, "classify.partial_success", id=f"odd-{number}")
    await desk.work()
    assert (len(desk.bytes.parcels), len(desk.words.parcels)) == (1, 1)
    assert await desk.document(document.id) == document


async def test_an_early_event_is_looked_at_again_until_the_result_shows(desk: Desk) -> None:
    document = await desk.submitted()
    await desk.event(document.job_id)
    await desk.work()
    assert (await desk.document(document.id)).step is Step.SUBMITTED
    desk.cloud.classified(document.job_id, "contract")
    desk.later(1)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


async def test_an_event_that_stays_early_is_left_to_the_sweep(desk: Desk) -> None:
    document = await desk.submitted()
    await desk.event(document.job_id)
    for _ in range(10):
        await desk.work()
        desk.later(10)
    (task,) = await desk.tasks("react")
    assert task.state is TaskState.DONE
    assert (await desk.document(document.id)).state is DocumentState.OPEN


async def test_an_event_that_is_faster_than_our_note_of_the_job_finds_its_document(desk: Desk) -> None:
    taken = await desk.take_in()
    (task,) = await desk.store.claim(owner="slow", now=desk.now, lease_seconds=60)
    from receiver.flow.submit import submit

    await submit(task, desk.tools)  # the job exists, but nothing is written yet
    desk.cloud.classified("job-1", "contract")
    await desk.event("job-1")
    await desk.work()
    assert (await desk.document(taken.document.id)).state is DocumentState.ROUTED


async def test_the_job_id_may_stand_in_the_other_field(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event("run-77", other_id=document.job_id)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


async def test_a_job_from_elsewhere_is_adopted_when_that_is_allowed(desk: Desk) -> None:
    document = await desk.routed("invoice")
    desk.cloud.reports["job-x"] = desk.cloud.reports[document.job_id].__class__(
        id="job-x", kind=desk.cloud.reports[document.job_id].kind, status=JobStatus.PENDING, file_id="dfl-1"
    )
    desk.cloud.classified("job-x", "contract")
    await desk.event("job-x")
    await desk.work()
    (adopted,) = [one for one in await desk.all(type(document)) if one.origin.kind == "adopted"]
    assert (adopted.name, adopted.state) == ("letter.pdf", DocumentState.ROUTED)


async def test_a_passing_failure_is_submitted_anew_once(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="Internal error, please try again")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    again = await desk.document(document.id)
    assert (again.submissions, again.job_id) == (1, "job-2")
    desk.cloud.finish("job-2", JobStatus.FAILED, error="Internal error, please try again")
    await desk.event("job-2", "classify.error")
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.FAILED


async def test_a_late_event_of_a_former_job_changes_nothing(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="timeout")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    desk.cloud.classified("job-1", "contract")
    await desk.event("job-1", "classify.success")
    await desk.work()
    after = await desk.document(document.id)
    assert (after.job_id, after.state) == ("job-2", DocumentState.OPEN)


async def test_a_failure_that_is_heard_twice_at_once_is_one_alert(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document = await desk.submitted()
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await desk.event(document.job_id, "classify.error")
    await desk.event(document.job_id, "classify.cancelled")
    both, refreshed = asyncio.Barrier(2), cases.refreshed

    async def together(case: Case, tools: Tools) -> Case:
        await both.wait()  # both have read the job before either has written what it makes of it
        return await refreshed(case, tools)

    monkeypatch.setattr(cases, "refreshed", together)
    await asyncio.gather(*(desk.do(f"react:job-1:classify.{word}") for word in ("error", "cancelled")))
    assert len(await desk.tasks("alert")) == 1


async def test_a_job_that_failed_before_we_noted_it_leaves_the_next_submission_to_its_own_task(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = desk.cloud.create

    async def overtaken(order: Order) -> JobReport:
        report = await create(order)
        if report.id == "job-1":
            desk.cloud.finish("job-1", JobStatus.FAILED, error="timeout")
            await desk.event("job-1", "classify.error")
            await desk.do("react:job-1:classify.error")
        return report

    monkeypatch.setattr(desk.cloud, "create", overtaken)
    document = await desk.submitted()
    assert (document.step, document.submissions, document.job_id) == (Step.SUBMITTED, 1, "job-2")
