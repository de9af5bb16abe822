"""Wordings of rules in five languages, written before the lexicon was tuned for wordings, to measure it.

Do not tune the lexicon to them, and do not look at which of them fail: they would measure nothing any more. For tuning there
are ``rules``, ``tuning_rules``, and ``LATER``, which was the second such set. The kinds are those of ``documents.KINDS``, in the same order, and forms.
"""

# ruff: noqa: E501

from llamacloud_sandbox.judge import Rule
from support.documents import KINDS

FORM = "form"
_WRITTEN = {
    "en": (
        ("supplier_bill", "A vendor asks us to pay for what was delivered: document number, net, tax and due date"),
        ("till_receipt", "Slip from a shop, restaurant or petrol station showing that something was paid on the spot"),
        ("legal_deal", "Two or more sides set down what they owe each other, with clauses, term and signatures"),
        ("applicant", "Somebody's working life and schooling at a glance, sent in for a vacancy"),
        ("account_movements", "What came into and went out of an account at a bank during a month, old and new balance"),
        ("post", "A written message to a person with a greeting at the top and a name at the bottom"),
        ("order_to_vendor", "We ask a supplier to send us goods at agreed prices by a certain day"),
        ("wages", "Monthly settlement of an employee's earnings with gross, deductions and net"),
        ("clinic", "What a doctor, laboratory or hospital says about a patient's illness and treatment"),
        ("cover", "Insurer's papers: the cover agreed, its premium, or a report of damage"),
        ("study", "Scholarly text with summary, method, findings and list of references"),
        ("blank_form", "A sheet with fields and boxes that someone fills in and hands back"),
    ),
    "de": (
        ("Eingangsrechnungen", "Lieferant fordert Zahlung für gelieferte Ware oder Leistung, mit Nettobetrag, Umsatzsteuer und Zahlungsziel"),
        ("Kassenbons", "Belege von Laden, Restaurant oder Tankstelle über sofort bezahlte Einkäufe"),
        ("Verträge", "Zwei Parteien regeln ihre Rechte und Pflichten in Paragraphen und unterschreiben"),
        ("Bewerbungen", "Werdegang, Ausbildung und Kenntnisse einer Person, die eine Stelle sucht"),
        ("Bankauszüge", "Buchungen auf einem Konto mit altem und neuem Saldo"),
        ("Schriftverkehr", "Anschreiben an eine Person mit Anrede und Grußformel"),
        ("Aufträge an Lieferanten", "Wir bestellen Waren zu einem Liefertermin"),
        ("Lohn", "Monatliche Abrechnung eines Mitarbeiters mit Brutto, Abzügen und Auszahlungsbetrag"),
        ("Medizin", "Ärztliche Unterlagen über Patienten: Diagnose, Laborwerte, Verordnung"),
        ("Versicherungen", "Policen, Prämien und Schadensmeldungen"),
        ("Forschung", "Wissenschaftliche Arbeiten mit Methode, Ergebnissen und Literaturverzeichnis"),
        ("Formulare", "Vordruck mit Feldern zum Ausfüllen und Ankreuzen"),
    ),
    "fr": (
        ("factures fournisseurs", "Le fournisseur demande le paiement de marchandises ou de prestations, avec montant HT, TVA et échéance"),
        ("tickets", "Justificatifs d'achats payés sur place dans un magasin, un restaurant ou une station-service"),
        ("contrats", "Les parties conviennent de leurs droits et obligations et signent"),
        ("candidatures", "Parcours professionnel, formation et compétences d'une personne qui cherche un emploi"),
        ("banque", "Opérations au débit et au crédit d'un compte, ancien et nouveau solde"),
        ("correspondance", "Lettre adressée à une personne, avec formule de politesse et signature"),
        ("commandes", "Nous commandons des articles à un fournisseur avec une date de livraison"),
        ("salaires", "Rémunération mensuelle d'un salarié : brut, cotisations et net à payer"),
        ("santé", "Documents d'un médecin, d'un laboratoire ou d'un hôpital sur un patient"),
        ("assurance", "Contrats d'assurance, primes et déclarations de sinistre"),
        ("recherche", "Étude scientifique avec résumé, méthode, résultats et bibliographie"),
        ("formulaires", "Imprimé avec des champs à remplir et des cases à cocher"),
    ),
    "es": (
        ("facturas de proveedores", "El proveedor pide el pago de bienes o servicios, con base imponible, IVA y vencimiento"),
        ("tiques", "Justificantes de compras pagadas en el momento en una tienda, un restaurante o una gasolinera"),
        ("contratos", "Las partes acuerdan sus derechos y obligaciones y firman"),
        ("candidatos", "Trayectoria laboral, formación y conocimientos de una persona que busca empleo"),
        ("banco", "Movimientos de una cuenta con saldo anterior y saldo final"),
        ("correspondencia", "Escrito dirigido a una persona con saludo y despedida"),
        ("pedidos", "Encargamos artículos a un proveedor con fecha de entrega"),
        ("nóminas", "Salario mensual de un trabajador con devengos, deducciones y líquido"),
        ("salud", "Documentos de un médico, laboratorio u hospital sobre un paciente"),
        ("seguros", "Pólizas, primas y partes de daños"),
        ("investigación", "Estudio científico con resumen, método, resultados y bibliografía"),
        ("formularios", "Impreso con campos para rellenar y casillas para marcar"),
    ),
    "it": (
        ("fatture fornitori", "Il fornitore chiede il pagamento di merci o servizi, con imponibile, IVA e scadenza"),
        ("scontrini", "Prove d'acquisto pagate sul posto in negozio, ristorante o distributore"),
        ("contratti", "Le parti stabiliscono diritti e obblighi e firmano"),
        ("candidati", "Percorso professionale, istruzione e competenze di una persona che cerca lavoro"),
        ("banca", "Movimenti di un conto con saldo iniziale e saldo finale"),
        ("corrispondenza", "Lettera a una persona con saluto iniziale e formula di chiusura"),
        ("ordini", "Ordiniamo articoli a un fornitore con data di consegna"),
        ("stipendi", "Retribuzione mensile di un dipendente con lordo, trattenute e netto"),
        ("salute", "Documenti di un medico, di un laboratorio o di un ospedale su un paziente"),
        ("assicurazioni", "Polizze, premi e denunce di sinistro"),
        ("ricerca", "Studio scientifico con riassunto, metodo, risultati e bibliografia"),
        ("moduli", "Stampato con campi da compilare e caselle da barrare"),
    ),
}  # fmt: skip
NAMED = {language: tuple(Rule(*each) for each in written) for language, written in _WRITTEN.items()}
"""By language, with types that say something in it."""
NUMBERED = {
    language: tuple(Rule(f"type_{number}", text) for number, (_, text) in enumerate(written, start=1))
    for language, written in _WRITTEN.items()
}
"""The same descriptions under types that say nothing."""
MEANT = (*KINDS, FORM)
"""What each of a language's rules means, in order."""

