"""Every file of the sample mail: its name and how its bytes are made."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from collections.abc import Callable

from llamacloud_sandbox.sample_mail import (
    abroad,
    contracts,
    form,
    invoices,
    orders,
    people,
    receipts,
    statement,
    trouble,
)
from llamacloud_sandbox.sample_mail.packets import BLANK, Piece, packet, scan, truth_file

# Everything that may go wrong with a name and is still legal in a git checkout on Linux and macOS: leading dots, parent
# folders written three ways, a percent escape, template braces, quotes, shell and HTML characters, an emoji, a
# right-to-left override that makes the end read "exe.pdf" backwards, and a control character (the bell).
HOSTILE_NAME = '..%2F..%2F ..\\..\\etc\\passwd {type}{0.__class__} "a\'b" $(id) `id` <b>&amp; 100%s \U0001f4ce \u202efdp.exe\u202c \x07;--.pdf'

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "invoice-northlight-electrical.pdf": invoices.northlight,
    "invoice-harbour-freight.pdf": invoices.freight,
    "invoice-cumulo-hosting.pdf": invoices.hosting,
    "rechnung-tischlerei-brandt.pdf": abroad.rechnung,
    "facture-atelier-lumiere.pdf": abroad.facture,
    "receipt-copper-lane-hardware.pdf": receipts.hardware,
    "receipt-trattoria-pinolo.pdf": receipts.restaurant,
    "contract-services-agreement.pdf": contracts.services_agreement,
    "contract-mutual-nda.pdf": contracts.nda,
    "bank-statement-may-2026.pdf": statement.statement,
    "resume-mara-ellingsen.pdf": people.resume,
    "letter-complaint-dishwasher.pdf": people.complaint,
    "letter-cover-application.pdf": people.cover_letter,
    "form-household-claim.pdf": form.claim_form,
    "purchase-order-greenmoor.pdf": orders.purchase_order,
    "orden-de-compra-mirasol.pdf": abroad.orden_de_compra,
    "recipe-walnut-bread.pdf": trouble.recipe,
    "ambiguous-staircase-quote.pdf": trouble.ambiguous,
    "locked-payslip.pdf": trouble.locked,
    "statement-download.pdf": trouble.not_a_pdf,
    HOSTILE_NAME: lambda: invoices.northlight(invoices.GATE),
}

MORNING_MAIL = [
    ("letter-complaint-dishwasher.pdf", "letter"),
    ("invoice-northlight-electrical.pdf", "invoice"),
    ("invoice-harbour-freight.pdf", "invoice"),
    ("", "blank"),
    ("contract-mutual-nda.pdf", "contract"),
    ("receipt-trattoria-pinolo.pdf", "receipt"),
    ("bank-statement-may-2026.pdf", "bank_statement"),
    ("form-household-claim.pdf", "form"),
    ("purchase-order-greenmoor.pdf", "purchase_order"),
    ("recipe-walnut-bread.pdf", "uncategorized"),
    ("resume-mara-ellingsen.pdf", "resume"),
]

SCANNED_MAIL = [
    ("letter-complaint-dishwasher.pdf", "letter"),
    ("invoice-cumulo-hosting.pdf", "invoice"),
    ("rechnung-tischlerei-brandt.pdf", "invoice"),
    ("receipt-copper-lane-hardware.pdf", "receipt"),
    ("contract-mutual-nda.pdf", "contract"),
]


def samples() -> dict[str, bytes]:
    """Every file by its path inside the folder."""
    return {name: make() for name, make in DOCUMENTS.items()} | packets()


def packets() -> dict[str, bytes]:
    """The two packets and the truth about each."""
    morning, truth = packet([_piece(*entry) for entry in MORNING_MAIL])
    flat, flat_truth = packet([_piece(*entry) for entry in SCANNED_MAIL])
    about = "Page numbers begin at 1. A piece of category 'blank' is a separator sheet and no document."
    return {
        "packets/morning-mail.pdf": morning,
        "packets/morning-mail.json": truth_file("morning-mail.pdf", about, truth),
        "packets/scanned-mail.pdf": scan(flat),
        "packets/scanned-mail.json": truth_file(
            "scanned-mail.pdf", about + " Pictures only: no text without OCR.", flat_truth
        ),
    }


def _piece(name: str, category: str) -> Piece:
    return Piece(name, category, DOCUMENTS[name]) if name else BLANK
