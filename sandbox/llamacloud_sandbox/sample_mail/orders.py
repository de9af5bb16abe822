"""A purchase order in English: what a buyer sends to a supplier."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money
from llamacloud_sandbox.sample_mail.paper import LETTER, Leaf, Signature, Spacer, grid, hue, mm, text, typeset

GREEN, GREY, RULE = hue("#1d6b3a"), hue("#6b7280"), hue("#c8d3cb")

LINES = [
    ("10", "VX-300-24", "Variable speed pump, 24 V, with controller", 6, 41800),
    ("20", "HS-19-50", "Reinforced hose 19 mm, 50 m reel", 4, 11250),
    ("30", "FT-BR-34", "Brass fitting 3/4 in., box of 25", 10, 6840),
    ("40", "FL-5M", "Inline filter, 5 micron", 24, 1875),
    ("50", "SP-KIT-2", "Seal and spares kit", 6, 3990),
]

VENDOR = "<b>Vendor</b><br/>Tideline Pumps &amp; Controls<br/>Attn: Order Desk<br/>350 Mill Race Drive<br/>Harlan, OH 43000<br/>Vendor no. 200417"
SHIP_TO = "<b>Ship to</b><br/>Greenmoor Irrigation, Dock B<br/>7 Weir Road<br/>Oxbow, ID 83000<br/>Receiving hours 7 AM to 2 PM"


def purchase_order() -> bytes:
    """A manufacturer's purchase order: ship-to, line numbers, terms, an authorising signature."""
    return typeset(
        _story,
        title="Purchase Order 4500019283",
        author="Greenmoor Irrigation",
        size=LETTER,
        margins=(40, 18, 30, 18),
        furniture=_frame,
    )


def _frame(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(GREEN)
    drop = canvas.beginPath()
    x, y = 26 * mm, leaf.height - 25 * mm
    drop.moveTo(x, y + 13 * mm)
    drop.curveTo(x + 9 * mm, y + 2 * mm, x + 6 * mm, y - 3 * mm, x, y - 3 * mm)
    drop.curveTo(x - 6 * mm, y - 3 * mm, x - 9 * mm, y + 2 * mm, x, y + 13 * mm)
    canvas.drawPath(drop, stroke=0, fill=1)
    canvas.setFont("Helvetica-Bold", 15)
    canvas.drawString(37 * mm, leaf.height - 20 * mm, "Greenmoor Irrigation Inc.")
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica", 8.5)
    canvas.drawString(
        37 * mm, leaf.height - 25 * mm, "7 Weir Road, Oxbow, ID 83000  ·  purchasing@greenmoor.example.com"
    )
    canvas.setFillColor(GREEN)
    canvas.setFont("Helvetica-Bold", 17)
    canvas.drawRightString(leaf.width - 18 * mm, leaf.height - 20 * mm, "PURCHASE ORDER")
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(GREY)
    canvas.drawString(18 * mm, 14 * mm, "The PO number must appear on all packing slips, invoices and correspondence.")
    canvas.drawRightString(leaf.width - 18 * mm, 14 * mm, f"Page {leaf.number} of {leaf.of}")


def _story() -> list[Any]:
    total = sum(count * price for *_, count, price in LINES)
    rows = [["Line", "Part no.", "Description", "Qty", "Unit price", "Extended"]]
    rows += [[at, part, words, str(n), money(price), money(n * price)] for at, part, words, n, price in LINES]
    rows += [["", "", "", "", "Order total", money(total)]]
    head = [
        ["PO number", "PO date", "Buyer", "Ship via", "Requested delivery"],
        ["4500019283", "05/18/2026", "H. Wilde", "Ground, prepaid", "06/15/2026"],
    ]
    return [
        grid(
            [[text(VENDOR), text(SHIP_TO)]],
            [90, 90],
            ("BOX", (0, 0), (0, 0), 0.6, RULE),
            ("BOX", (1, 0), (1, 0), 0.6, RULE),
        ),
        Spacer(1, 5 * mm),
        grid(
            head,
            [36] * 5,
            ("GRID", (0, 0), (-1, -1), 0.6, RULE),
            ("TEXTCOLOR", (0, 0), (-1, 0), GREY),
            ("FONTSIZE", (0, 0), (-1, 0), 8),
        ),
        Spacer(1, 5 * mm),
        _table(rows),
        Spacer(1, 6 * mm),
        text("<b>Terms and instructions to the supplier</b>", after=3),
        text(
            "1. Please supply the goods listed above and acknowledge this purchase order within two business days.",
            after=2,
        ),
        text("2. Payment terms net 45 from receipt of goods. Freight prepaid and added. FOB destination.", after=2),
        text(
            "3. No substitutions or price changes without a revised purchase order from the buyer named above.", after=2
        ),
        text("4. Certificates of conformity are required for line 10.", after=14),
        Signature("hwilde", 1.2),
        grid([["Authorized by Harriet Wilde, Purchasing Manager"]], [80], ("LINEABOVE", (0, 0), (0, 0), 0.6, GREY)),
    ]


def _table(rows: list[list[Any]]) -> Any:
    """The lines ordered, in a full grid."""
    return grid(
        rows,
        [13, 27, 75, 13, 25, 27],
        ("BACKGROUND", (0, 0), (-1, 0), GREEN),
        ("TEXTCOLOR", (0, 0), (-1, 0), hue("#ffffff")),
        ("GRID", (0, 0), (-1, -2), 0.6, RULE),
        ("FONTSIZE", (0, 0), (-1, -1), 9),
        ("ALIGN", (3, 0), (-1, -1), "RIGHT"),
        ("FONTNAME", (4, -1), (-1, -1), "Helvetica-Bold"),
    )
