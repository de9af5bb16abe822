"""Documents to send, and the rules to judge them by."""

from typing import Any

from support.pdf_fixtures import pdf_of

RULES: list[Any] = [
    {"type": "invoice", "description": "contains an invoice number, line items and a total amount due"},
    {"type": "contract", "description": "a legal agreement between parties with obligations and signatures"},
]
CATEGORIES: list[Any] = [{"name": rule["type"], "description": rule["description"]} for rule in RULES]
CONFIGURATION: Any = {"rules": RULES}
INVOICE_TEXT = """
INVOICE
Invoice number: 4711
Line items: 2 widgets, 3 gadgets
Total amount due: 120.00 EUR
Please pay within 14 days.
"""
CONTRACT_TEXT = """
SERVICE AGREEMENT
This agreement is made between the parties named below.
The obligations of each party are set out in this contract.
Signatures of the parties
"""
INVOICE = pdf_of(INVOICE_TEXT)
CONTRACT = pdf_of(CONTRACT_TEXT)
PACKET = pdf_of(INVOICE_TEXT, CONTRACT_TEXT)
