"""Archives a mail when all of its documents are settled, by the table's ``mail`` route.

packets/parents.py keeps the mail's state in step with its documents.
"""

from receiver.core.document import Document, DocumentState
from receiver.core.route import decide_archive
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import planned


def document_ids(mail: Document) -> list[str]:
    """The ids of the documents that came in the mail, in the order of its parts."""
    return list(dict.fromkeys(part.document_id for part in mail.parts if part.document_id))


def waits_for_documents(mail: Document) -> bool:
    """Whether the mail is opened and not archived yet."""
    return mail.mail and mail.state is DocumentState.OPEN and mail.plan is None


def archived_mail(mail: Document, context: Context) -> Document:
    """The mail with the plan to archive it."""
    return planned(mail, decide_archive(context.config.table, mail, now=context.clock()), context)
