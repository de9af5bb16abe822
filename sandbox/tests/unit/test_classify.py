"""The lexical judge: the best rule, a confidence that means something, and the evidence it rests on."""

from llamacloud_sandbox.judge import LexicalJudge, Rule
from support.pdf_fixtures import a_reading

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


def test_a_long_text_needs_more_evidence_than_a_short_one() -> None:
    hint = "Please pay by bank transfer. The total is 40.00."
    chatter = "The geese came over the marsh at dusk and settled among the reeds near the old mill. " * 60
    assert LexicalJudge().classify(a_reading(hint), RULES).type == "invoice"
    assert LexicalJudge().classify(a_reading(f"{chatter}\n{hint}\n{chatter}"), RULES).type is None


def test_what_a_rule_excludes_counts_for_nothing() -> None:
    receipt = "Receipt\nReceipt number 12\nAmount paid 40.00\nPayment method Visa"
    rules = (Rule("unpaid", "supplier bills, not receipts"), Rule("paid", "receipts, not bills"))
    assert LexicalJudge().classify(a_reading(receipt), rules).type == "paid"
    assert LexicalJudge().classify(a_reading(INVOICE), rules).type == "unpaid"


def test_a_type_that_denies_a_kind_does_not_mean_it() -> None:
    rules = (Rule("non_invoice", "letters and contracts"), Rule("bill", "invoices"))
    assert LexicalJudge().classify(a_reading(INVOICE), rules).type == "bill"


def test_a_rule_may_be_told_by_traits_alone() -> None:
    rules = (
        Rule("type_1", "shows an invoice number, a due date and the amount due"),
        Rule("type_2", "lists deposits, withdrawals, opening balance and closing balance"),
    )
    statement = "Account 0099\nOpening balance 10.00\nDeposits 5.00\nWithdrawals 2.00\nClosing balance 13.00"
    assert LexicalJudge().classify(a_reading(INVOICE), rules).type == "type_1"
    assert LexicalJudge().classify(a_reading(statement), rules).type == "type_2"


def test_a_kind_that_the_lexicon_lacks_is_found_by_the_words_of_the_rule() -> None:
    rules = (Rule("building_permit", "Permission by a city to build or alter a structure"), *RULES)
    permit = "City of Aldon\nBuilding permit B-118\nPermission is granted to alter the structure at 9 Mill Street."
    assert LexicalJudge().classify(a_reading(permit), rules).type == "building_permit"


def test_an_ambiguous_document_gets_a_middling_confidence() -> None:
    reminder = """Dear Mr Hall,
This is a reminder that our invoice 2291 of 3 April is overdue. The amount due is payable within 14 days.
Please contact us if you have any questions.
Yours sincerely, Accounts"""
    verdict = LexicalJudge().classify(a_reading(reminder), RULES)
    assert verdict.type in ("letter", "invoice")
    assert 0.35 <= verdict.confidence <= 0.75
    assert "comes next" in verdict.reasoning


def test_a_kind_within_another_is_told_from_it() -> None:
    rules = (Rule("lease", "rental agreements"), Rule("contract", "any other contract"))
    lease = (
        "Lease\nThe landlord lets the premises to the tenant. Rent is due monthly.\nThis agreement is governed by law."
    )
    assert LexicalJudge().classify(a_reading(lease), rules).type == "lease"
    assert LexicalJudge().classify(a_reading(lease), rules[1:]).type == "contract"


def test_what_fits_no_rule_goes_to_the_rule_for_the_rest() -> None:
    rules = (*RULES, Rule("other", "anything that does not fit"))
    assert LexicalJudge().classify(a_reading(RECIPE), rules).type == "other"
    assert LexicalJudge().classify(a_reading(INVOICE), rules).type == "invoice"


def test_no_rules_at_all_match_nothing() -> None:
    assert LexicalJudge().classify(a_reading(INVOICE), ()).type is None
