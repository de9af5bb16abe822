"""Mail that makes trouble: fits no rule, fits several, is locked, is no PDF at all."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from io import BytesIO
from typing import Any

import pikepdf
from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money
from llamacloud_sandbox.sample_mail.paper import Leaf, Signature, Spacer, grid, hue, mm, text, typeset

BROWN, SLATE, GREY, RULE = hue("#6f4518"), hue("#334155"), hue("#64748b"), hue("#cbd5e1")

# The password of `locked-payslip.pdf`, printed in samples/README.md: a sample must be openable to be checked.
PASSWORD = "open-sesame"

INGREDIENTS = [
    "500 g strong bread flour", "150 g rye flour", "450 ml lukewarm water", "120 g sourdough starter, lively",
    "12 g sea salt", "150 g walnuts, lightly toasted", "1 tbsp dark honey",
]  # fmt: skip

METHOD = [
    "In the evening, stir the starter into the water with the honey. Add both flours and mix with a wet hand until no dry "
    "patches are left. Cover and let it rest for forty minutes.",
    "Sprinkle over the salt and squeeze it through the dough. Fold the dough over itself from four sides, and repeat "
    "every half hour for two hours. Work in the walnuts at the second fold.",
    "Shape into a round, turn it seam side up into a floured basket, and leave it in a cool place overnight.",
    "Heat the oven to 240 °C with a heavy pot inside. Tip the loaf into the hot pot, slash the crust, and bake for 25 "
    "minutes with the lid on and 20 without, until it is a deep chestnut brown and sounds hollow.",
    "Let it cool for at least an hour. It will be hard to wait.",
]

QUOTE = [
    ("Oak staircase, 13 steps, as drawing 4C", 1, 684000),
    ("Balustrade, steel and glass", 1, 231000),
    ("Fitting, two joiners, four days", 1, 192000),
]

LOGIN_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Session expired - Pinebrook Online</title></head>
<body>
<h1>Your session has expired</h1>
<p>For your security you have been signed out after ten minutes. The document <b>statement-june-2026.pdf</b>
could not be downloaded. Please sign in and try again.</p>
<form action="https://online.pinebrook.example.com/login" method="post">
<label>Customer number <input name="customer"></label>
<button>Sign in</button>
</form>
</body>
</html>
"""


def recipe() -> bytes:
    """A recipe: well made, plainly readable, and no business of any route."""
    return typeset(
        _recipe_story, title="Walnut bread", author="Aunt Solveig", margins=(24, 30, 20, 30), furniture=_recipe_border
    )


