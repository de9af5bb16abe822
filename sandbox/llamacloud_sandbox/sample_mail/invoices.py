"""Invoices of three vendors who write English, each with its own look."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from dataclasses import dataclass
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money, percent
from llamacloud_sandbox.sample_mail.paper import LETTER, KeepTogether, Leaf, Spacer, grid, hue, mm, text, typeset

AMBER, NAVY, TEAL, GREY, RULE = hue("#c77700"), hue("#14325c"), hue("#0b7a75"), hue("#6b7280"), hue("#d1d5db")


@dataclass(frozen=True)
class Job:
    """One job that Northlight bills: its number and dates, what it was, and (words, count, unit price) for each line."""

    number: str
    issued: str
    due: str
    order: str
    title: str
    lines: tuple[tuple[str, int, int], ...]


RELIGHTING = Job(
    "NL-2026-0417",
    "14 May 2026",
    "13 June 2026",
    "WB/2231",
    "Warehouse 2 relighting",
    (
        ("Replace main distribution board, 12 way, with surge protection", 1, 64500),
        ("LED panel 600 x 600, 4000 K, supplied and fitted", 14, 7850),
        ("Emergency exit luminaire, self-test", 3, 9425),
        ("Electrician, on site (hours)", 22, 5800),
        ("Disposal of old fittings", 1, 4500),
    ),
)

GATE = Job(
    "NL-2026-0422",
    "20 May 2026",
    "19 June 2026",
    "WB/2239",
    "Yard gate, motor and keypad",
    (
        ("Sliding gate motor, 400 kg, supplied and fitted", 1, 58900),
        ("Keypad and two remote controls", 1, 14200),
        ("Armoured cable, per metre, laid", 36, 875),
        ("Electrician, on site (hours)", 9, 5800),
    ),
)

FREIGHT_LANES = [
    "Rotterdam - Hull",
    "Hull - Leeds DC4",
    "Antwerp - Felixstowe",
    "Felixstowe - Derby",
    "Le Havre - Poole",
]
FREIGHT_KINDS = [
    ("Carriage, 40 ft container", 41250),
    ("Carriage, 20 ft container", 28600),
    ("Groupage, per pallet", 6475),
]

HOSTING_LINES = [
    ("Compute, standard-4", "2,976 instance hours", 23808),
    ("Compute, burst-2", "411.5 instance hours", 2058),
    ("Block storage", "1,850 GB months", 14800),
    ("Object storage", "6,204 GB months", 13028),
    ("Data transfer out, Europe", "1,122 GB", 8976),
    ("Managed database, small", "744 hours", 5208),
    ("Support plan: Business", "1 month", 9900),
]


def northlight(job: Job = RELIGHTING) -> bytes:
    """A tradesman's invoice: letterhead with a logo, one table, one page."""
    return typeset(
        lambda: _northlight_story(job),
        title=f"Invoice {job.number}",
        author="Northlight Electrical Ltd",
        margins=(46, 20, 30, 20),
        furniture=_northlight_letterhead,
    )


def _northlight_letterhead(canvas: Canvas, leaf: Leaf) -> None:
    top = leaf.height - 22 * mm
    canvas.setFillColor(AMBER)
    canvas.circle(27 * mm, top - 2 * mm, 7 * mm, stroke=0, fill=1)
    canvas.setFillColor(hue("#ffffff"))
    bolt = canvas.beginPath()
    for step, (x, y) in enumerate([(28.5, 4), (24, -3), (27, -3), (25.5, -8), (30.5, -0.5), (27.5, -0.5)]):
        (bolt.moveTo if step == 0 else bolt.lineTo)(x * mm, top + y * mm)
    canvas.drawPath(bolt, stroke=0, fill=1)
    canvas.setFillColor(NAVY)
    canvas.setFont("Helvetica-Bold", 19)
    canvas.drawString(38 * mm, top - 1 * mm, "Northlight Electrical")
    canvas.setFont("Helvetica", 8.5)
    canvas.setFillColor(GREY)
    canvas.drawString(38 * mm, top - 6 * mm, "Installation  ·  Testing  ·  Maintenance")
    for step, line in enumerate(
        ["Unit 6, Tannery Yard", "Carrow LS9 4QT", "0113 496 0182", "accounts@northlight.example.com"]
    ):
        canvas.drawRightString(leaf.width - 20 * mm, top + 3 * mm - step * 11, line)
    canvas.setStrokeColor(AMBER)
    canvas.setLineWidth(1.5)
    canvas.line(20 * mm, top - 14 * mm, leaf.width - 20 * mm, top - 14 * mm)
    canvas.setFont("Helvetica", 7.5)
    foot = "Northlight Electrical Ltd. Registered in England 09990417. VAT registration GB 999 0417 22"
    canvas.drawCentredString(leaf.width / 2, 14 * mm, foot)


