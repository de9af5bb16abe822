"""Mail in other languages: a German Rechnung, a French facture, a Spanish orden de compra."""

# ruff: noqa: E501 - the sentences of a letter are not broken to suit the code

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from llamacloud_sandbox.sample_mail.money import money, percent
from llamacloud_sandbox.sample_mail.paper import Leaf, Spacer, grid, hue, mm, text, typeset

WOOD, BLUE, RED, GREY, RULE = hue("#7a4a1e"), hue("#1e4fa3"), hue("#b3261e"), hue("#666666"), hue("#cccccc")

RECHNUNG = [
    ("Einbauschrank Eiche massiv, 3-türig, nach Aufmaß", "1 Stk.", 284000),
    ("Fensterbank Eiche geölt, 140 x 28 cm", "4 Stk.", 4 * 9650),
    ("Türblatt gekürzt und neu eingestellt", "2 Stk.", 2 * 4800),
    ("Montage vor Ort", "11,5 Std.", 11 * 5600 + 2800),
    ("Anfahrt, Zone 2", "2 x", 2 * 3500),
]

FACTURE = [
    ("Prise de vue studio, demi-journée", 2, 48000),
    ("Retouche et étalonnage, par image", 26, 1850),
    ("Location du fond cyclorama", 1, 16500),
    ("Cession de droits, web et presse, 2 ans", 1, 65000),
]

ORDEN = [
    ("TX-1140", "Tela de lino crudo, ancho 150 cm", "320 m", 1085),
    ("TX-2207", "Hilo de algodón mercerizado, cono 5000 m", "48 ud.", 1460),
    ("BT-0091", "Botón de corozo 18 mm, bolsa de 500", "12 ud.", 3925),
    ("EM-0030", "Caja de cartón reciclado 40 x 30 x 20", "400 ud.", 92),
]

ATELIER = "<font size=17><b>Atelier Lumière Douce</b></font><br/><br/>Photographie de produits<br/>8, quai des Tanneurs<br/>00390 Belleroche<br/>bonjour@lumieredouce.example.com"
QUEVILLY = "<b>Facturé à</b><br/>Maison Quévilly &amp; Fils<br/>Service comptabilité<br/>21, rue de l'Étoile<br/>00440 Saint-Aubry"

MIRASOL = "<b>CONFECCIONES MIRASOL S.L.</b><br/>Polígono El Olivar, nave 14<br/>00812 Villarrosa<br/>NIF B-00073300<br/>compras@mirasol.example.com"
HILATURAS = "<b>Proveedor</b><br/>Hilaturas del Norte, S.A.<br/>Calle del Telar, 9<br/>00455 Puente Viejo"
ALMACEN = "<b>Entregar en</b><br/>Almacén central, muelle 3<br/>de lunes a viernes, 8 a 14 h<br/><b>Fecha de entrega:</b> 9 de junio de 2026"


def rechnung() -> bytes:
    """A German invoice after DIN 5008: address window, reference line, 19 % USt."""
    return typeset(
        _rechnung_story,
        title="Rechnung 2026-0188",
        author="Tischlerei Brandt GmbH",
        margins=(45, 20, 32, 25),
        furniture=_rechnung_letterhead,
    )


