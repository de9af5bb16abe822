"""Job failure: resubmits, fails or holds a document whose job ended without a result."""

import re
from collections.abc import Sequence
from dataclasses import replace

from receiver.core.alert import TITLE_KEPT, Alert
from receiver.core.change import InsertIfAbsent, Replace, Write, written_records
from receiver.core.document import Document, DocumentState, Step
from receiver.core.fingerprint import cause_of
from receiver.core.job import Job, JobStatus
from receiver.core.quantity import times
from receiver.core.task import submission_of
from receiver.core.vendor_input import KEPT, is_parse_job
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import (
    concluded,
    failed_document,
    held,
    held_document,
    job_record,
    may_resubmit,
    paid,
    resubmission,
)
from receiver.pipeline.job_context import JobContext


def resubmit_fail_or_hold(job: JobContext, context: Context) -> Sequence[Write]:
    """Resubmits the document where that may help. Otherwise a failed job's document takes the ``failed`` route.

    A job that was cancelled, or that LlamaCloud no longer knows, is not the document's fault: it is held in review.
    """
    reason, failed = _why(job), job.report.status is JobStatus.FAILED
    if may_resubmit(job.document, context) and (not failed or context.config.resubmit.helps(reason)):
        return _resubmitted(job, reason, context)
    if failed:
        return concluded(job, failed_document(job.document, reason, context), context)
    return concluded(job, held_document(job.document, reason, context.clock()), context)


def failure_alerts(job: JobContext, writes: Sequence[Write], context: Context) -> Sequence[Alert]:
    """The alert of a job without a result. There is none if its document is resubmitted, which is only counted."""
    if any(document.step is Step.RECEIVED for document in written_records(writes, Document)):
        context.meter.count("mailroom_alerts", kind="job.failed", outcome="mended")
        return ()
    reason, document = _why(job), job.document
    alert = Alert(
        kind="job.failed",
        cause=cause_of(reason, document.name),
        title=f"{job.report.kind} job {job.report.status}: {reason[:TITLE_KEPT]}",
        detail=reason,
        subject=document.id,
        name=document.name,
        job_id=job.report.id,
        tried=_tried(document),
        fix=f"mailroom documents {document.id}",
        at=context.clock(),
    )
    return (alert,)


async def held_for(job: Job, error: Exception, context: Context) -> Sequence[Write]:
    """Holds the document of this job in review, because the job's result cannot be fetched."""
    document = await context.store.get(Document, job.document_id)
    if document is None or document.job_id != job.id or document.state is not DocumentState.OPEN:
        return ()
    if document.plan is not None:
        return ()
    return (*held(document, f"its result could not be fetched: {error}", context), Replace(replace(job, deadline=None)))


GONE_SOURCE = re.compile(r"not found in storage|expired", re.IGNORECASE)
"""How LlamaCloud says that a source no longer exists (reference 1.1)."""


def _why(job: JobContext) -> str:
    """Why the job has no result, in LlamaCloud's words if it gave any."""
    report = job.report
    if any(c.isprintable() and not c.isspace() for c in report.error):
        gone = is_parse_job(job.document.at_llamacloud) and GONE_SOURCE.search(report.error)
        return f"{report.error} ({KEPT})" if gone else report.error
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    return ours.get(report.status, "LlamaCloud reported no reason")


def _resubmitted(job: JobContext, reason: str, context: Context) -> Sequence[Write]:
    after = paid(resubmission(job.document, reason, context.clock(), context), job.report, context)
    return (
        Replace(after),
        job_record(job, after, context.clock()),
        InsertIfAbsent(submission_of(after, now=context.clock())),
    )


def _tried(document: Document) -> str:
    """A sentence about earlier resubmissions of this document; "" if there were none."""
    before = [entry.detail for entry in document.history if entry.what == "resubmitted"]
    if not before:
        return ""
    return f"resubmitted {times(len(before))} before; the last time because: {before[-1]}"
