"""Rules for the kinds of ``documents``, in the same order, in several wordings."""

from llamacloud_sandbox.judge import Rule

PLAIN = (
    Rule("invoice", "Request for payment for goods or services, with the amount owed"),
    Rule("receipt", "Confirms that money was received or a purchase was paid"),
    Rule("contract", "Binding terms agreed between parties, usually signed"),
    Rule("cv", "Someone's professional background, written to get a job"),
    Rule("bank-statement", "List of deposits and withdrawals in an account, with opening and closing balance"),
    Rule("correspondence", "Letters that greet a reader and end with a signature"),
    Rule("purchase_order", "Commits us to buy items from a vendor"),
    Rule("payslip", "What an employee earned in a month and what was deducted"),
    Rule("medical_record", "Findings, diagnoses or treatment of a patient"),
    Rule("insurance", "Cover, premiums, policyholders and reported damage"),
    Rule("academic_paper", "Research with a method, data and citations"),
)
DEPARTMENTS = (
    Rule("Accounts Payable", "Supplier bills waiting to be paid"),
    Rule("Expenses", "Receipts from shops, parking, restaurants and the like"),
    Rule("Legal", "Contracts and agreements of any sort, NDAs and leases included"),
    Rule("Recruiting", "CVs of applicants"),
    Rule("Treasury", "Bank and card statements"),
    Rule("Front Office", "Ordinary letters"),
    Rule("Purchasing", "Orders that we place with vendors"),
    Rule("Payroll", "Pay slips"),
    Rule("Health", "Doctors' letters, prescriptions and test results"),
    Rule("Insurance", "Policies and claims"),
    Rule("R&D Library", "Scientific publications"),
)
GERMAN = (
    Rule("Rechnung", "Rechnungen von Lieferanten, die wir bezahlen müssen"),
    Rule("Quittung", "Belege über bereits bezahlte Einkäufe"),
    Rule("Vertrag", "Verträge und Vereinbarungen aller Art"),
    Rule("Lebenslauf", "Lebensläufe von Bewerberinnen und Bewerbern"),
    Rule("Kontoauszug", "Kontoauszüge und Kreditkartenabrechnungen"),
    Rule("Brief", "Briefe und Schreiben mit Anrede und Gruß"),
    Rule("Bestellung", "Bestellungen bei Lieferanten"),
    Rule("Gehaltsabrechnung", "Lohn- und Gehaltsabrechnungen"),
    Rule("Arztbrief", "Befunde, Diagnosen und Rezepte"),
    Rule("Versicherung", "Versicherungsscheine und Schadenmeldungen"),
    Rule("Fachartikel", "Wissenschaftliche Artikel mit Zusammenfassung und Literatur"),
)
FRENCH = (
    Rule("Factures", "Factures de fournisseurs à payer"),
    Rule("Reçus", "Tickets de caisse et reçus de paiement"),
    Rule("Contrats", "Contrats, baux et accords signés"),
    Rule("CV", "Curriculum vitae de candidats"),
    Rule("Relevés", "Relevés de compte bancaire"),
    Rule("Courriers", "Lettres reçues ou envoyées"),
    Rule("Commandes", "Bons de commande adressés aux fournisseurs"),
    Rule("Paie", "Bulletins de paie des salariés"),
    Rule("Santé", "Ordonnances et comptes rendus médicaux"),
    Rule("Assurances", "Polices d'assurance et déclarations de sinistre"),
    Rule("Recherche", "Articles scientifiques"),
)
WORDINGS = {"plain": PLAIN, "departments": DEPARTMENTS, "german": GERMAN, "french": FRENCH}
