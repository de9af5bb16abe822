"""Rules in five languages, to tune the lexicon with; ``held_out_rules`` measures. In the order of ``documents.KINDS``."""

# ruff: noqa: E501

from llamacloud_sandbox.judge import Rule

_WRITTEN = {
    "en": (
        ("ap", "A company bills us and wants its money, showing tax and when to pay"),
        ("expenses", "Purchases already paid at the counter by card or in cash"),
        ("legal", "What two sides have agreed and signed"),
        ("hr_incoming", "Career, education and skills of someone who applies for a job"),
        ("bank", "Debits and credits of an account over a period"),
        ("mail", "Writing to someone with a greeting and a closing"),
        ("purchasing", "Goods that we buy, with quantities and when they must be delivered"),
        ("payroll", "Pay of an employee: gross, contributions, net"),
        ("health", "Diagnoses, prescriptions and results of a patient"),
        ("insurer", "What is insured, for what premium, and what was damaged"),
        ("science", "An investigation with method, results and citations"),
    ),
    "de": (
        ("Kreditoren", "Eine Firma verlangt Geld für ihre Leistung, mit Steuer und Fälligkeit"),
        ("Spesen", "Bereits bar oder mit Karte bezahlte Einkäufe"),
        ("Recht", "Was zwei Seiten vereinbart und unterschrieben haben"),
        ("Personal", "Beruflicher Weg, Schule und Fähigkeiten eines Bewerbers"),
        ("Bank", "Soll und Haben eines Kontos, Anfangs- und Endbestand"),
        ("Post", "Schreiben mit Anrede und Gruß"),
        ("Einkauf", "Waren, die wir beim Lieferanten ordern, mit Menge und Lieferdatum"),
        ("Lohnbüro", "Verdienst eines Arbeitnehmers: brutto, Abzüge, netto"),
        ("Praxis", "Diagnosen, Rezepte und Befunde eines Patienten"),
        ("Versicherer", "Versicherte Gefahren, Beiträge und Schäden"),
        ("Wissenschaft", "Untersuchung mit Methode, Ergebnissen und Quellen"),
    ),
    "fr": (
        ("comptabilité", "Une entreprise réclame le règlement de sa prestation, avec la taxe et la date limite"),
        ("dépenses", "Achats déjà réglés en espèces ou par carte à la caisse"),
        ("juridique", "Ce que deux parties ont convenu et signé"),
        ("recrutement", "Carrière, études et compétences d'un candidat"),
        ("compte", "Débits et crédits d'un compte bancaire sur une période"),
        ("courrier", "Écrit avec salutation et signature"),
        ("achats", "Marchandises que nous commandons, avec quantités et livraison"),
        ("paie", "Salaire d'un employé : brut, retenues, net"),
        ("médical", "Diagnostics, ordonnances et analyses d'un patient"),
        ("assureur", "Ce qui est assuré, la cotisation et les dommages"),
        ("science", "Enquête avec méthode, résultats et références"),
    ),
    "es": (
        ("contabilidad", "Una empresa reclama el pago de su servicio, con impuesto y fecha límite"),
        ("gastos", "Compras ya pagadas en efectivo o con tarjeta en la caja"),
        ("jurídico", "Lo que dos partes han acordado y firmado"),
        ("selección", "Carrera, estudios y habilidades de un aspirante"),
        ("cuenta", "Cargos y abonos de una cuenta bancaria en un periodo"),
        ("correo", "Carta con saludo y firma"),
        ("compras", "Mercancías que encargamos, con cantidades y entrega"),
        ("sueldos", "Paga de un empleado: bruto, retenciones, neto"),
        ("médico", "Diagnósticos, recetas y análisis de un paciente"),
        ("aseguradora", "Lo asegurado, la prima y los daños"),
        ("ciencia", "Trabajo de investigación con método, resultados y referencias"),
    ),
    "it": (
        ("contabilità", "Un'azienda chiede il pagamento della sua prestazione, con imposta e termine"),
        ("spese", "Acquisti già pagati in contanti o con carta alla cassa"),
        ("legale", "Ciò che due parti hanno concordato e firmato"),
        ("selezione", "Carriera, studi e capacità di un candidato"),
        ("conto", "Addebiti e accrediti di un conto bancario in un periodo"),
        ("posta", "Lettera con saluto e firma"),
        ("acquisti", "Merci che ordiniamo, con quantità e consegna"),
        ("paghe", "Paga di un impiegato: lordo, ritenute, netto"),
        ("medico", "Diagnosi, ricette e analisi di un paziente"),
        ("assicuratore", "Ciò che è assicurato, il premio e i danni"),
        ("scienza", "Indagine con metodo, risultati e riferimenti"),
    ),
}  # fmt: skip
TUNING = {language: tuple(Rule(*each) for each in written) for language, written in _WRITTEN.items()}
NUMBERED_TUNING = {
    language: tuple(Rule(f"type_{number}", text) for number, (_, text) in enumerate(written, start=1))
    for language, written in _WRITTEN.items()
}
