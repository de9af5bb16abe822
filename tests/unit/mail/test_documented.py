"""The table of docs/ways-in.md says what the rules say."""

import re
from pathlib import Path

from handlers.mail.envelopes import LOCKED_TNEF
from handlers.mail.outlook import RICH
from handlers.mail.part_outcomes import RULES
from handlers.mail.tree import LOCKED
from receiver.core.mail import Fate

PAGE = (Path(__file__).parents[3] / "docs" / "ways-in.md").read_text(encoding="utf-8")
ROWS = [row for row in re.findall(r"^\| [^|]+ \| (\w+) \| ([^|]*) \|$", PAGE, re.MULTILINE) if row[0] in set(Fate)]
IN_PARTS = {
    "the same text as part N", "shown in the text (part N), which contains it",
    "a detached signature", RICH, "text before the parts, which no mail program shows",
}  # fmt: skip
"""Reasons that follow from where a part stands; test_parts.py and test_envelopes.py have a test for each."""


def reasons(fate: Fate) -> set[str]:
    return {quoted for named, because in ROWS if named == fate for quoted in re.findall(r"`([^`]+)`", because)}


def test_what_is_left_out_is_exactly_what_the_rules_leave_out() -> None:
    assert reasons(Fate.LEFT_OUT) == {rule.what for rule in RULES if rule.fate is Fate.LEFT_OUT} | IN_PARTS


def test_what_nobody_can_open_is_named() -> None:
    assert {rule.what for rule in RULES if rule.fate is Fate.HELD} | {LOCKED, LOCKED_TNEF} <= reasons(Fate.HELD)


def test_every_fate_is_explained() -> None:
    assert {fate for fate, _ in ROWS} == set(Fate) - {Fate.RECORDED}
    assert "`mail: {body: record}`" in PAGE
