"""Archives the records of documents before they are removed: one file for each, at ``retention.archive``."""

import asyncio
from collections.abc import Sequence

from receiver.core.document import Document
from receiver.core.errors import Unroutable
from receiver.core.records_archive import archive_file, archive_name
from receiver.destination_traits import KeepsRecords
from receiver.operations.document_report import report_on
from receiver.pipeline.context import Context
from receiver.pipeline.deliver import destination_of

AT_ONCE = 8
"""Documents of one batch that are archived at the same time."""


async def archive_records(batch: Sequence[Document], context: Context) -> None:
    """Writes the files of a whole batch, unless they exist. Without an archive it does nothing.

    Raises DestinationBusy, AccessDenied, Unroutable; then nothing may be removed.
    """
    target = context.config.archive
    if target is None:
        return
    keeper = destination_of(target, context)
    if not isinstance(keeper, KeepsRecords):
        raise Unroutable(f"{target.url} cannot keep records")

    async def keep(document: Document) -> None:
        report = await report_on(document, batch, context.store, whole=True)
        await keeper.keep(target, archive_name(document), archive_file(report.on_record(), at=context.clock()))

    for start in range(0, len(batch), AT_ONCE):
        await asyncio.gather(*map(keep, batch[start : start + AT_ONCE]))
