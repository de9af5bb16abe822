"""A number and its noun agree."""

from receiver.core.quantity import quantity, times


def test_one_is_singular_and_all_else_is_plural() -> None:
    assert [quantity(number, "page") for number in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]
    assert [times(number) for number in (1, 2)] == ["once", "2 times"]
