"""Page selections."""

import pytest

from llamacloud_sandbox.pages import selected


@pytest.mark.parametrize(
    ("text", "pages"),
    [("1", (1,)), ("1,3,5-7", (1, 3, 5, 6, 7)), (" 2 - 3 , 1", (2, 3, 1)), ("4,4,3-5", (4, 3, 5))],
)
def test_pages_come_in_the_order_listed_each_once(text: str, pages: tuple[int, ...]) -> None:
    assert selected(text) == pages


@pytest.mark.parametrize("text", ["", "0", "3-1", "a", "1,,2", "-1", "1-", "1.5", "1-999999", "1" * 40])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="page"):
        selected(text)
