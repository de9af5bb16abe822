"""Archives the records of documents before they are removed: one file for each, at ``retention.archive``."""

from collections.abc import Sequence

from receiver.core.document import Document
from receiver.core.errors import Unroutable
from receiver.core.records_archive import archive_file, archive_name
from receiver.destination_traits import KeepsRecords
from receiver.operations.document_report import document_report
from receiver.pipeline.context import Context
from receiver.pipeline.deliver import destination_of


async def archive_records(documents: Sequence[Document], context: Context) -> None:
    """Writes the files of these documents, unless they are there; without an archive it does nothing.

    Raises DestinationBusy, AccessDenied, Unroutable: then nothing may be removed.
    """
    target = context.config.archive
    if target is None:
        return
    keeper = destination_of(target, context)
    if not isinstance(keeper, KeepsRecords):
        raise Unroutable(f"{target.url} cannot keep records")
    for document in documents:
        report = await document_report(document.id, context.store)
        content = archive_file(report.on_record(), at=context.clock())
        await keeper.keep(target, archive_name(document.id, document.version), content)
