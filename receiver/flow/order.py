"""The order: what LlamaCloud is asked for a document, under an id that is written down before it is asked.

A retry, after a crash or a change of mailroom.yaml, asks under the id that stands on the document, so one submission is
one job. LlamaCloud ignores the body of a repeated id: ``not_ordered`` notices a job that goes by other rules.
"""

from dataclasses import replace

from receiver.core.change import Update, succeeding
from receiver.core.document import Document
from receiver.core.job import JobKind, JobReport, rules_in
from receiver.core.submission import current, fingerprint, transaction_id
from receiver.flow.tools import Tools
from receiver.ports import CloudFile, Order

EVENTS = {
    JobKind.CLASSIFY: ("classify.success", "classify.error", "classify.partial_success", "classify.cancelled"),
    JobKind.SPLIT: ("split.success", "split.error", "split.cancelled"),
}
"""What we subscribe to. Without a list LlamaCloud sends all, pending and running too (reference 2.4)."""
EARLIER = 300.0
"""Seconds by which a job must be older than its document to be an earlier one: two clocks are involved."""


def order_for(document: Document, kind: JobKind, file: CloudFile, tools: Tools) -> Order:
    """What to ask for: by the rules of today, under the id that is written down if there is one."""
    config = tools.config
    asked = config.classify_configuration() if kind is JobKind.CLASSIFY else config.split_configuration()
    fresh = transaction_id(document, kind, fingerprint(kind, file.id, asked))
    return Order(
        kind=kind,
        file_id=file.id,
        configuration=asked,
        transaction_id=current(document) or fresh,
        registration=tools.terms.registration(document, EVENTS[kind], now=tools.clock()),
    )


async def written_down(document: Document, order: Order, tools: Tools) -> Document:
    """The document with the order's id on it, durably. Raises Conflict when somebody changed it meanwhile."""
    if order.transaction_id in document.transactions:
        return document
    after = replace(document, transactions=(*document.transactions, order.transaction_id))
    await tools.store.apply(Update(after))
    return succeeding(after)


def not_ordered(report: JobReport, document: Document, order: Order) -> bool:
    """Whether this is an earlier job, of a store that was lost or another installation, that goes by other rules.

    Its verdict would be theirs. A job that is as young as the document is its own: the rules changed after it was made.
    """
    asked = rules_in(order.configuration)
    if not asked or not report.rules or report.rules == asked:
        return False
    if not document.installation:
        return True  # the id of a document from before says neither who asks nor what for
    return report.created_at is not None and report.created_at < document.taken_in_at - EARLIER
