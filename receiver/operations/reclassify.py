"""A person has a document classified again, after a rule of mailroom.yaml has changed.

The document is open until its new job has a result, and what it delivered counts meanwhile. The result is then handled
like a correction: what goes where it went before is not delivered again. Without a result the plan is put back
(pipeline/document_outcome.py).
"""

from collections.abc import Sequence

from receiver.core.change import InsertIfAbsent, Write
from receiver.core.document import Document, DocumentState
from receiver.core.plan import Way
from receiver.core.replan import set_aside
from receiver.core.statements import decided_by_person, state_in_words
from receiver.core.task import submission_of
from receiver.operations.failed_documents import RECLASSIFYING, Skipped, changed_document
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import resubmission


def why_not_reclassified(document: Document, *, also_decided: bool = False) -> str:
    """Why this document cannot be reclassified, in words; "" when it can."""
    if document.forgotten_at is not None:
        return "its content was removed by retention: submit it again"
    if document.mail:
        return "a mail is not classified: reclassify its documents"
    if document.state is DocumentState.WITHDRAWN:
        return "it is withdrawn: its pages are in other pieces of its packet"
    if document.packet or document.cuts:
        return f"a packet has no type, its pieces do; mailroom recut {document.id} cuts it again"
    if document.state is DocumentState.OPEN:
        return RECLASSIFYING if document.set_aside is not None else "it is being processed"
    if document.without_result:
        held = document.error or "nobody has decided about it"
        return f"it has no result yet: {held}; mailroom resubmit {document.id} submits it all the same"
    if document.plan is not None and document.plan.way is Way.BLANK:
        return "its pages are blank"
    if undone := next((item for item in document.deliveries if not item.done), None):
        return f"its delivery to {undone.to.shown} failed; mailroom replay {document.id} repeats that first"
    if not also_decided and (decided := decided_by_person(document)):
        return f"left as {decided}"
    return ""


async def reclassify(document_id: str, context: Context, *, who: str, also_decided: bool = False) -> Document | Skipped:
    """The document, with a task that creates a new classify job by the present rules. This costs its credits again.

    Until the job has a result, the document's deliveries, type and decisions stay as they are. If none comes, its plan
    is put back. Raises NotFound, Conflict when it keeps changing.
    """

    async def change(document: Document) -> tuple[Document, Sequence[Write]] | Skipped:
        if why := why_not_reclassified(document, also_decided=also_decided):
            return Skipped(document, why)
        now, reason = context.clock(), f"by {who}; before: {state_in_words(document)}"
        aside = set_aside(document, context.holds)
        after = resubmission(aside, reason, now, context, what="reclassification requested")
        return after, [InsertIfAbsent(submission_of(after, now=now))]

    return await changed_document(document_id, change, context)
