"""Receipts as tills print them: narrow paper, one column, monospaced."""

from collections.abc import Iterable

from reportlab.graphics.barcode.code128 import Code128
from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money, percent
from llamacloud_sandbox.sample_mail.paper import INK, mm, open_canvas, sign

HARDWARE = [
    ("WOOD SCREW 4X40 200PK", 649, 1),
    ("MASONRY BIT 8MM", 425, 2),
    ("WALL PLUG ASSORTED", 399, 1),
    ("PAINT ROLLER KIT", 1195, 1),
    ("MATT EMULSION 5L OAT", 3250, 2),
    ("DUST SHEET 3X4M", 550, 1),
]

DINNER = [
    ("Burrata, peach", 1, 1300),
    ("Grilled octopus", 1, 1600),
    ("Pappardelle, rabbit", 2, 2400),
    ("Sea bass for one", 1, 3100),
    ("Glass Vermentino", 3, 1200),
    ("Sparkling water", 2, 500),
    ("Olive oil cake", 2, 900),
]


def hardware() -> bytes:
    """A till receipt on 80 mm paper, with a barcode at the foot."""
    canvas, buffer = open_canvas((80 * mm, 144 * mm), "Receipt", "Copper Lane Hardware")
    till = Till(canvas, 144 * mm, 80 * mm, 38)
    total = sum(price * count for _, price, count in HARDWARE)
    till.centre("COPPER LANE HARDWARE", size=12, bold=True)
    till.centre_all(["27 Copper Lane, Ashby", "Tel 01632 960 114", "VAT no. GB 000 9601 14"])
    till.rule()
    till.pair("SALES RECEIPT", "#004-118827")
    till.pair("16/05/2026 10:42", "Till 4 DEB")
    till.rule()
    for name, price, count in HARDWARE:
        till.pair(name, money(price * count, "bare"))
        if count > 1:
            till.line(f"   {count} @ {money(price, 'bare')}")
    till.rule()
    till.pair("TOTAL GBP", money(total, "bare"), size=11, bold=True)
    till.pair("incl. VAT 20%", money(total - percent(total, "83.3333"), "bare"))
    till.gap(4)
    till.pair("CARD  CONTACTLESS", money(total, "bare"))
    till.line("DEBIT ****0000   AUTH 068214")
    till.line("PAID. THANK YOU")
    till.rule()
    till.centre_all(["Refunds within 28 days", "with this receipt", "and goods unopened"])
    till.barcode("004118827160526")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def restaurant() -> bytes:
    """A restaurant's card slip, with tip and signature written in by hand."""
    canvas, buffer = open_canvas((90 * mm, 152 * mm), "Guest receipt", "Trattoria Pinolo")
    till = Till(canvas, 152 * mm, 90 * mm, 40)
    food = sum(price * count for _, count, price in DINNER)
    tax = percent(food, "8.5")
    tip = 3000
    till.centre("Trattoria Pinolo", size=16, bold=True, font="Times-BoldItalic")
    till.centre_all(["614 Alder Street, Lakeport, OR 97000", "(555) 010-0147"])
    till.rule()
    till.pair("Guest receipt", "Check 20417")
    till.pair("Table 12   Guests 3", "Server: Milo")
    till.pair("May 9, 2026", "8:51 PM")
    till.rule()
    for name, count, price in DINNER:
        till.pair(f"{count}  {name}", money(price * count, "bare"))
    till.rule()
    till.pair("Subtotal", money(food, "bare"))
    till.pair("Sales tax 8.5%", money(tax, "bare"))
    till.pair("Amount", money(food + tax))
    till.gap(6)
    till.pair("Tip", money(tip), hand=True)
    till.pair("TOTAL PAID", money(food + tax + tip), bold=True, hand=True)
    till.gap(4)
    till.line("VISA ************0000  Approved 77120B")
    till.gap(20)
    sign(canvas, 16 * mm, till.y + 4, "rosalind", 0.9)
    till.line("X" + "_" * 34)
    till.centre_all(["Cardholder signature", "", "Grazie e a presto!", "Keep this receipt for your records"])
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class Till:
    """A receipt printer: each call prints one line and moves the paper up."""

    def __init__(self, canvas: Canvas, height: float, width: float, columns: int) -> None:
        self.canvas, self.width, self.y = canvas, width, height - 10 * mm
        self.margin = 6 * mm
        self.size = (width - 2 * self.margin) / (columns * 0.6)

    def line(self, words: str) -> None:
        self._advance(self.size)
        self._ink(self.size, bold=False)
        self.canvas.drawString(self.margin, self.y, words)

    def pair(self, left: str, right: str, *, size: float = 0, bold: bool = False, hand: bool = False) -> None:
        size = size or self.size
        self._advance(size)
        self._ink(size, bold=bold)
        self.canvas.drawString(self.margin, self.y, left)
        if hand:
            self.canvas.setFont("Times-BoldItalic", size * 1.5)
            self.canvas.setFillColor("#1f3a8a")
        self.canvas.drawRightString(self.width - self.margin, self.y, right)

    def centre(self, words: str, *, size: float = 0, bold: bool = False, font: str = "") -> None:
        size = size or self.size
        self._advance(size)
        self._ink(size, bold=bold, font=font)
        self.canvas.drawCentredString(self.width / 2, self.y, words)

    def centre_all(self, lines: Iterable[str]) -> None:
        for words in lines:
            self.centre(words)

    def rule(self) -> None:
        self.gap(5)
        self.canvas.setDash(1.5, 1.5)
        self.canvas.line(self.margin, self.y, self.width - self.margin, self.y)
        self.canvas.setDash()
        self.gap(3)

    def gap(self, points: float) -> None:
        self.y -= points

    def barcode(self, digits: str) -> None:
        bars = Code128(digits, barHeight=11 * mm, barWidth=0.85)
        self.gap(14 * mm)
        bars.drawOn(self.canvas, (self.width - bars.width) / 2, self.y)
        self.centre(digits)

    def _advance(self, size: float) -> None:
        self.y -= size * 1.42

    def _ink(self, size: float, *, bold: bool, font: str = "") -> None:
        self.canvas.setFillColor(INK)
        self.canvas.setFont(font or ("Courier-Bold" if bold else "Courier"), size)
