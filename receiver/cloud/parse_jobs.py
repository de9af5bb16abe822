"""Parse jobs as documents: name, status, and the link to the PDF that parsing made of the source.

Source: the vendor's guide of its parse API (``GET /api/v2/parse/{id}``, ``expand=output_pdf_content_metadata``).
LlamaCloud has no path from a parse job to the original bytes, only to this PDF.
"""

import re

from receiver.cloud import wire
from receiver.cloud.refusal import About
from receiver.cloud.transport import Call
from receiver.core.errors import CloudBusy, DocumentRefused, FileGone
from receiver.core.job import JobStatus
from receiver.core.vendor_input import KEPT
from receiver.ports import CloudFile

PARSE = "/api/v2/parse"
OUTPUT_PDF = "output_pdf_content_metadata"
_EXTENSION = re.compile(r"(?<=[^./])\.[A-Za-z][A-Za-z0-9]{1,3}\Z")


def parse_job_call(job_id: str, *, pdf: bool = False) -> Call:
    """The request for this parse job; with ``pdf`` the response includes the link."""
    return Call(method="GET", path=f"{PARSE}/{job_id}", about=About.FILE, params={"expand": OUTPUT_PDF} if pdf else {})


def as_file(found: wire.ParseJobPayload, job_id: str) -> CloudFile:
    """The parse job as an input of other jobs. Raises DocumentRefused if it failed, CloudBusy while it runs."""
    status = wire.status_of(found.job.status)
    if not status.final:
        raise CloudBusy(f"parse job {job_id} is not completed yet", fix="no action needed: Mailroom tries again")
    if status is not JobStatus.COMPLETED:
        reason = f": {found.job.error_message}" if found.job.error_message else ""
        raise DocumentRefused(f"parse job {job_id} is {status}{reason}", fix="parse the document again at LlamaCloud")
    return CloudFile(id=job_id, name=_pdf_name(found.job.name) if found.job.name else "")


def _pdf_name(name: str) -> str:
    """The name of the PDF: ``scan.docx`` becomes ``scan.pdf``. ``No. 4``, without an extension, is ``No. 4.pdf``."""
    return f"{_EXTENSION.sub('', name)}.pdf"


def link_in(found: wire.ParseJobPayload, job_id: str) -> str:
    """The link to the parse job's PDF. Raises FileGone."""
    pdf = found.result_content_metadata.pdf if found.result_content_metadata else None
    if pdf is None or not pdf.exists or not pdf.presigned_url:
        raise FileGone(f"LlamaCloud has no PDF of parse job {job_id} any more: {KEPT}")
    return pdf.presigned_url
