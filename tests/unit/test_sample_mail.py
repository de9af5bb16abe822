"""The sample mail of this repository under the rules of its own table: what the demo shows is right."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llamacloud_sandbox.judge import LexicalJudge, Rule
from llamacloud_sandbox.segment import Strategy
from support.reading import read

SAMPLES = Path(__file__).parents[2] / "samples"


def the_rules() -> list[Rule]:
    table = yaml.safe_load((SAMPLES / "mailroom.yaml").read_text())
    return [Rule(rule["type"], rule["description"]) for rule in table["classify"]["rules"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invoice-harbour-freight", "invoice"),
        ("rechnung-tischlerei-brandt", "invoice"),
        ("facture-atelier-lumiere", "invoice"),
        ("receipt-copper-lane-hardware", "receipt"),
        ("contract-mutual-nda", "contract"),
        ("bank-statement-may-2026", "bank_statement"),
        ("resume-mara-ellingsen", "resume"),
        ("letter-cover-application", "letter"),
        ("form-household-claim", "form"),
        ("orden-de-compra-mirasol", "purchase_order"),
        ("recipe-walnut-bread", None),
    ],
)
def test_a_sample_gets_the_type_that_its_list_says(name: str, expected: str | None) -> None:
    verdict = LexicalJudge().classify(read(SAMPLES / f"{name}.pdf"), the_rules())
    assert verdict.type == expected
    assert expected is None or verdict.confidence >= 0.6


def test_the_ambiguous_sample_is_left_to_a_person() -> None:
    verdict = LexicalJudge().classify(read(SAMPLES / "ambiguous-staircase-quote.pdf"), the_rules())
    assert verdict.confidence < 0.8


def test_the_morning_mail_is_cut_as_its_truth_says() -> None:
    truth: dict[str, Any] = json.loads((SAMPLES / "packets" / "morning-mail.json").read_text())
    segments = LexicalJudge().split(read(SAMPLES / "packets" / "morning-mail.pdf"), the_rules(), Strategy())
    expected = [(piece["category"].replace("blank", "uncategorized"), piece["pages"]) for piece in truth["pieces"]]
    assert [(segment.category, list(segment.pages)) for segment in segments] == expected
