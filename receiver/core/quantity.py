"""Numbers of things, in words."""


def quantity(number: int, what: str) -> str:
    """``1 page``, ``3 pages``; for nouns whose plural ends in s."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def times(number: int) -> str:
    """``once``, ``3 times``."""
    return "once" if number == 1 else f"{number} times"