def _northlight_story(job: Job) -> list[Any]:
    net = sum(count * price for _, count, price in job.lines)
    vat = percent(net, "20")
    rows = [["Description", "Qty", "Unit price", "Amount"]]
    rows += [[words, str(n), money(price, "gb"), money(n * price, "gb")] for words, n, price in job.lines]
    rows += [["", "", "Subtotal", money(net, "gb")], ["", "", "VAT 20%", money(vat, "gb")]]
    rows += [["", "", "Total due", money(net + vat, "gb")]]
    facts = [["Invoice number", job.number], ["Invoice date", job.issued], ["Due date", job.due]]
    facts += [["Your order", job.order], ["Job", job.title]]
    bill_to = text(
        "<b>Bill to</b><br/>Whitcombe &amp; Bray Ltd<br/>Accounts Payable<br/>40 Mercer Street<br/>Carrow LS2 8DD"
    )
    return [
        text("INVOICE", 22, font="Helvetica-Bold", color=NAVY, after=16),
        grid(
            [[bill_to, grid(facts, [32, 55], ("FONTNAME", (0, 0), (0, -1), "Helvetica-Bold"))]],
            [83, 87],
            ("LEFTPADDING", (0, 0), (0, 0), 0),
        ),
        Spacer(1, 9 * mm),
        _northlight_table(rows),
        Spacer(1, 10 * mm),
        text("<b>How to pay</b>", after=3),
        text(
            f"Bank transfer to Northlight Electrical Ltd, sort code 00-00-00, account 00417417. Please quote {job.number}."
        ),
        text("Terms: 30 days net. Interest is charged on late payment at 4% above base rate.", before=4, color=GREY),
        text("All work tested and certified; the certificate was sent to the site manager.", before=4, color=GREY),
    ]


def _northlight_table(rows: list[list[Any]]) -> Any:
    """The lines under a dark bar, the total set off by a rule."""
    return grid(
        rows,
        [92, 16, 31, 31],
        ("BACKGROUND", (0, 0), (-1, 0), NAVY),
        ("TEXTCOLOR", (0, 0), (-1, 0), hue("#ffffff")),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 1), (-1, -4), 0.4, RULE),
        ("LINEABOVE", (2, -1), (-1, -1), 1, NAVY),
        ("FONTNAME", (2, -1), (-1, -1), "Helvetica-Bold"),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
    )


def freight() -> bytes:
    """A haulier's invoice: many lines over two pages, the total only on the last."""
    return typeset(
        _freight_story,
        title="Invoice 884213",
        author="Harbour & Vale Freight",
        margins=(40, 15, 22, 15),
        furniture=_freight_letterhead,
    )


def _freight_letterhead(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(TEAL)
    canvas.rect(0, leaf.height - 26 * mm, leaf.width, 26 * mm, stroke=0, fill=1)
    canvas.setFillColor(hue("#ffffff"))
    canvas.setFont("Times-BoldItalic", 22)
    canvas.drawString(15 * mm, leaf.height - 16 * mm, "Harbour & Vale Freight")
    canvas.setFont("Times-Roman", 9)
    canvas.drawString(
        15 * mm, leaf.height - 21.5 * mm, "Pier House, 2 Quay Road, Saltby HU1 9ZZ  ·  billing@harbourvale.example.com"
    )
    canvas.setFont("Times-Bold", 14)
    canvas.drawRightString(leaf.width - 15 * mm, leaf.height - 16 * mm, "INVOICE 884213")
    canvas.setFillColor(GREY)
    canvas.setFont("Times-Roman", 8.5)
    canvas.drawString(
        15 * mm, 11 * mm, "Harbour & Vale Freight Ltd  ·  VAT GB 999 8842 13  ·  IBAN GB00 HVFR 0000 0088 4213 00"
    )
    canvas.drawRightString(leaf.width - 15 * mm, 11 * mm, f"Page {leaf.number} of {leaf.of}")


def _freight_moves() -> list[tuple[str, str, str, str, int]]:
    """Thirty-eight shipments: date, docket, lane, service and price, spread over April."""
    moves = []
    for step in range(38):
        kind, price = FREIGHT_KINDS[(step * 7) % 3]
        pallets = 2 + step % 9 if "pallet" in kind else 1
        words = f"{kind} x {pallets}" if pallets > 1 else kind
        moves.append(
            (f"{1 + step * 3 // 4:02d} Apr", f"D{60311 + step * 17}", FREIGHT_LANES[step % 5], words, price * pallets)
        )
    return moves


def _freight_story() -> list[Any]:
    moves = _freight_moves()
    net = sum(move[4] for move in moves)
    fuel = percent(net, "6.5")
    vat = percent(net + fuel, "20")
    rows = [["Date", "Docket", "Lane", "Service", "Amount GBP"]]
    rows += [[date, docket, lane, words, money(price, "bare")] for date, docket, lane, words, price in moves]
    sums: list[tuple[str, int]] = [
        ("Carriage, April 2026", net),
        ("Fuel surcharge 6.5%", fuel),
        ("VAT 20%", vat),
        ("Amount due", net + fuel + vat),
    ]
    head = [
        "<b>Customer</b><br/>Orchard Lane Homewares plc<br/>Purchase Ledger<br/>Kiln Park, Derby DE1 0AA",
        "<b>Invoice date</b> 30 April 2026<br/><b>Customer no.</b> OL-0077<br/><b>Period</b> 1 to 30 April 2026<br/>"
        "<b>Payment due</b> 21 May 2026",
    ]
    return [
        grid([[text(words, 10, font="Times-Roman") for words in head]], [105, 75]),
        Spacer(1, 6 * mm),
        _freight_table(rows),
        Spacer(1, 6 * mm),
        _freight_total(sums),
    ]


def _freight_total(sums: list[tuple[str, int]]) -> Any:
    """The sums and the small print, never parted."""
    return KeepTogether(
        [
            grid(
                [[words, money(cents, "gb")] for words, cents in sums],
                [50, 35],
                ("FONTNAME", (0, 0), (-1, -2), "Times-Roman"),
                ("FONTNAME", (0, -1), (-1, -1), "Times-Bold"),
                ("LINEABOVE", (0, -1), (-1, -1), 1, TEAL),
                ("ALIGN", (1, 0), (1, -1), "RIGHT"),
                align="RIGHT",
            ),
            text(
                "Claims for loss or damage must reach us within seven days of delivery. Payment by bank transfer; please "
                "quote the invoice number 884213.",
                9,
                font="Times-Italic",
                before=14,
                color=GREY,
            ),
        ]
    )


def _freight_table(rows: list[list[Any]]) -> Any:
    """A row for each move, striped, its head repeated on every page."""
    return grid(
        rows,
        [20, 25, 45, 60, 30],
        ("FONTSIZE", (0, 0), (-1, -1), 9),
        ("FONTNAME", (0, 0), (-1, -1), "Times-Roman"),
        ("FONTNAME", (0, 0), (-1, 0), "Times-Bold"),
        ("LINEBELOW", (0, 0), (-1, 0), 1, TEAL),
        ("ALIGN", (-1, 0), (-1, -1), "RIGHT"),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [hue("#ffffff"), hue("#eef6f5")]),
        repeat=1,
    )