_LATER = {
    "en": (
        ("Inv", "Contains seller and buyer, positions with prices, tax, and a sum that has to be transferred"),
        ("Rcp", "Contains the goods bought, the sum, and how the customer has paid; comes out of a till or card terminal"),
        ("Agr", "Contains terms that bind two parties, how long they last and how they end; has names and signatures at the end"),
        ("App", "Contains jobs held, schools attended, languages and other abilities of one person"),
        ("Acc", "Contains dated entries with amounts, and what was there at the start and at the end"),
        ("Ord", "Contains what is ordered from whom, how many, at what price and for when"),
        ("Pay", "Contains basic pay, tax and social security taken off, and what is paid out to the worker"),
        ("Med", "Contains symptoms, findings, medicines or doses for a named patient"),
        ("Frm", "Contains empty lines and tick boxes next to questions"),
    ),
    "de": (
        ("RE", "Enthält Verkäufer und Käufer, Positionen mit Preisen, Steuer und einen Betrag, der zu überweisen ist"),
        ("BON", "Enthält gekaufte Artikel, die Summe und die Zahlungsart; kommt aus einer Kasse oder einem Kartenterminal"),
        ("VT", "Enthält Bedingungen, die zwei Parteien binden, Laufzeit und Kündigung, am Ende Unterschriften"),
        ("LL", "Enthält frühere Stellen, Schulen, Sprachen und andere Kenntnisse einer Person"),
        ("KA", "Enthält datierte Buchungen mit Beträgen sowie Anfangs- und Endsaldo"),
        ("BE", "Enthält, was bei wem bestellt wird, wie viel, zu welchem Preis und bis wann"),
        ("GA", "Enthält Grundgehalt, abgezogene Steuern und Sozialabgaben und den ausgezahlten Betrag"),
        ("AB", "Enthält Beschwerden, Befunde, Medikamente oder Dosierungen eines Patienten"),
        ("FO", "Enthält leere Zeilen und Kästchen neben Fragen"),
    ),
    "fr": (
        ("FA", "Contient vendeur et acheteur, lignes avec prix, taxe et un montant à virer"),
        ("TI", "Contient les articles achetés, la somme et le mode de paiement ; sort d'une caisse ou d'un terminal"),
        ("CO", "Contient des conditions qui lient deux parties, leur durée, leur résiliation et des signatures à la fin"),
        ("CV", "Contient les postes occupés, les écoles, les langues et autres aptitudes d'une personne"),
        ("RE", "Contient des écritures datées avec montants, le solde de départ et d'arrivée"),
        ("BC", "Contient ce qui est commandé, à qui, combien, à quel prix et pour quand"),
        ("BP", "Contient le salaire de base, les impôts et charges retenus et la somme versée"),
        ("DM", "Contient symptômes, constatations, médicaments ou doses d'un patient"),
        ("FO", "Contient des lignes vides et des cases en face de questions"),
    ),
    "es": (
        ("FA", "Contiene vendedor y comprador, líneas con precios, impuesto y un importe que hay que transferir"),
        ("TI", "Contiene los artículos comprados, la suma y la forma de pago; sale de una caja o de un terminal"),
        ("CO", "Contiene condiciones que obligan a dos partes, su duración, su fin y firmas al final"),
        ("CV", "Contiene puestos ocupados, escuelas, idiomas y otras aptitudes de una persona"),
        ("EX", "Contiene apuntes con fecha e importe, el saldo inicial y el final"),
        ("PE", "Contiene qué se pide, a quién, cuánto, a qué precio y para cuándo"),
        ("NO", "Contiene sueldo base, impuestos y cotizaciones descontados y lo que se paga al trabajador"),
        ("ME", "Contiene síntomas, hallazgos, medicamentos o dosis de un paciente"),
        ("FO", "Contiene líneas vacías y casillas junto a preguntas"),
    ),
    "it": (
        ("FA", "Contiene venditore e acquirente, righe con prezzi, imposta e un importo da bonificare"),
        ("SC", "Contiene gli articoli comprati, la somma e il modo di pagamento; esce da una cassa o da un terminale"),
        ("CO", "Contiene condizioni che vincolano due parti, durata, recesso e firme alla fine"),
        ("CV", "Contiene posti occupati, scuole, lingue e altre abilità di una persona"),
        ("EC", "Contiene scritture datate con importi, il saldo di partenza e di arrivo"),
        ("OR", "Contiene che cosa si ordina, a chi, quanto, a quale prezzo e per quando"),
        ("BP", "Contiene paga base, imposte e contributi trattenuti e quanto si versa al lavoratore"),
        ("ME", "Contiene sintomi, reperti, farmaci o dosi di un paziente"),
        ("MO", "Contiene righe vuote e caselle accanto a domande"),
    ),
}  # fmt: skip
LATER = {language: tuple(Rule(*each) for each in written) for language, written in _LATER.items()}
"""Written after the lexicon was tuned, under types that say next to nothing; these have taught it since."""
LATER_MEANT = (*KINDS[:5], *KINDS[6:9], FORM)
