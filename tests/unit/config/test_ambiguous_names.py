"""Category names that make segment labels ambiguous are refused before LlamaCloud refuses them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llamacloud_sandbox.shapes import SplitConfiguration
from receiver.core.category_names import ambiguous_names
from receiver.core.errors import Misconfigured
from tests.unit.config.config_files import SOUND, read, refusal

NAMES = st.text(st.sampled_from("aAbß "), min_size=1, max_size=3).filter(str.strip) | st.sampled_from(
    ["uncategorized", " Uncategorized", "UNCATEGORIZED ", "letter", "Letter "]
)


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_we_refuse_exactly_what_the_stand_in_refuses(names: list[str]) -> None:
    try:
        SplitConfiguration.model_validate({"categories": [{"name": name} for name in names]})
    except ValidationError:
        assert list(ambiguous_names(names))
    else:
        assert not list(ambiguous_names(names))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ('[{name: letter}, {name: "Letter "}]', "'Letter ' and 'letter' would be one label"),
        ('[{name: " UNCATEGORIZED"}]', "' UNCATEGORIZED' is LlamaCloud's label for pages that fit no category"),
    ],
)
def test_the_file_is_refused_with_line_and_reason(names: str, said: str) -> None:
    (line,) = refusal(SOUND + f"split: {{categories: {names}}}\n")
    assert line.startswith("mailroom.yaml:13: split.categories[")
    assert said in line
    assert "LlamaCloud refuses such categories" in line


TWICE = SOUND.replace("{type: contract,", "{type: Invoice,")


def test_types_that_are_also_categories_are_refused_where_packets_are_split() -> None:
    (line,) = refusal(TWICE + "split: {then: classify}\n")
    assert "classify.rules[1].type: 'Invoice' and 'invoice' would be one label" in line


def test_types_alone_are_a_warning_and_a_packet_is_never_sent_with_them() -> None:
    config = read(TWICE)
    assert [problem.where for problem in config.warnings] == ["classify.rules[1].type"]
    with pytest.raises(Misconfigured, match="packets cannot be split: 'Invoice' and 'invoice' would be one label"):
        config.split_configuration()
    assert read(TWICE + "split: {categories: [{name: letter}]}\n").warnings == ()
