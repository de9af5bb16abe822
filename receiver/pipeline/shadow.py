"""The shadow table: a second routing table that decides on the same facts, and delivers nothing.

Where it would have decided differently, that is stored with the document, counted and logged. So a changed table can be
watched on real documents before it replaces the real one.
"""

import logging
from dataclasses import replace

from receiver.core.document import Document
from receiver.core.redecide import judged, what_moves
from receiver.core.route import RouteTable
from receiver.pipeline.context import Context

log = logging.getLogger("mailroom.task")


def with_shadow_verdict(document: Document, shadow: RouteTable, context: Context) -> Document:
    """The document, just decided, with the decision of the shadow table.

    If that fails, the document is unchanged: the real decision holds.
    """
    try:
        verdict = judged(document, shadow, now=context.clock())
        change = what_moves(document.plan, verdict.plan) if verdict and verdict.plan else ""
    except Exception:  # a fault of the shadow table must not delay routing
        context.meter.count("mailroom_shadow_decisions", result="failed")
        log.exception("shadow.failed", extra={"facts": {"document": document.id}})
        return document
    if verdict is None:
        return document
    context.meter.count("mailroom_shadow_decisions", result="differs" if verdict.plan else "same")
    if verdict.plan is not None:
        facts = {"document": document.id, "table": verdict.table, "change": change}
        log.info("shadow.differs", extra={"facts": facts})
        verdict = replace(verdict, plan=replace(verdict.plan, trace=()))  # a record is read and written whole
    return replace(document, shadow=verdict)
