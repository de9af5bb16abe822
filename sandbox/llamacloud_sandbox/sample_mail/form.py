"""A claim form with real AcroForm fields, filled in."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.paper import A4, hue, mm, open_canvas, sign

BLUE, PALE, GREY = hue("#12447a"), hue("#eef4fb"), hue("#5f6368")
LEFT: float = 18 * mm
RIGHT: float = A4[0] - 18 * mm
TOP: float = A4[1]

# section -> rows of (label, field name, value, width as a share of the line)
SECTIONS: list[tuple[str, list[list[tuple[str, str, str, float]]]]] = [
    ("1. About you", [
        [("Full name", "name", "Rosalind Achterberg", 0.6), ("Date of birth", "birth", "03/11/1984", 0.4)],
        [("Address", "address", "7 Weavers Row, Ashby AS2 0KK", 0.6), ("Telephone", "phone", "01632 960 377", 0.4)],
        [("E-mail", "email", "r.achterberg@example.com", 0.6), ("Policy number", "policy", "SHL-HC-0048213", 0.4)],
    ]),
    ("2. What happened", [
        [("Date of incident", "date", "02/05/2026", 0.3), ("Time", "time", "about 06:30", 0.25), ("Place", "place", "Kitchen", 0.45)],
    ]),
    ("3. What is claimed for", [
        [("Item", "item1", "Oak laminate floor, 11 sq m", 0.6), ("Bought", "bought1", "2021", 0.15), ("Value", "value1", "640.00", 0.25)],
        [("Item", "item2", "Base units, plinths (2)", 0.6), ("Bought", "bought2", "2019", 0.15), ("Value", "value2", "310.00", 0.25)],
        [("Item", "item3", "Rug, wool", 0.6), ("Bought", "bought3", "2023", 0.15), ("Value", "value3", "185.00", 0.25)],
    ]),
]  # fmt: skip

STORY = (
    "A pipe under the sink burst while we were away for the weekend. The water stood in the kitchen\n"
    "when we came home on Sunday. I turned off the stopcock and called a plumber (report enclosed)."
)

TICKS = [
    ("escape", "Escape of water", True),
    ("fire", "Fire", False),
    ("theft", "Theft", False),
    ("storm", "Storm", False),
    ("other", "Other", False),
]


def claim_form() -> bytes:
    """A household insurance claim form, one page, every field with a value of its own."""
    canvas, buffer = open_canvas(A4, "Household insurance claim form", "Shoreline Insurance")
    y = _head(canvas)
    for heading, rows in SECTIONS:
        y = _section(canvas, y, heading)
        if heading.startswith("2"):
            y = _ticks(canvas, y)
        for row in rows:
            y = _row(canvas, y, row)
        if heading.startswith("2"):
            y = _story(canvas, y)
    _declaration(canvas, _section(canvas, y, "4. Declaration"))
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _head(canvas: Canvas) -> float:
    canvas.setFillColor(BLUE)
    canvas.rect(0, TOP - 30 * mm, A4[0], 30 * mm, stroke=0, fill=1)
    canvas.setFillColor(hue("#ffffff"))
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(LEFT, TOP - 16 * mm, "Household insurance claim form")
    canvas.setFont("Helvetica", 9)
    canvas.drawString(
        LEFT,
        TOP - 22.5 * mm,
        "Shoreline Insurance  ·  Claims, PO Box 77, Saltby HU9 0ZZ  ·  claims@shoreline.example.com",
    )
    canvas.drawRightString(RIGHT, TOP - 16 * mm, "Form HC-12 (2026)")
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica-Oblique", 8.5)
    canvas.drawString(
        LEFT,
        TOP - 37 * mm,
        "Please complete every field of this form in block letters or on screen, tick the boxes that apply, sign and return it.",
    )
    return TOP - 42 * mm


def _section(canvas: Canvas, y: float, heading: str) -> float:
    canvas.setFillColor(BLUE)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawString(LEFT, y - 6 * mm, heading)
    canvas.setStrokeColor(BLUE)
    canvas.setLineWidth(0.8)
    canvas.line(LEFT, y - 8 * mm, RIGHT, y - 8 * mm)
    return y - 10 * mm


def _row(canvas: Canvas, y: float, cells: list[tuple[str, str, str, float]]) -> float:
    x = LEFT
    for label, name, value, share in cells:
        width = (RIGHT - LEFT) * share
        _label(canvas, x, y - 4 * mm, label)
        _field(canvas, name, value, label, x, y - 11.5 * mm, width - 3 * mm)
        x += width
    return y - 14.5 * mm


def _ticks(canvas: Canvas, y: float) -> float:
    _label(canvas, LEFT, y - 4 * mm, "Cause (tick one)")
    for step, (name, label, ticked) in enumerate(TICKS):
        x = LEFT + step * 35 * mm
        canvas.acroForm.checkbox(
            name=f"cause_{name}", tooltip=label, checked=ticked, buttonStyle="cross", size=11, x=x, y=y - 10 * mm,
            borderColor=GREY, fillColor=PALE, textColor=hue("#000000"), borderWidth=0.7, forceBorder=True,
        )  # fmt: skip
        canvas.setFillColor(hue("#222222"))
        canvas.setFont("Helvetica", 9)
        canvas.drawString(x + 5.5 * mm, y - 9 * mm, label)
    return y - 13 * mm


def _story(canvas: Canvas, y: float) -> float:
    _label(canvas, LEFT, y - 4 * mm, "Describe in your own words what happened")
    _field(canvas, "story", STORY, "What happened", LEFT, y - 24 * mm, RIGHT - LEFT - 3 * mm, 19 * mm, "multiline")
    return y - 27 * mm


def _declaration(canvas: Canvas, y: float) -> None:
    canvas.setFillColor(hue("#222222"))
    canvas.setFont("Helvetica", 9)
    words = "I declare that the details given on this form are true and complete to the best of my knowledge."
    canvas.drawString(LEFT, y - 4 * mm, words)
    sign(canvas, LEFT + 4 * mm, y - 17 * mm, "rachterb", 1.1)
    canvas.setStrokeColor(GREY)
    canvas.line(LEFT, y - 19 * mm, LEFT + 90 * mm, y - 19 * mm)
    _label(canvas, LEFT, y - 22.5 * mm, "Signature of applicant")
    _label(canvas, LEFT + 110 * mm, y - 8 * mm, "Date")
    _field(canvas, "signed", "06/05/2026", "Date of signature", LEFT + 110 * mm, y - 18 * mm, 40 * mm)
    canvas.setFillColor(PALE)
    canvas.rect(LEFT, y - 40 * mm, RIGHT - LEFT, 13 * mm, stroke=0, fill=1)
    _label(canvas, LEFT + 3 * mm, y - 31.5 * mm, "FOR OFFICE USE ONLY")
    canvas.drawString(
        LEFT + 3 * mm,
        y - 37 * mm,
        "Claim no.  ____________     Received  ____________     Handler  ____________     Excess  ____________",
    )


def _label(canvas: Canvas, x: float, y: float, words: str) -> None:
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica", 8)
    canvas.drawString(x, y, words)


def _field(
    canvas: Canvas,
    name: str,
    value: str,
    tooltip: str,
    x: float,
    y: float,
    width: float,
    height: float = 6.5 * mm,
    flags: Any = "",
) -> None:
    canvas.acroForm.textfield(
        name=name, value=value, tooltip=tooltip, x=x, y=y, width=width, height=height, fieldFlags=flags, fontName="Helvetica",
        fontSize=9.5, borderColor=GREY, fillColor=PALE, textColor=hue("#000000"), borderWidth=0.6, forceBorder=True, maxlen=400,
    )  # fmt: skip
