"""A target's options, read and checked the same way for every destination."""

import difflib
from collections.abc import Iterable, Mapping


def unknown(options: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """One fault for each option that the destination does not know, with the one that was probably meant."""
    names = sorted(known)
    return [_said(name, names) for name in options if name not in names]


def _said(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown option {name!r}{hint} Known are: {', '.join(known)}" if known else f"it takes no option {name!r}"


def pairs(value: str) -> dict[str, str]:
    """``a=b, c=d`` as a mapping. Raises ValueError naming the part that is no pair."""
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in value.split(","))):
        name, equals, given = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{part!r} is not name=value")
        found[name.strip()] = given.strip()
    return found


def pairs_faults(option: str, value: str, *, limit: int) -> list[str]:
    """What is wrong with an option that holds ``a=b, c=d``; at most ``limit`` pairs."""
    try:
        found = pairs(value)
    except ValueError as error:
        return [f"option {option}: {error}; write {option}: name=value, name=value"]
    return [f"option {option}: {len(found)} pairs are more than {limit}"] if len(found) > limit else []
