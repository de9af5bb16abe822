"""The request to LlamaCloud for a document, under an id that is stored before it is sent.

A retry, after a crash or a change of mailroom.yaml, asks under the id that stands on the document, so one submission is
one job. LlamaCloud ignores the body of a repeated id: ``not_requested`` notices a job that goes by other rules.
"""

from dataclasses import replace

from receiver.core.change import Replace, succeeding
from receiver.core.document import Document
from receiver.core.job import JobKind, JobReport, rules_in
from receiver.core.submission import configuration_hash, current, transaction_id
from receiver.pipeline.context import Context
from receiver.ports import CloudFile, JobRequest

EARLIER = 300.0
"""Seconds by which a job must be older than its document to be an earlier one: two clocks are involved."""


def job_request_for(document: Document, kind: JobKind, file: CloudFile, context: Context) -> JobRequest:
    """What to ask for: by the rules of today, under the id that is written down if there is one."""
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
    """The document with the order's id and file on it, durably. Raises Conflict when somebody changed it meanwhile."""
    if order.transaction_id in document.transactions:
        return document
    transactions = (*document.transactions, order.transaction_id)
    after = replace(document, transactions=transactions, file_id=order.file_id)
    await context.store.apply(Replace(after))
    return succeeding(after)


def not_requested(report: JobReport, document: Document, order: JobRequest) -> str:
    """What shows that this job is not what was ordered, in words; "" if nothing does.

    Its verdict would be somebody else's. The id is no secret: whoever shares the project can give it to a job for a
    file of theirs, and LlamaCloud answers our order with that job.
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
    """Whether this is a job of somebody else: a store that was lost, another installation, or who shares the project.

    A job that is as young as the document is its own if the rules changed since its id was written down.
    """
    asked = rules_in(order.configuration)
    if not asked or not report.rules or report.rules == asked:
        return False
    if not document.installation:
        return True  # the id of a document from before says neither who asks nor what for
    if order.transaction_id == _named_by_its_rules(document, order):
        return True  # the id was made of these very rules
    return report.created_at is not None and report.created_at < document.taken_in_at - EARLIER


def _named_by_its_rules(document: Document, order: JobRequest) -> str:
    """The id that this order has if it is written down today."""
    asked = configuration_hash(order.kind, document.file_id or order.file_id, order.configuration)
    return transaction_id(document, order.kind, asked)
