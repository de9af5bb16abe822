"""The lexical judge: the best rule, a confidence that means something, and the evidence it rests on."""

from sandbox.judge import LexicalJudge, Rule
from tests.unit.sandbox.papers import a_reading

INVOICE = """Northwind Traders Ltd
INVOICE
Invoice number: 2291    Invoice date: 3 May 2026
Bill to: Halden & Co
Qty Description Unit price Amount
4 Desk lamps 40.00 160.00
Subtotal 160.00
VAT 20% 32.00
Amount due $192.00, payable within 30 days"""
RECIPE = """Grandmother's apple cake
Preheat the oven to 180 degrees. Cream the butter and sugar, then beat in the eggs one at a time.
Fold in the flour. Peel the apples, slice them thinly and lay them on top. Bake for forty minutes."""

RULES = (
    Rule("invoice", "contains an invoice number, line items and a total amount due"),
    Rule("contract", "a legal agreement between parties with obligations and signatures"),
    Rule("letter", "a personal or business letter with a salutation"),
)


def test_an_invoice_is_an_invoice_and_the_reasoning_names_the_evidence() -> None:
    verdict = LexicalJudge().classify(a_reading(INVOICE), RULES)
    assert verdict.type == "invoice"
    assert verdict.confidence > 0.85
    assert "invoice number" in verdict.reasoning


def test_a_recipe_fits_none_of_the_business_rules() -> None:
    verdict = LexicalJudge().classify(a_reading(RECIPE), RULES)
    assert verdict.type is None
    assert "recipe" in verdict.reasoning


def test_pages_without_text_match_nothing_and_the_reasoning_says_why() -> None:
    verdict = LexicalJudge().classify(a_reading("", " "), RULES)
    assert (verdict.type, verdict.confidence) == (None, 0.0)
    assert "no text" in verdict.reasoning


def test_the_same_document_and_rules_give_the_same_verdict() -> None:
    assert LexicalJudge().classify(a_reading(INVOICE), RULES) == LexicalJudge().classify(a_reading(INVOICE), RULES)
