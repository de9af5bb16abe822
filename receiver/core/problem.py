"""What is wrong with mailroom.yaml: one thing, its place, and what to do about it."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, where it stands in mailroom.yaml, and what to do about it."""

    severity: Severity
    where: str
    """The place as a path: ``routes[2].to[0]``, ``no_match``, ``classify.rules``."""
    message: str
    fix: str = ""
    route: str = ""
    """The row's name, where it is about a row."""

    def __str__(self) -> str:
        name = f" ({self.route})" if self.route else ""
        warning = "warning: " if self.severity == "warning" else ""
        return f"{warning}{self.where}{name}: {self.message}" + (f"; {self.fix}" if self.fix else "")


def an_error(where: str, message: str, fix: str = "", route: str = "") -> Problem:
    return Problem(severity="error", where=where, message=message, fix=fix, route=route)


def meant_or_known(word: str, words: Collection[str]) -> str:
    """The end of an error about this word: the one of these that was probably meant, else all of them."""
    meant = near(word, words)
    return f"did you mean {meant}?" if meant else f"known: {', '.join(words)}"


def near(word: str, words: Collection[str]) -> str:
    """The word that was probably meant; "" when none is near."""
    by_lower = {item.lower(): item for item in words}
    return next((by_lower[item] for item in difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)), "")
