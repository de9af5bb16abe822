"""Patterns that may well mean something else than they say, told as warnings."""

import re
from collections.abc import Iterator

from receiver.config import model
from receiver.config.conditions import WhenSection
from receiver.core.pattern import GLOB, empty_class, once_a_class
from receiver.core.when import TEXTS

Surprise = tuple[str, str, str]
"""Place, what is odd, and what to write."""


def surprises(file: model.File) -> Iterator[Surprise]:
    """Every pattern of the file that may surprise its author."""
    for place, route in enumerate(file.routes):
        yield from _of_conditions(f"routes[{place}].when", route.when)
    for pattern in file.resubmit.when:
        yield from _of_class("resubmit.when", pattern)


def _of_conditions(place: str, section: WhenSection) -> Iterator[Surprise]:
    for name in TEXTS:
        for pattern in getattr(section, name) or ():
            yield from _of_class(f"{place}.{name}", pattern)
            yield from _of_ending(f"{place}.{name}", name, pattern)
            yield from _of_form(f"{place}.{name}", name, pattern)
    for key, patterns in (section.metadata or {}).items():
        for pattern in patterns:
            yield from _of_class(f"{place}.metadata.{key}", pattern)
    for at, one in enumerate(section.any_of or ()):
        yield from _of_conditions(f"{place}.any[{at}]", one)
    for at, one in enumerate(section.excluded):
        inside = "" if isinstance(section.none_of, WhenSection) else f"[{at}]"
        yield from _of_conditions(f"{place}.not{inside}", one)


def _of_class(place: str, pattern: str) -> Iterator[Surprise]:
    if found := once_a_class(pattern):
        message = f"{found} in {pattern!r} stands for itself, and not for one of these characters as it once did"
        yield place, message, f"if one of them is meant, write {GLOB}{pattern}"


def _of_ending(place: str, name: str, pattern: str) -> Iterator[Surprise]:
    """``@acme.example`` and ``.pdf`` fit nothing that is longer."""
    begins = {"sender": "@", "recipient": "@", "name": "."}.get(name)
    if begins and pattern.startswith(begins) and "*" not in pattern:
        yield place, f"{pattern!r} fits only what is exactly that", f"write *{pattern}"


def _of_form(place: str, name: str, pattern: str) -> Iterator[Surprise]:
    """Regular expressions, classes that hold nothing, and addresses that are written as no address is compared."""
    if pattern.startswith(GLOB):
        if odd := empty_class(pattern):
            yield place, f"{odd} in {pattern!r} fits no character", "write [first-last], closed by ]"
    elif re.search(r"^\^|\\[.dws]", pattern):
        yield place, f"{pattern!r} looks like a regular expression, and is compared as it stands", "use * and ?"
    elif name in ("sender", "recipient") and re.search(r"<[^>]*>$", pattern):
        yield place, f"{pattern!r} is a name with an address; addresses alone are compared", "write the address alone"
