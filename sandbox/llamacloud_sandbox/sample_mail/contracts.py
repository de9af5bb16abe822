"""Contracts: a long services agreement with numbered clauses, and a two-page NDA."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.paper import (
    LETTER,
    KeepTogether,
    Leaf,
    PageBreak,
    Signature,
    Spacer,
    grid,
    hue,
    mm,
    text,
    typeset,
)

GREY = hue("#555555")

SERVICES = [
    ("Definitions", [
        '"Deliverables" means the reports, software, drawings and other materials described in a Statement of Work.',
        '"Statement of Work" means a document signed by both parties that refers to this Agreement and describes Services.',
        '"Background Materials" means anything a party owned or developed before, or independently of, this Agreement.',
    ]),
    ("Services", [
        "The Provider shall perform the Services with the skill and care to be expected of an experienced supplier of such "
        "services, and in accordance with the timetable in each Statement of Work.",
        "The Client shall give the Provider such access, information and decisions as the Provider reasonably requires. Delay "
        "caused by the Client extends the Provider's dates by the same time.",
        "Neither party may change a Statement of Work except by a change note signed by both parties.",
    ]),
    ("Personnel", [
        "The Provider shall assign suitably qualified personnel and shall not replace the key personnel named in a Statement "
        "of Work without the Client's consent, which shall not be unreasonably withheld.",
        "Nothing in this Agreement creates a relationship of employer and employee between the Client and such personnel.",
    ]),
    ("Fees and expenses", [
        "The Client shall pay the fees set out in each Statement of Work. Unless it states otherwise, fees fall due monthly in "
        "arrears, thirty days after the Client has received a proper statement of the time worked.",
        "Expenses are reimbursed at cost where approved in writing beforehand.",
        "Undisputed amounts that are overdue bear interest at two per cent a year above the base rate.",
    ]),
    ("Intellectual property", [
        "Rights in the Deliverables pass to the Client upon payment in full. Each party keeps its Background Materials.",
        "The Provider grants the Client a perpetual, non-exclusive licence of Background Materials embedded in a Deliverable, "
        "to the extent needed to use that Deliverable.",
    ]),
    ("Confidentiality", [
        "Each party shall keep the other's confidential information secret, use it only for the purposes of this Agreement, "
        "and disclose it only to those who need to know it and are bound by like obligations.",
        "These obligations do not apply to information that is or becomes public other than by breach, or that must be "
        "disclosed by law, and they survive termination for five years.",
    ]),
    ("Data protection", [
        "Where the Provider processes personal data for the Client it shall do so only on documented instructions, keep it "
        "secure, assist with requests of data subjects, and return or erase it when the Services end.",
    ]),
    ("Warranties", [
        "Each party warrants that it has the authority to enter into this Agreement.",
        "The Provider warrants that for ninety days from acceptance each Deliverable will conform in all material respects to "
        "its description, and shall correct at its own cost any that does not.",
    ]),
    ("Limitation of liability", [
        "Nothing limits liability for fraud, or for death or personal injury caused by negligence.",
        "Subject to that, neither party is liable for loss of profit or for indirect loss, and the total liability of each "
        "party in any year is limited to the fees payable in that year.",
    ]),
    ("Term and termination", [
        "This Agreement begins on the Effective Date and continues for twenty-four months, and thereafter until ended by "
        "either party on ninety days' written notice.",
        "Either party may terminate at once if the other commits a material breach and does not remedy it within thirty days "
        "of notice, or becomes insolvent.",
        "On termination the Provider shall hand over work in progress and the Client shall pay for it.",
    ]),
    ("General", [
        "This Agreement with its Statements of Work is the entire agreement between the parties and replaces all earlier "
        "understandings. If a provision is found unenforceable the rest remains in force.",
        "Neither party may assign this Agreement without consent. Notices shall be in writing and sent to the addresses above.",
        "Neither party is in breach for delay caused by events beyond its reasonable control.",
        "This Agreement is governed by the laws of England and Wales, whose courts have exclusive jurisdiction.",
    ]),
]  # fmt: skip

NDA = [
    ("Purpose", "The parties wish to explore a possible joint development of a battery monitoring product (the \"Purpose\") and "
     "in doing so may disclose to each other information that is confidential."),
    ("Confidential Information", "\"Confidential Information\" means all non-public information disclosed by one party (the "
     "\"Discloser\") to the other (the \"Recipient\"), in any form, that is marked confidential or that a reasonable person would "
     "understand to be confidential, including designs, source code, prices, forecasts and the fact that the parties are "
     "in discussion."),
    ("Obligations of the Recipient", "The Recipient shall (a) use Confidential Information only for the Purpose; (b) protect it "
     "with no less than reasonable care; (c) disclose it only to employees and advisers who need to know it for the "
     "Purpose and are bound in writing by terms no less protective; and (d) not reverse engineer any sample."),
    ("Exclusions", "These obligations do not apply to information that the Recipient can show was public, was already known to "
     "it, was received from a third party free to disclose it, or was developed independently."),
    ("Compelled disclosure", "If the Recipient is required by law or court order to disclose Confidential Information it shall, "
     "where lawful, give prompt notice to the Discloser and disclose only what is required."),
    ("Return of materials", "Upon request the Recipient shall return or destroy all Confidential Information and confirm in "
     "writing that it has done so, save for one archival copy kept by its legal counsel."),
    ("No licence; no warranty", "No licence or other right is granted by this Agreement. Confidential Information is provided "
     "as is. Neither party is obliged to enter into any further agreement."),
    ("Term", "This Agreement takes effect on the date of the last signature. Disclosures may be made for two years; the "
     "obligations of confidentiality continue for five years after each disclosure."),
    ("Remedies", "The parties agree that damages may not be an adequate remedy for breach and that injunctive relief may be "
     "sought in addition to any other remedy."),
    ("Governing law", "This Agreement is governed by the laws of the State of Oregon, without regard to conflict of laws "
     "principles. It may be signed in counterparts and may be amended only in a writing signed by both parties."),
]  # fmt: skip

SCHEDULE = [
    ("Services", "Hydraulic survey of the Upper Weir trunk main (14 km), with a model calibrated against measured flows."),
    ("Deliverables", "1. Survey report.  2. Calibrated network model and its data.  3. Training of two members of Client staff."),
    ("Key personnel", "Oswin Penn (project director), Amara Diallo (lead hydraulic engineer)."),
    ("Timetable", "Start 1 June 2026. Report by 28 August 2026. Model and training by 30 September 2026."),
    ("Fees", "Time charged at the day rates agreed in writing, not to exceed 68,400 pounds without a change note."),
    ("Acceptance", "A Deliverable is accepted when the Client confirms it in writing, or fourteen days after it was handed "
     "over if the Client has named no material defect."),
]  # fmt: skip


def services_agreement() -> bytes:
    """A master services agreement: cover sheet, numbered clauses, signature page."""
    return typeset(
        _services_story,
        title="Master Services Agreement",
        author="Aldridge & Penn Engineering LLP",
        margins=(25, 26, 25, 26),
        furniture=_services_foot,
    )


def _services_foot(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFont("Times-Italic", 8.5)
    canvas.setFillColor(GREY)
    canvas.drawString(26 * mm, 14 * mm, "Master Services Agreement  ·  MSA-2026-019  ·  Confidential")
    canvas.drawRightString(leaf.width - 26 * mm, 14 * mm, f"Page {leaf.number} of {leaf.of}")
    if leaf.number == leaf.of:
        return
    canvas.drawRightString(leaf.width - 26 * mm, 19 * mm, "Initials  ______   ______")


def _services_story() -> list[Any]:
    font = "Times-Roman"
    story = [
        text("MASTER SERVICES AGREEMENT", 17, font="Times-Bold", align="center", before=20, after=20),
        text("This Agreement is made on 4 May 2026 (the \"Effective Date\") between", 11.5, font=font, after=8),
        text(
            "(1) <b>Aldridge &amp; Penn Engineering LLP</b>, a limited liability partnership whose registered office is at "
            "9 Foundry Court, Carrow LS1 0AA (the \"Provider\"); and",
            11.5, font=font, indent=18, after=6,
        ),
        text(
            "(2) <b>Meridian Water Services Ltd</b>, a company whose registered office is at Reservoir House, Upper Weir, "
            "Saltby HU4 0BB (the \"Client\"),",
            11.5, font=font, indent=18, after=6,
        ),
        text("each a \"party\". The parties agree as follows.", 11.5, font=font, after=8),
    ]  # fmt: skip
    for number, (heading, clauses) in enumerate(SERVICES, 1):
        story.append(text(f"{number}.  {heading.upper()}", 11.5, font="Times-Bold", before=9, after=4, heads=True))
        for at, clause in enumerate(clauses, 1):
            story.append(
                text(f"{number}.{at}  {clause}", 11.5, font=font, align="justify", indent=18, after=4, leading=16.5)
            )
    parties = ["Aldridge & Penn Engineering LLP", "Meridian Water Services Ltd"]
    names = ["Oswin Penn, Partner", "Leila Haddad, Director"]
    return [*story, Spacer(1, 8 * mm), _signatures(parties, names, ["openn", "lhaddad"]), PageBreak(), *_schedule()]


def _schedule() -> list[Any]:
    """The first Statement of Work, on a page of its own."""
    rows = [
        [text(f"<b>{name}</b>", 11, font="Times-Roman"), text(words, 11, font="Times-Roman")]
        for name, words in SCHEDULE
    ]
    return [
        text("SCHEDULE 1", 13, font="Times-Bold", align="center", before=10, after=6),
        text("Statement of Work no. 1", 12, font="Times-Italic", align="center", after=16),
        grid(rows, [42, 116], ("GRID", (0, 0), (-1, -1), 0.5, GREY), ("BOTTOMPADDING", (0, 0), (-1, -1), 8)),
    ]


def nda() -> bytes:
    """A mutual non-disclosure agreement on two pages of US letter."""
    return typeset(
        _nda_story,
        title="Mutual Non-Disclosure Agreement",
        author="Fernhill Analytics LLC",
        size=LETTER,
        margins=(25, 28, 24, 28),
        furniture=_nda_foot,
    )


def _nda_foot(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(GREY)
    canvas.drawCentredString(leaf.width / 2, 13 * mm, f"Mutual NDA  -  {leaf.number} / {leaf.of}")


def _nda_story() -> list[Any]:
    story = [
        text("MUTUAL NON-DISCLOSURE AGREEMENT", 14, font="Helvetica-Bold", after=14),
        text(
            "This Mutual Non-Disclosure Agreement (the \"Agreement\") is entered into between <b>Fernhill Analytics LLC</b>, 1180 "
            "Dock Street, Tacoma, WA 98400, and <b>Voltane Cells Corp.</b>, 22 Foundry Loop, Lakeport, OR 97000 (each a "
            "\"Party\" and together the \"Parties\").",
            11, leading=17.5, after=8,
        ),
    ]  # fmt: skip
    for number, (heading, clause) in enumerate(NDA, 1):
        story.append(text(f"<b>{number}. {heading}.</b> {clause}", 11, leading=17.5, align="justify", after=9))
    story += [
        text(
            "IN WITNESS WHEREOF the Parties have executed this Agreement by their authorized representatives.",
            11,
            leading=17.5,
            after=14,
        )
    ]
    names = ["Priya Raman, COO, May 6, 2026", "Desmond Achebe, CEO, May 8, 2026"]
    return [*story, _signatures(["Fernhill Analytics LLC", "Voltane Cells Corp."], names, ["praman", "dachebe"])]


def _signatures(parties: list[str], names: list[str], scrawls: list[str]) -> Any:
    """Two signature blocks side by side, kept on one page."""
    lines = [
        [text(f"<b>Signed for {parties[0].replace('&', '&amp;')}</b>"), "", text(f"<b>Signed for {parties[1]}</b>")],
        [Signature(scrawls[0]), "", Signature(scrawls[1])],
        [text(names[0], 9), "", text(names[1], 9)],
    ]
    looks = [("LINEABOVE", (column, 2), (column, 2), 0.6, GREY) for column in (0, 2)]
    return KeepTogether([grid(lines, [74, 8, 74], *looks, ("LEFTPADDING", (0, 0), (-1, -1), 0))])
