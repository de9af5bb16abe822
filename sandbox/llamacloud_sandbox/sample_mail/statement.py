"""A bank statement: three pages of transactions whose running balance adds up."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money
from llamacloud_sandbox.sample_mail.paper import Leaf, Spacer, grid, hue, mm, text, typeset

PINE, GREY, PALE = hue("#0f4c3a"), hue("#667085"), hue("#f1f6f4")
OPENING = 218344

# day of May | kind | details | cents
LEDGER = """
01|STO|Harrow Lettings, rent May|-98500
01|DD|Carrow City Council tax|-16200
01|CARD|Wren & Co Grocers|-4318
02|CARD|Platform Nine Coffee|-395
02|DD|Brightwater Utilities|-3844
03|CARD|Copper Lane Hardware|-2749
04|CARD|Wren & Co Grocers|-2210
04|CARD|Citybus top-up|-2000
05|DD|Fibrelink Broadband|-3100
05|FP|From T Okafor, tickets|6400
06|CARD|Petal & Stem Florist|-2850
06|CARD|Platform Nine Coffee|-395
07|CARD|Noodle Yard|-1890
07|CASH|Cash machine, Mercer Street|-5000
08|CARD|Wren & Co Grocers|-5172
08|DD|Meridian Water Services|-2915
09|CARD|Museum of Tides|-1400
09|CARD|Old Quay Bakery|-835
10|CARD|Northern Rail ticket|-6450
11|CARD|Old Quay Bakery|-610
11|CARD|Parcel Point|-745
12|DD|Evergrow Pension AVC|-12000
12|CARD|Wren & Co Grocers|-3966
12|CARD|Platform Nine Coffee|-395
13|FP|To S Lindqvist, dinner share|-2625
13|CARD|Bookbinder's Books|-1799
14|CARD|Wren & Co Grocers|-1540
14|CARD|Citybus top-up|-2000
15|BGC|Salary, Whitcombe & Bray Ltd|287642
15|FP|To savings account 0933|-40000
15|DD|Shoreline Insurance, contents|-1875
16|CARD|Copper Lane Hardware|-10268
16|CARD|Harbour Cinema|-2300
17|CARD|Old Quay Bakery|-1120
18|CARD|Wren & Co Grocers|-6235
18|CARD|Platform Nine Coffee|-395
19|DD|Mobile, Larkfone|-1400
19|CARD|Dr Patel Dental Practice|-6520
20|CARD|Noodle Yard|-2240
20|FP|From HMRC refund|11873
21|CARD|Citybus top-up|-2000
21|CARD|Wren & Co Grocers|-2871
22|CARD|Greenline Garden Centre|-4599
22|CASH|Cash machine, Saltby Pier|-4000
23|CARD|Saltby Pier Fish Bar|-1980
23|CARD|Seaview Guest House|-18400
24|CARD|Saltby Lifeboat Shop|-1250
25|DD|Carrow Leisure, membership|-3250
25|CARD|Wren & Co Grocers|-4780
26|CARD|Platform Nine Coffee|-395
26|CARD|Tailor & Mend|-2200
27|FP|From S Lindqvist, guest house|9200
27|CARD|Wren & Co Grocers|-1685
28|DD|Streamhouse subscription|-1099
28|CARD|Citybus top-up|-2000
29|CARD|Old Quay Bakery|-940
29|CARD|Lantern Electricals|-7900
30|CARD|Wren & Co Grocers|-5438
30|INT|Credit interest, gross|214
31|CARD|Noodle Yard|-1560
""".strip().splitlines()


def statement() -> bytes:
    """A current account statement for May: summary first, then every transaction."""
    return typeset(
        _story,
        title="Statement of account, May 2026",
        author="Pinebrook Bank",
        margins=(36, 18, 24, 18),
        furniture=_frame,
    )


def _frame(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(PINE)
    for step, height in enumerate((9, 13, 9)):
        x = (18 + step * 5) * mm
        tree = canvas.beginPath()
        tree.moveTo(x, leaf.height - 26 * mm)
        tree.lineTo(x + 3.5 * mm, leaf.height - (26 - height) * mm)
        tree.lineTo(x + 7 * mm, leaf.height - 26 * mm)
        canvas.drawPath(tree, stroke=0, fill=1)
    canvas.setFont("Helvetica-Bold", 17)
    canvas.drawString(40 * mm, leaf.height - 24 * mm, "Pinebrook Bank")
    canvas.setFont("Helvetica", 9)
    canvas.drawRightString(leaf.width - 18 * mm, leaf.height - 19 * mm, "Statement of account")
    canvas.drawRightString(leaf.width - 18 * mm, leaf.height - 24 * mm, f"Sheet {leaf.number} of {leaf.of}")
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica", 7.5)
    foot = (
        "Pinebrook Bank plc, 1 Exchange Row, Carrow. An invented bank, authorised by nobody. Lost card: 01632 960 000"
    )
    canvas.drawCentredString(leaf.width / 2, 13 * mm, foot)


def _story() -> list[Any]:
    rows, paid_in, paid_out = _transactions()
    summary = [
        ["Opening balance, 1 May 2026", money(OPENING, "gb")],
        ["Paid in", money(paid_in, "gb")],
        ["Paid out", money(paid_out, "gb")],
        ["Closing balance, 31 May 2026", money(OPENING + paid_in - paid_out, "gb")],
    ]
    holder = "Ms Imogen Tallis<br/>Flat 3, 88 Mercer Street<br/>Carrow<br/>LS2 8DF"
    account = "<b>Current account</b><br/>Sort code 00-00-00<br/>Account number 00612233<br/>IBAN GB00 PINE 0000 0000 6122 33<br/>"
    account += "Statement period 1 May to 31 May 2026<br/>Statement number 27"
    return [
        grid([[text(holder, 10), text(account, 9)]], [95, 79], ("LEFTPADDING", (0, 0), (0, 0), 0)),
        Spacer(1, 8 * mm),
        grid(
            summary,
            [60, 35],
            ("BACKGROUND", (0, 0), (-1, -1), PALE),
            ("ALIGN", (1, 0), (1, -1), "RIGHT"),
            ("FONTNAME", (0, -1), (-1, -1), "Helvetica-Bold"),
            ("LINEABOVE", (0, -1), (-1, -1), 0.8, PINE),
        ),
        Spacer(1, 8 * mm),
        text("<b>Your transactions</b>", 11, color=PINE, after=4),
        _table(rows),
        Spacer(1, 6 * mm),
        text(
            "CARD card payment. DD direct debit. STO standing order. FP faster payment. BGC bank giro credit. CASH cash "
            "withdrawal. INT interest. Please check your statement and tell us of anything you do not recognise.",
            8,
            color=GREY,
        ),
    ]


def _table(rows: list[list[Any]]) -> Any:
    """The transactions, their head repeated on every page."""
    return grid(
        rows,
        [18, 16, 72, 22, 22, 24],
        ("FONTSIZE", (0, 0), (-1, -1), 9),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("LINEBELOW", (0, 0), (-1, 0), 1, PINE),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, hue("#d8e2de")),
        ("ALIGN", (3, 0), (-1, -1), "RIGHT"),
        ("TOPPADDING", (0, 1), (-1, -1), 4.5),
        ("BOTTOMPADDING", (0, 1), (-1, -1), 4.5),
        repeat=1,
    )


def _transactions() -> tuple[list[list[str]], int, int]:
    """The table's rows with their running balance, and what came in and went out."""
    rows = [["Date", "Type", "Details", "Paid out", "Paid in", "Balance"]]
    balance, paid_in, paid_out = OPENING, 0, 0
    for entry in LEDGER:
        day, kind, details, amount = entry.split("|")
        cents = int(amount)
        balance += cents
        paid_in += max(cents, 0)
        paid_out += max(-cents, 0)
        out, into = (money(-cents, "bare"), "") if cents < 0 else ("", money(cents, "bare"))
        rows.append([f"{day} May", kind, details, out, into, money(balance, "bare")])
    return rows, paid_in, paid_out
