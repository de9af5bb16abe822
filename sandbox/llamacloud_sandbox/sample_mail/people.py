"""What people write: a résumé in two columns, a complaint, a cover letter."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.paper import LETTER, Leaf, Signature, Spacer, grid, hue, mm, text, typeset

PLUM, GREY, PALE = hue("#5b2a56"), hue("#5f6368"), hue("#f3edf3")

JOBS = [
    ("Senior Data Engineer", "Meridian Water Services, Saltby", "2022 - present", [
        "Led a team of four that moved 140 nightly batch jobs to event-driven pipelines; cut leak detection from two days to 40 minutes.",
        "Designed the sensor data model now used by 11 regional depots.",
        "Introduced contract tests between producers and consumers; incidents fell by 60 percent in a year.",
    ]),
    ("Data Engineer", "Orchard Lane Homewares, Derby", "2018 - 2022", [
        "Built the demand forecast that feeds weekly replenishment for 74 stores.",
        "Replaced hand-kept spreadsheets with a tested reporting warehouse on PostgreSQL and dbt.",
    ]),
    ("Junior Developer", "Tidewell Software, Carrow", "2015 - 2018", [
        "Maintained a Django booking system with 30,000 monthly users.",
        "Wrote the import tool for three acquired competitors' customer data.",
    ]),
]  # fmt: skip

COMPLAINT = [
    "I am writing to complain about the dishwasher that was delivered to my home on 22 April, and about the way your "
    "service team has dealt with me since.",
    "The machine leaked during its very first cycle and has done so every time since. I called your helpline the same "
    "day and was promised that an engineer would come on 27 April. I took an unpaid day off work; nobody came and nobody "
    "called. A second visit was arranged for 5 May. The engineer arrived three hours late, told me that the door seal "
    "had been fitted the wrong way round at the factory, and left without mending it because he carried no spare.",
    "It is now more than three weeks since delivery. The kitchen floor is beginning to lift, I have spoken to six "
    "different people, and I have had to explain everything from the beginning each time. I find this very "
    "disappointing from a firm which I have recommended to friends for years.",
    "I should like you to collect the machine, to refund the price in full, and to pay for the repair of the floor. I "
    "enclose photographs. If I have not heard from you within fourteen days I shall take the matter to the ombudsman.",
]

COVER = [
    "I am writing to apply for the post of Head of Data at Fernhill Analytics, which I saw advertised on 2 May. I have "
    "followed your work on grid storage since your open report on cell ageing, which my own team still quotes.",
    "For the past four years I have led the data engineering team at Meridian Water Services. What I enjoy most there is "
    "what your advertisement describes: sitting between the people who run the plant and the people who write the "
    "software, and making sure that each understands what the other needs. We went from a nightly report that nobody "
    "trusted to alerts that the depots ask for.",
    "I would bring a liking for small, boring, well-tested systems, and experience in growing a team without losing its "
    "good humour. I would be glad to learn the chemistry.",
    "My résumé is enclosed. I could start in September, and would be happy to travel to Tacoma to meet you at any time "
    "in June. Thank you for your consideration.",
]


def resume() -> bytes:
    """A résumé: a coloured side column, experience, education, skills."""
    return typeset(
        _resume_story,
        title="Resume of Mara Ellingsen",
        author="Mara Ellingsen",
        margins=(20, 16, 16, 74),
        furniture=_resume_side,
    )


def _resume_side(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(PALE)
    canvas.rect(0, 0, 64 * mm, leaf.height, stroke=0, fill=1)
    canvas.setFillColor(PLUM)
    canvas.circle(32 * mm, leaf.height - 38 * mm, 17 * mm, stroke=0, fill=1)
    canvas.setFillColor(hue("#ffffff"))
    canvas.setFont("Times-Roman", 34)
    canvas.drawCentredString(32 * mm, leaf.height - 42 * mm, "ME")
    blocks = [
        (
            "Contact",
            ["mara.ellingsen@example.com", "+44 1632 960 233", "Carrow, United Kingdom", "mara-ellingsen.example.com"],
        ),
        ("Skills", ["Python, SQL, Rust", "Kafka, PostgreSQL, dbt", "AWS, Terraform", "Data modelling", "Mentoring"]),
        ("Languages", ["English, Norwegian (native)", "German (working)"]),
        ("Certificates", ["AWS Data Engineer, 2024", "Scrum Master, 2020"]),
        ("Interests", ["Fell running", "Restoring radios"]),
    ]
    y = leaf.height - 72 * mm
    for heading, lines in blocks:
        canvas.setFillColor(PLUM)
        canvas.setFont("Helvetica-Bold", 10)
        canvas.drawString(10 * mm, y, heading.upper())
        canvas.setFillColor(GREY)
        canvas.setFont("Helvetica", 9)
        for line in lines:
            y -= 14
            canvas.drawString(10 * mm, y, line)
        y -= 28


def _resume_story() -> list[Any]:
    story = [
        text("Mara Ellingsen", 26, font="Times-Roman", color=PLUM, after=10),
        text("Senior Data Engineer", 12, color=GREY, after=14),
        text("PROFILE", 10.5, font="Helvetica-Bold", color=PLUM, after=4),
        text(
            "Data engineer with eleven years' experience in utilities and retail. Builds dependable pipelines, and teams that "
            "can be left alone with them. Looking for a role that leads both.",
            after=10,
        ),
        text("WORK EXPERIENCE", 10.5, font="Helvetica-Bold", color=PLUM, before=4, after=4),
    ]
    for role, employer, years, deeds in JOBS:
        story.append(text(f"<b>{role}</b>", 10.5, before=6))
        story.append(text(f"{employer}  ·  {years}", 9, color=GREY, after=3))
        story += [text(f"•  {deed}", indent=8, after=2.5) for deed in deeds]
    return [
        *story,
        text("EDUCATION", 10.5, font="Helvetica-Bold", color=PLUM, before=14, after=4),
        text("<b>MSc Computer Science</b>, University of Carrow, 2015, with distinction", after=3),
        text("<b>BSc Mathematics</b>, University of Carrow, 2013", after=3),
        text("TALKS AND WRITING", 10.5, font="Helvetica-Bold", color=PLUM, before=14, after=4),
        text("“The queue is a doorbell”, Northern Data Meetup, 2025", after=3),
        text("“Leaks, literally: anomaly detection in pipes”, Utility Tech Days, 2023", after=3),
        text("REFERENCES", 10.5, font="Helvetica-Bold", color=PLUM, before=14, after=4),
        text("Available upon request."),
    ]


def complaint() -> bytes:
    """A letter of complaint, typed at home in a plain face."""
    return typeset(
        _complaint_story,
        title="Letter of complaint",
        author="Edith Marlowe",
        margins=(25, 28, 25, 28),
    )


def _complaint_story() -> list[Any]:
    font = "Courier"
    sender = "Edith Marlowe<br/>14 Pump Lane<br/>Ashby<br/>AS4 0QQ<br/>edith.marlowe@example.com<br/><br/>15 May 2026"
    return [
        text(sender, 10.5, font=font, indent=84 * mm, after=22),
        text(
            "The Customer Relations Manager<br/>Lantern Electricals Ltd<br/>60 High Street<br/>Carrow LS1 6PP",
            10.5,
            font=font,
            after=22,
        ),
        text("Dear Sir or Madam,", 10.5, font=font, after=12),
        text("Complaint about dishwasher model LX-40, delivered 22 April", 10.5, font="Courier-Bold", after=12),
        *[text(words, 10.5, font=font, after=10) for words in COMPLAINT],
        text("Yours faithfully,", 10.5, font=font, before=4, after=4),
        Signature("emarlowe", 1.5),
        text("Edith Marlowe (Mrs)", 10.5, font=font),
    ]


def cover_letter() -> bytes:
    """A cover letter for an application, on US letter."""
    return typeset(
        _cover_story,
        title="Cover letter",
        author="Mara Ellingsen",
        size=LETTER,
        margins=(24, 30, 24, 30),
    )


def _cover_story() -> list[Any]:
    font = "Times-Roman"
    return [
        text("Mara Ellingsen", 22, font=font, color=PLUM, after=8),
        text(
            "Carrow, United Kingdom  ·  +44 1632 960 233  ·  mara.ellingsen@example.com",
            10,
            font=font,
            color=GREY,
            after=4,
        ),
        grid([[""]], [155], ("LINEABOVE", (0, 0), (-1, -1), 1, PLUM)),
        Spacer(1, 6 * mm),
        text("May 11, 2026", 11, font=font, after=14),
        text(
            "Priya Raman<br/>Chief Operating Officer<br/>Fernhill Analytics LLC<br/>1180 Dock Street, Tacoma, WA 98400",
            11,
            font=font,
            after=16,
        ),
        text("Dear Ms. Raman,", 11, font=font, after=10),
        *[text(words, 11, font=font, align="justify", leading=16, after=10) for words in COVER],
        text("Yours sincerely,", 11, font=font, before=6, after=4),
        Signature("mara", 1.5),
        text("Mara Ellingsen", 11, font=font),
    ]
