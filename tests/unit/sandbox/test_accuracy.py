"""How often the judge is right on documents it was not made for, under rules in several wordings.

`pytest -s tests/unit/sandbox/test_accuracy.py` prints the figures and the errors.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from sandbox.judge import LexicalJudge, Rule, Verdict
from tests.unit.sandbox.documents import KINDS, NONE, Document
from tests.unit.sandbox.papers import a_reading
from tests.unit.sandbox.seen_documents import SEEN
from tests.unit.sandbox.unseen_documents import UNSEEN

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


def judged(document: Document, rules: Sequence[Rule]) -> tuple[str, Verdict]:
    verdict = LexicalJudge().classify(a_reading(document.text), rules)
    kinds = {rule.type: kind for rule, kind in zip(rules, KINDS, strict=True)}
    return kinds.get(verdict.type or "", NONE), verdict


def share_right(documents: Sequence[Document], wording: str) -> float:
    right = 0
    for document in documents:
        kind, verdict = judged(document, WORDINGS[wording])
        right += kind == document.kind
        if kind != document.kind:
            told = f"{document.kind}/{document.language} -> {kind} ({verdict.confidence})"
            print(f"  {told} {document.text[:40]!r}: {verdict.reasoning}")  # noqa: T201
    print(f"{wording}: {right} of {len(documents)} right ({right / len(documents):.0%})")  # noqa: T201
    return right / len(documents)


def test_the_unseen_set_is_large_and_varied_enough() -> None:
    assert len(UNSEEN) >= 40
    assert {document.kind for document in UNSEEN} == {*KINDS, NONE}
    assert len({document.language for document in UNSEEN}) >= 5


@pytest.mark.parametrize("wording", WORDINGS)
def test_most_unseen_documents_are_judged_rightly(wording: str) -> None:
    assert share_right(UNSEEN, wording) >= 0.8


@pytest.mark.parametrize("wording", WORDINGS)
def test_what_the_judge_has_learnt_it_keeps(wording: str) -> None:
    assert share_right(SEEN, wording) >= 0.95


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_confident_verdict_is_nearly_always_right(wording: str) -> None:
    confident = Counter[bool]()
    for document in UNSEEN:
        kind, verdict = judged(document, WORDINGS[wording])
        if kind != NONE and verdict.confidence >= 0.7:
            confident[kind == document.kind] += 1
    assert confident[True] >= 0.95 * confident.total()


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_recipe_a_poem_or_a_travel_blog_is_hardly_ever_taken_for_business(wording: str) -> None:
    strangers = [document for document in UNSEEN if document.kind == NONE]
    taken = [document for document in strangers if judged(document, WORDINGS[wording])[0] != NONE]
    assert len(taken) <= 1
