"""What can still be told of a value that is shown masked; and drift that can live with it."""

from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from receiver.core.job import WebhookConfiguration
from receiver.core.masked_value import may_show
from receiver.operations.saved_webhooks import drift

VALUES = st.text(st.sampled_from("abcdef0189_"), min_size=16, max_size=40)


@given(
    VALUES,
    st.sampled_from(["*", "•", "…", "xxx", "XXXX", "...", "****", "●●●", "###"]),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_a_masked_value_of_ours_is_never_called_another(value: str, mask: str, head: int, tail: int) -> None:
    assert may_show(value[:head] + mask + value[len(value) - tail :], value) is None


@given(VALUES, VALUES, st.integers(1, 5))
def test_what_shows_of_a_masked_value_must_be_ours(value: str, other: str, shown: int) -> None:
    assume(value[:shown] != other[:shown])
    assert may_show(f"{other[:shown]}****", value) is False


@given(VALUES, VALUES)
def test_without_a_mask_it_is_ours_or_not(value: str, other: str) -> None:
    assert may_show(other, value) is (value == other)


@pytest.mark.parametrize("shown", [None, "", "  ", "[REDACTED]", "<masked>", "***hidden***", "********"])
def test_what_shows_nothing_tells_nothing(shown: str | None) -> None:
    assert may_show(shown, "a-key-of-the-samples") is None


@dataclass
class ASaved:
    headers: dict[str, str | None]
    id: str = "whc-1"
    url: str = "https://mail.example.com/webhooks/llamacloud"
    events: tuple[str, ...] | None = ("classify.success",)
    output_format: str = "json"
    has_secret: bool = True


WANTED = WebhookConfiguration(
    url=ASaved({}).url,
    headers={"X-Key": "a-key-of-the-samples"},
    signing_secret="whsec_1",
    events=("classify.success",),
)


def test_masked_headers_are_no_drift_and_are_said_to_be_untold() -> None:
    found = drift(ASaved({"x-key": "a-****es"}), WANTED)
    assert found.differs == ()
    assert found.untold == (
        "header X-Key: LlamaCloud masks its value",
        "the signing secret: LlamaCloud never shows it",
    )


def test_what_can_be_compared_still_is() -> None:
    assert drift(ASaved({"X-Key": "b-****es"}), WANTED).differs == ("header X-Key has another value",)
    assert drift(ASaved({}), WANTED).differs == ("header X-Key is missing",)
    assert drift(ASaved({"X-Key": None}, has_secret=False), WANTED).differs == ("it has no signing secret",)


def test_no_value_is_ever_told() -> None:
    found = drift(ASaved({"X-Key": "another-secret-value"}), WANTED)
    assert "another-secret" not in repr(found)
    assert "a-key-of" not in repr(found)
