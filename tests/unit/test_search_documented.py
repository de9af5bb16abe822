"""docs/operator.md lists the filters of the search language, as the code has them."""

from pathlib import Path

import pytest

from receiver.core.search import FILTERS

OPERATOR = (Path(__file__).parents[2] / "docs" / "operator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_is_in_the_table_of_the_operators_page(name: str) -> None:
    assert f"| `{name}:` | {FILTERS[name].says} | `{FILTERS[name].example}` |" in OPERATOR


def test_the_table_has_no_other_filter() -> None:
    _, _, table = OPERATOR.partition("| filter | finds documents of which | example |\n| --- | --- | --- |\n")
    rows = table.partition("\n\n")[0].splitlines()
    assert len(rows) == len(FILTERS)
