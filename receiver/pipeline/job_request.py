"""The request to LlamaCloud for a document, under an id that is stored before it is sent.

A retry, after a crash or a change of mailroom.yaml, uses the id on the document, so one submission is one job.
LlamaCloud ignores the body of a repeated id: ``not_requested`` notices a job with other rules.
"""

from dataclasses import replace

from receiver.core.change import Replace, succeeding
from receiver.core.document import Document
from receiver.core.job import JobKind, JobReport, JobRequest, rules_in
from receiver.core.submission import configuration_hash, current, transaction_id
from receiver.pipeline.context import Context
from receiver.ports import CloudFile

EARLIER = 300.0
"""Seconds by which a job must be older than its document to be an earlier one: two clocks are involved."""


def job_request_for(document: Document, kind: JobKind, file: CloudFile, context: Context) -> JobRequest:
    """The request, with the current rules, under the stored id if there is one."""
    terms = context.registry.terms_of(kind)
    asked = terms.configuration(context.config)
    fresh = transaction_id(document, kind, configuration_hash(kind, file.id, asked))
    return JobRequest(
        kind=kind,
        file_id=file.id,
        configuration=asked,
        transaction_id=current(document) or fresh,
        webhook_ids=tuple(terms.webhooks(context.config)),
        registration=context.webhook_terms.configuration(document, terms.events, now=context.clock()),
    )


async def written_down(document: Document, order: JobRequest, context: Context) -> Document:
    """The document, stored with the request's id and file. Raises Conflict if it changed in between."""
    if order.transaction_id in document.transactions:
        return document
    transactions = (*document.transactions, order.transaction_id)
    after = replace(document, transactions=transactions, file_id=order.file_id)
    await context.store.apply(Replace(after))
    return succeeding(after)


def not_requested(report: JobReport, document: Document, order: JobRequest) -> str:
    """Why this job cannot be the requested one, in words; "" if it can be.

    The id is no secret: anybody in the project can create a job for another file under it, and LlamaCloud then answers
    our request with that job. Its result would not be about our document.
    """
    if _goes_by_other_rules(report, document, order):
        return (
            "of an earlier request with rules other than mailroom.yaml: another installation, or a lost store, used "
            "the same id"
        )
    if report.file_id and report.file_id not in {order.file_id, document.file_id}:
        return f"which reads file {report.file_id}, not this document's: another client used the same id"
    return ""


def _goes_by_other_rules(report: JobReport, document: Document, order: JobRequest) -> bool:
    """Whether this is somebody else's job: of a lost store, another installation, or another user of the project.

    A job that is not older than the document is its own, even if the rules changed after the id was stored.
    """
    asked = rules_in(order.configuration)
    if not asked or not report.rules or report.rules == asked:
        return False
    if not document.installation:
        return True  # an older document's id contains neither installation nor request
    if order.transaction_id == _named_by_its_rules(document, order):
        return True  # the id was derived from these rules
    return report.created_at is not None and report.created_at < document.taken_in_at - EARLIER


def _named_by_its_rules(document: Document, order: JobRequest) -> str:
    """The id that this request would get if it were stored now."""
    asked = configuration_hash(order.kind, document.file_id or order.file_id, order.configuration)
    return transaction_id(document, order.kind, asked)