def _rechnung_letterhead(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(WOOD)
    for ring in (9, 6.4, 3.8, 1.4):
        canvas.setStrokeColor(WOOD)
        canvas.circle(leaf.width - 32 * mm, leaf.height - 22 * mm, ring * mm, stroke=1, fill=0)
    canvas.setFont("Times-Bold", 20)
    canvas.drawString(25 * mm, leaf.height - 22 * mm, "Tischlerei Brandt")
    canvas.setFont("Times-Italic", 10.5)
    canvas.drawString(25 * mm, leaf.height - 28 * mm, "Möbel · Innenausbau · Fenster    seit 1974")
    canvas.setFillColor(GREY)
    canvas.setFont("Helvetica", 7.5)
    feet = [
        ["Tischlerei Brandt GmbH", "Sägemühle 3", "99999 Ahornfelde"],
        ["Geschäftsführerin: Katrin Brandt", "Amtsgericht Ahornfelde, HRB 01874", "USt-IdNr. DE000018874"],
        ["Sparkasse Ahornfelde", "IBAN DE00 0000 0000 0018 8740 00", "BIC AHORDE00XXX"],
    ]
    for column, lines in enumerate(feet):
        for step, line in enumerate(lines):
            canvas.drawString((25 + column * 56) * mm, 22 * mm - step * 9.5, line)


def _rechnung_story() -> list[Any]:
    net = sum(cents for *_, cents in RECHNUNG)
    tax = percent(net, "19")
    rows = [["Pos.", "Leistung", "Menge", "Betrag"]]
    rows += [[str(step), words, count, money(cents, "de")] for step, (words, count, cents) in enumerate(RECHNUNG, 1)]
    rows += [["", "Zwischensumme netto", "", money(net, "de")], ["", "zzgl. 19 % Umsatzsteuer", "", money(tax, "de")]]
    rows += [["", "Rechnungsbetrag", "", money(net + tax, "de")]]
    facts = [
        ["Rechnungsnummer", "2026-0188"],
        ["Rechnungsdatum", "11.05.2026"],
        ["Leistungszeitraum", "20.04. - 06.05.2026"],
    ]
    facts += [["Kundennummer", "10442"]]
    window = "<font size=7 color='#666666'>Tischlerei Brandt GmbH · Sägemühle 3 · 99999 Ahornfelde</font><br/><br/>"
    window += "Frau<br/>Dr. Annegret Löwe<br/>Lindenstraße 17<br/>99998 Groß Müritz"
    return [
        grid([[text(window, 10), grid(facts, [34, 36])]], [92, 73], ("LEFTPADDING", (0, 0), (0, 0), 0)),
        Spacer(1, 12 * mm),
        text("Rechnung Nr. 2026-0188", 14, font="Helvetica-Bold", after=10),
        text("Sehr geehrte Frau Dr. Löwe,", after=6),
        text("für die in Ihrem Hause ausgeführten Arbeiten erlauben wir uns, wie folgt zu berechnen:", after=8),
        _rechnung_table(rows),
        Spacer(1, 8 * mm),
        text(
            "Bitte überweisen Sie den Rechnungsbetrag ohne Abzug bis zum <b>25.05.2026</b> auf das unten genannte Konto.",
            after=6,
        ),
        text(
            "Hinweis nach § 35a EStG: Im Bruttobetrag sind Lohnkosten von 810,00 € zuzüglich Umsatzsteuer enthalten. Als "
            "Privatperson bewahren Sie diese Rechnung bitte zwei Jahre auf.",
            8.5,
            color=GREY,
            after=12,
        ),
        text("Mit freundlichen Grüßen", after=16),
        text("Katrin Brandt"),
    ]


def _rechnung_table(rows: list[list[Any]]) -> Any:
    """The lines under a brown rule, the sum under another."""
    return grid(
        rows,
        [12, 93, 25, 32],
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("LINEBELOW", (0, 0), (-1, 0), 1, WOOD),
        ("LINEABOVE", (0, -3), (-1, -3), 0.5, RULE),
        ("LINEABOVE", (0, -1), (-1, -1), 1, WOOD),
        ("FONTNAME", (0, -1), (-1, -1), "Helvetica-Bold"),
        ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
    )


def facture() -> bytes:
    """A French invoice: TVA, échéance, the sentence on penalties that the law asks for."""
    return typeset(
        _facture_story,
        title="Facture F2026-061",
        author="Atelier Lumière Douce",
        margins=(24, 22, 28, 22),
        furniture=_facture_foot,
    )


def _facture_foot(canvas: Canvas, leaf: Leaf) -> None:
    canvas.setFillColor(BLUE)
    canvas.rect(0, leaf.height - 8 * mm, leaf.width / 3, 8 * mm, stroke=0, fill=1)
    canvas.setFillColor(RED)
    canvas.rect(leaf.width * 2 / 3, leaf.height - 8 * mm, leaf.width / 3, 8 * mm, stroke=0, fill=1)
    canvas.setFillColor(GREY)
    canvas.setFont("Times-Roman", 8)
    lines = [
        "Atelier Lumière Douce, SARL au capital de 8 000 €  ·  RCS Belleroche 000 611 026  ·  TVA FR00 000611026",
        "IBAN FR00 0000 0000 0006 1102 6000 000  ·  BIC LUMIFR00",
    ]
    for step, line in enumerate(lines):
        canvas.drawCentredString(leaf.width / 2, 17 * mm - step * 10, line)


def _facture_story() -> list[Any]:
    net = sum(count * price for _, count, price in FACTURE)
    tax = percent(net, "20")
    rows = [["Désignation", "Quantité", "Prix unitaire HT", "Montant HT"]]
    rows += [[words, str(n), money(price, "fr"), money(n * price, "fr")] for words, n, price in FACTURE]
    rows += [["", "", "Total HT", money(net, "fr")], ["", "", "TVA 20 %", money(tax, "fr")]]
    rows += [["", "", "Total TTC à payer", money(net + tax, "fr")]]
    font = "Times-Roman"
    return [
        grid(
            [[text(ATELIER, 10.5, font=font), text(QUEVILLY, 10.5, font=font)]],
            [100, 66],
            ("LEFTPADDING", (0, 0), (0, 0), 0),
        ),
        Spacer(1, 12 * mm),
        text("FACTURE n° F2026-061", 17, font="Times-Bold", color=BLUE, after=6),
        text(
            "Date de facturation : 7 mai 2026<br/>Date d'échéance : 6 juin 2026<br/>Votre commande : MQ-5530",
            10.5,
            font=font,
        ),
        Spacer(1, 8 * mm),
        _facture_table(rows),
        Spacer(1, 10 * mm),
        text(
            "Règlement par virement à 30 jours. Merci de rappeler le numéro de facture F2026-061.",
            10.5,
            font=font,
            after=6,
        ),
        text(
            "En cas de retard de paiement, une pénalité égale à trois fois le taux d'intérêt légal sera appliquée, ainsi qu'une "
            "indemnité forfaitaire de 40 € pour frais de recouvrement. Pas d'escompte pour paiement anticipé.",
            9,
            font="Times-Italic",
            color=GREY,
        ),
    ]


def _facture_table(rows: list[list[Any]]) -> Any:
    """Boxed lines, and the three sums in a box of their own."""
    return grid(
        rows,
        [78, 20, 36, 32],
        ("FONTNAME", (0, 0), (-1, -1), "Times-Roman"),
        ("FONTNAME", (0, 0), (-1, 0), "Times-Bold"),
        ("FONTNAME", (2, -1), (-1, -1), "Times-Bold"),
        ("GRID", (0, 0), (-1, -4), 0.5, RULE),
        ("BOX", (2, -3), (-1, -1), 0.5, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), hue("#eaf0fb")),
        ("BACKGROUND", (2, -1), (-1, -1), hue("#eaf0fb")),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
    )


