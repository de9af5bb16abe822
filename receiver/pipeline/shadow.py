"""The shadow table: a second routing table that decides beside the real one, on the same facts.

It delivers nothing and asks nobody. What it would have done otherwise is kept with the document, counted and logged, so
that a changed table can be watched on today's documents before it is put in the place of the real one.
"""

import logging
from dataclasses import replace

from receiver.core.document import Document
from receiver.core.redecide import judged, what_moves
from receiver.core.route import RouteTable
from receiver.pipeline.context import Context

log = logging.getLogger("mailroom.task")


def with_shadow_verdict(document: Document, shadow: RouteTable, context: Context) -> Document:
    """The document, which was just decided, with what the shadow table makes of it.

    Whatever goes wrong in that, the document is as it was: the real decision stands.
    """
    try:
        verdict = judged(document, shadow, now=context.clock())
        change = what_moves(document.plan, verdict.plan) if verdict and verdict.plan else ""
    except Exception:  # a table that is only watched must not hold up what is routed
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