def _recipe_border(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setStrokeColor(BROWN)
    canvas.setLineWidth(1.2)
    canvas.roundRect(14 * mm, 14 * mm, leaf.width - 28 * mm, leaf.height - 28 * mm, 6 * mm, stroke=1, fill=0)
    canvas.setLineWidth(0.4)
    canvas.roundRect(16 * mm, 16 * mm, leaf.width - 32 * mm, leaf.height - 32 * mm, 5 * mm, stroke=1, fill=0)


def _recipe_story() -> list[Any]:
    font = "Times-Roman"
    return [
        text("Walnut Bread", 30, font="Times-BoldItalic", color=BROWN, align="center", before=10, after=22),
        text(
            "Makes one large loaf. Begin the evening before.",
            12,
            font="Times-Italic",
            align="center",
            color=GREY,
            after=22,
        ),
        text("You need", 15, font="Times-Bold", color=BROWN, after=6),
        *[text(f"•  {words}", 12, font=font, indent=8, after=2) for words in INGREDIENTS],
        text("How it is done", 15, font="Times-Bold", color=BROWN, before=16, after=6),
        *[
            text(f"{at}.  {words}", 12, font=font, leading=17, align="justify", after=7)
            for at, words in enumerate(METHOD, 1)
        ],
        text(
            "Good with blue cheese and a ripe pear. Keeps for five days in a linen bag.",
            12,
            font="Times-Italic",
            before=14,
            color=GREY,
        ),
    ]


def ambiguous() -> bytes:
    """A letter that is half a pro-forma invoice and, once countersigned, a contract and an order."""
    return typeset(
        _ambiguous_story,
        title="Your staircase",
        author="Rowan & Daughter Joinery",
        margins=(22, 24, 20, 24),
    )


def _ambiguous_story() -> list[Any]:
    total = sum(count * price for _, count, price in QUOTE)
    rows = [[words, str(count), money(count * price, "gb")] for words, count, price in QUOTE]
    rows += [["Total including VAT", "", money(total, "gb")]]
    return [
        text("Rowan &amp; Daughter Joinery", 17, font="Times-Bold", color=SLATE, after=10),
        text("The Old Creamery, Ashby AS1 0BB  ·  hello@rowanjoinery.example.com", 9, color=GREY, after=14),
        text("12 May 2026", after=10),
        text("Mr and Mrs Halloran<br/>Mill House<br/>Upper Weir", after=12),
        text("Dear Mr and Mrs Halloran,", after=8),
        text(
            "Thank you for your kind letter, and for showing us the house last week. It was a pleasure to see the old beams. As "
            "we said over tea, we would love to build the staircase for you, and here is what we would do and what it would cost.",
            leading=14, after=8,
        ),
        text("<b>Pro-forma, quotation no. Q-331</b> (not a tax invoice; no payment is due yet)", after=4),
        grid(
            rows, [105, 15, 35], ("GRID", (0, 0), (-1, -1), 0.5, RULE), ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ("FONTNAME", (0, -1), (-1, -1), "Helvetica-Bold"),
        ),
        Spacer(1, 5 * mm),
        text(
            "If you are happy with this, please sign below and send one copy back; it is then both your order and our agreement. "
            "A deposit of 40 percent falls due on signature, for which we shall send a proper invoice, and the balance on "
            "completion. Either party may withdraw within fourteen days. We guarantee the work for ten years, fair wear excepted.",
            leading=14, after=8,
        ),
        text("We could begin in the second week of July. Our regards to the dog.", after=8),
        text("With kind regards,"),
        Signature("jrowan", 1.2),
        text("Juniper Rowan", after=22),
        grid(
            [["Accepted and agreed", "Date"], ["", ""]], [105, 50], ("BOX", (0, 0), (-1, -1), 0.5, RULE),
            ("INNERGRID", (0, 0), (-1, -1), 0.5, RULE), ("TEXTCOLOR", (0, 0), (-1, 0), GREY), ("FONTSIZE", (0, 0), (-1, 0), 8),
            ("BOTTOMPADDING", (0, 1), (-1, 1), 14),
        ),
    ]  # fmt: skip


def locked() -> bytes:
    """A payslip that opens only with its user password.

    RC4 with a fixed file id, because every AES writer draws a random vector and no two runs would agree.
    """
    buffer = BytesIO()
    lock = pikepdf.Encryption(user=PASSWORD, owner=PASSWORD + "-owner", R=3, aes=False, metadata=False)
    with pikepdf.open(BytesIO(_payslip())) as pdf:
        pdf.save(buffer, encryption=lock, static_id=True, compress_streams=False)
    return buffer.getvalue()


def _payslip() -> bytes:
    lines = [("Basic pay", 362500), ("Income tax", -43270), ("National Insurance", -20593), ("Pension 5%", -18125)]
    rows = [[words, money(cents, "gb")] for words, cents in lines] + [
        ["Net pay", money(sum(c for _, c in lines), "gb")]
    ]
    looks = ("ALIGN", (1, 0), (1, -1), "RIGHT"), ("LINEABOVE", (0, -1), (-1, -1), 1, SLATE)
    story = [
        text("Payslip, May 2026", 18, font="Helvetica-Bold", after=16),
        text("Whitcombe &amp; Bray Ltd<br/>Employee: Imogen Tallis, no. 1177", after=14),
    ]
    return typeset(lambda: [*story, grid(rows, [80, 40], *looks)], title="Payslip", author="Whitcombe & Bray Ltd")


def not_a_pdf() -> bytes:
    """The log-in page that a careless downloader saved under the name of a PDF."""
    return LOGIN_PAGE.encode()
