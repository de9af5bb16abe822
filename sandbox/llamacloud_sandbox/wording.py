"""The word lists of wording.toml, as lists and as alternatives of a regular expression."""

import re
import tomllib
from functools import cache
from importlib import resources


def phrases(table: str, name: str) -> tuple[str, ...]:
    """The phrases of one list."""
    return tuple(" ".join(_tables()[table][name].split()).split(", "))


def alternatives(table: str, name: str) -> str:
    """A group that matches any phrase of the list, as a whole word."""
    longest_first = sorted(phrases(table, name), key=len, reverse=True)
    ends = ((re.escape(phrase), r"\b" if phrase[-1].isalnum() else "") for phrase in longest_first)
    return f"(?:{'|'.join(phrase + end for phrase, end in ends)})"


def words(table: str, name: str) -> tuple[str, ...]:
    """The single words of a list that is separated by blanks."""
    return tuple(_tables()[table][name].split())


def languages() -> tuple[str, ...]:
    """The languages whose little words are known."""
    return tuple(_tables()["languages"])


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("llamacloud_sandbox").joinpath("wording.toml").read_text("utf-8"))
