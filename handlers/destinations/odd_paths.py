"""Warnings about path templates that are probably a mistake, because characters in them are literal."""

import re
from collections.abc import Iterator

_STRFTIME = {"Y": "{yyyy}", "m": "{mm}", "d": "{dd}", "y": "{yyyy}"}


def literal_signs(template: str) -> Iterator[str]:
    """Characters that are special in other templates, in shells and in URLs, but literal here."""
    if found := re.search(r"\{\{\w*\}\}", template):
        yield f"{found[0]} stands for {found[0][1:-1]} in braces: for the field write {found[0][1:-1]}"
    elif found := re.search(r"\$\{?\w*\}?", template):
        yield f"{found[0]} is not a variable here: for a field write {{type}}, for a variable a whole part, env:NAME"
    if found := re.search(r"%([YymdHMSj])(?![0-9A-Fa-f])", template):
        yield f"{found[0]} is not a date field here: write {_STRFTIME.get(found[1], '{yyyy}, {mm} or {dd}')}"
    elif found := re.search(r"%[0-9A-Fa-f]{2}", template):
        yield f"{found[0]} is literal: a path is not a URL, so write the character"
    if found := re.search(r"[*?#\\]|<\w+>", template):
        yield f"{found[0]} is literal in a path"


def odd_parts(template: str) -> Iterator[str]:
    """Parts between slashes that are empty (for some documents at least), or begin or end with a space."""
    parts = template.removesuffix("/").split("/")
    if "" in parts:
        yield "it has an empty part, between two slashes or at the beginning"
    if "{ext}" in parts:
        yield "a file without an extension makes the part {ext} empty: put something beside it, as in {stem}.{ext}"
    if found := next((item for item in parts if item != item.strip(" ")), ""):
        yield f"the part {found!r} begins or ends with a space"