def orden_de_compra() -> bytes:
    """A Spanish purchase order: boxed like the output of an old ERP."""
    return typeset(
        _orden_story, title="Orden de compra OC-2026-0733", author="Confecciones Mirasol S.L.", margins=(18, 18, 18, 18)
    )


def _orden_story() -> list[Any]:
    counts = [320, 48, 12, 400]
    net = sum(count * price for count, (*_, price) in zip(counts, ORDEN, strict=True))
    tax = percent(net, "21")
    rows = [["Código", "Descripción", "Cantidad", "Precio", "Importe"]]
    rows += [
        [code, words, amount, money(price, "es"), money(count * price, "es")]
        for count, (code, words, amount, price) in zip(counts, ORDEN, strict=True)
    ]
    rows += [["", "", "", "Base imponible", money(net, "es")], ["", "", "", "IVA 21 %", money(tax, "es")]]
    rows += [["", "", "", "Total del pedido", money(net + tax, "es")]]
    order = "<font size=15><b>ORDEN DE COMPRA</b></font><br/><br/><b>N.º OC-2026-0733</b><br/>Fecha: 19 de mayo de 2026<br/>Página 1 de 1"
    box = ("BOX", (0, 0), (-1, -1), 0.8, hue("#000000"))
    inner = ("INNERGRID", (0, 0), (-1, -1), 0.4, hue("#000000"))
    sign = "Autorizado por: Lucía Ferrándiz, jefa de compras<br/><br/><br/>____________________________"
    return [
        grid(
            [[text(MIRASOL), text(order)], [text(HILATURAS), text(ALMACEN)]],
            [87, 87],
            box,
            inner,
            ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ),
        Spacer(1, 6 * mm),
        _orden_table(rows),
        Spacer(1, 6 * mm),
        text("<b>Condiciones</b>", after=3),
        text(
            "Forma de pago: transferencia a 60 días. Portes pagados. Rogamos confirmen este pedido en un plazo de 48 horas."
        ),
        text(
            "Indiquen el número de la orden de compra en el albarán. No se admiten entregas parciales sin aviso.",
            before=3,
            after=22,
        ),
        text(sign),
    ]


def _orden_table(rows: list[list[Any]]) -> Any:
    """A black grid, as a line printer would have drawn it."""
    return grid(
        rows,
        [22, 74, 22, 30, 26],
        ("BOX", (0, 0), (-1, -1), 0.8, hue("#000000")),
        ("INNERGRID", (0, 0), (-1, -4), 0.4, hue("#000000")),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("BACKGROUND", (0, 0), (-1, 0), hue("#e5e5e5")),
        ("FONTNAME", (3, -1), (-1, -1), "Helvetica-Bold"),
        ("FONTSIZE", (0, 0), (-1, -1), 9),
        ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
    )