def hosting() -> bytes:
    """A cloud provider's monthly invoice: sparse, no letterhead, usage by service, US letter."""
    return typeset(
        _hosting_story,
        title="Invoice INV-7730051",
        author="Cumulo Hosting Inc.",
        size=LETTER,
        margins=(22, 24, 20, 24),
        furniture=_hosting_margin,
    )


def _hosting_margin(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(hue("#5b4bdb"))
    canvas.rect(0, 0, 5 * mm, leaf.height, stroke=0, fill=1)
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica", 7.5)
    canvas.drawString(
        24 * mm,
        12 * mm,
        "Cumulo Hosting Inc., 500 Juniper Avenue, Suite 12, Lakeport, OR 97000  ·  billing@cumulo.example.com",
    )


def _hosting_story() -> list[Any]:
    total = sum(cents for *_, cents in HOSTING_LINES)
    credit = -2500
    rows = [["Service", "Usage", "Amount"]] + [[name, usage, money(cents)] for name, usage, cents in HOSTING_LINES]
    rows += [["", "Usage charges", money(total)], ["", "Promotional credit", money(credit)]]
    rows += [["", "Amount due", f"{money(total + credit)} USD"]]
    facts = [("Invoice number", "INV-7730051"), ("Date of issue", "May 3, 2026"), ("Date due", "May 17, 2026")]
    who = [
        "<b>Cumulo Hosting Inc.</b><br/>500 Juniper Avenue, Suite 12<br/>Lakeport, OR 97000<br/>United States",
        "<b>Bill to</b><br/>Fernhill Analytics LLC<br/>Attn: Priya Raman<br/>1180 Dock Street<br/>Tacoma, WA 98400<br/>ap@fernhill.example.com",
    ]
    return [
        text("Invoice", 24, font="Helvetica-Bold", after=18),
        grid(
            [list(fact) for fact in facts],
            [34, 60],
            ("TEXTCOLOR", (0, 0), (0, -1), GREY),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ),
        Spacer(1, 8 * mm),
        grid([[text(words) for words in who]], [84, 84], ("LEFTPADDING", (0, 0), (0, -1), 0)),
        Spacer(1, 8 * mm),
        text(f"{money(total + credit)} USD due May 17, 2026", 16, font="Helvetica-Bold", after=4),
        text("Charges for the billing period April 1 to April 30, 2026. Account 4410-2296.", color=GREY, after=16),
        _hosting_table(rows),
        Spacer(1, 12 * mm),
        text("Your card on file ending 0000 will be charged on the due date. No action is needed.", color=GREY),
        text(
            "Questions about this invoice? Write to billing@cumulo.example.com with the invoice number.",
            before=4,
            color=GREY,
        ),
    ]


def _hosting_table(rows: list[list[Any]]) -> Any:
    """Airy lines, hardly ruled."""
    return grid(
        rows,
        [78, 55, 35],
        ("TEXTCOLOR", (0, 0), (-1, 0), GREY),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, hue("#111827")),
        ("LINEBELOW", (0, 1), (-1, -4), 0.4, RULE),
        ("ALIGN", (2, 0), (2, -1), "RIGHT"),
        ("FONTNAME", (1, -1), (-1, -1), "Helvetica-Bold"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    )
