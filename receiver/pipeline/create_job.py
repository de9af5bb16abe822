"""Creates a split job on one of LlamaCloud's two paths: the current one, or the beta one without webhooks.

Source: reference 1.4. With ``path: auto`` the beta path is used where the current one is not served, and this is
remembered for a day. A beta job has no ``transaction_id``, so a repeated attempt first checks whether it exists.
"""

from dataclasses import replace

from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, NotServed
from receiver.core.flag import Flag
from receiver.core.job import Job, JobKind, JobReport, JobRequest
from receiver.core.vendor_input import is_parse_job
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

BETA = "split:beta"
"""The flag; its value is the time until which the current path counts as missing."""
REMEMBERED = 86400.0
MARGIN = 300.0
"""Seconds by which the window of creation times is widened: two clocks are involved."""


async def create_job(
    order: JobRequest, document: Document, context: Context, *, repeated: bool
) -> tuple[JobReport, JobRequest]:
    """The split job, and the request as it was sent. ``repeated``: an earlier attempt may have created the job."""
    path = context.config.split.path
    if path == "current" or (path == "auto" and not await _missing(context)):
        try:
            return await context.cloud.create(order), order
        except NotServed:
            if path == "current":
                raise
            await _remember(context)
    if is_parse_job(order.file_id):
        raise DocumentRefused("LlamaCloud's beta path of split takes files only, no parse jobs")
    beta = replace(order, beta=True, registration=None, webhook_ids=())
    created = await _created_before(beta, document, context) if repeated else None
    return created or await context.cloud.create(beta), beta


async def _missing(context: Context) -> bool:
    flag = await context.store.get(Flag, BETA)
    return flag is not None and 0 < float(flag.value) - context.clock() <= REMEMBERED


async def _remember(context: Context) -> None:
    known = await context.store.get(Flag, BETA)
    await put_flag(BETA, repr(context.clock() + REMEMBERED), known, context)


async def _created_before(order: JobRequest, document: Document, context: Context) -> JobReport | None:
    """A job for this file that is not on record, because the process that created it died before it stored that."""
    since, until = document.taken_in_at - MARGIN, context.clock() + MARGIN
    async for report in context.cloud.jobs(JobKind.SPLIT, since=since, until=until, beta=True):
        if report.file_id == order.file_id and await context.store.get(Job, report.id) is None:
            return report
    return None
