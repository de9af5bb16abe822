"""Documents to upload, and the orders for jobs on them."""

import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from receiver.core.delivery_request import Content
from receiver.core.job import JobKind, JobRequest

INVOICE = "Invoice. Invoice number 4711. Line items: 2 widgets. Total amount due: 12 EUR."
CONTRACT = "Contract. This agreement is made between the parties. Obligations. Signatures."
RULES = {
    "rules": [
        {"type": "invoice", "description": "contains an invoice number, line items and a total amount due"},
        {"type": "contract", "description": "a legal agreement between parties with obligations and signatures"},
    ]
}
CATEGORIES = {
    "categories": [
        {"name": "invoice", "description": "contains an invoice number, line items and a total amount due"},
        {"name": "contract", "description": "a legal agreement between parties with obligations and signatures"},
    ]
}


def pdf(*pages: str) -> bytes:
    """A PDF with these pages."""
    out = io.BytesIO()
    canvas = Canvas(out)
    for page in pages:
        for number, line in enumerate(page.split(". ")):
            canvas.drawString(60, 780 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def content(data: bytes, media_type: str = "application/pdf") -> Content:
    """These bytes, streamed in pieces."""

    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    return Content(size=len(data), sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, stream=stream)


def an_order(file_id: str, kind: JobKind = JobKind.CLASSIFY, **fields: Any) -> JobRequest:
    """An order for a job without a webhook."""
    configuration = RULES if kind is JobKind.CLASSIFY else CATEGORIES
    given: dict[str, Any] = {"configuration": configuration, "transaction_id": f"mailroom-{kind}-1"}
    return JobRequest(kind=kind, file_id=file_id, **{**given, **fields})
