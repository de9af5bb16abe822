"""Rows held against each other: types that no row takes, rows that never win."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import combinations

from receiver.core.condition_logic import covered, impossible
from receiver.core.possible_facts import WHY
from receiver.core.problem import Problem, an_error, near
from receiver.core.route import ANY, Route, RouteTable
from receiver.core.row_coverage import Above, covers
from receiver.core.when import When

TOGETHER = 12
"""Rows at most that are held together against one below: more are compared with it one by one only."""


def types_without_row(table: RouteTable, produced: Sequence[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(produced):
        rows = [route for route, _ in table.rows(name)]
        if not rows:
            meant = near(name, set(table.types) - set(produced))
            fix = f"is the row for {meant!r} meant? Otherwise add" if meant else "add"
            yield an_error("routes", f"type {name!r} has no row", f"{fix}: - {{type: {name}, to: [...]}}")
        elif all(route.goes_on for route in rows):
            fix = "take `continue` from the last one, or add a row without it"
            yield an_error("routes", f"every row for type {name!r} says continue: none is final", fix)
        elif not _takes_all([route for route in rows if not route.goes_on]):
            fix = "add a last row for it without `when`, or drop the conditions of one"
            yield an_error(
                "routes", f"every row for type {name!r} has conditions: some documents would match no row", fix
            )


def _takes_all(rows: Sequence[Route]) -> bool:
    """Whether every document meets the conditions of one of the rows."""
    if any(covers(route.when, When()) for route in rows):
        return True
    return len(rows) <= TOGETHER and covered([route.when for route in rows], When()) is True


def dead_rows(table: RouteTable) -> Iterator[Problem]:
    above = {name: Above() for name in (*table.types, ANY)}
    for place, route in enumerate(table.routes):
        where = f"routes[{place}]"
        if reason := _never(route):
            yield an_error(where, f"can never match: {reason}", "correct or remove the row", route.name)
            continue
        takers = {name: _takers(route, above[name]) for name in route.types}
        yield from _taken(where, route, {name: found for name, found in takers.items() if found})
        if not route.goes_on:
            for name in above if ANY in route.types else route.types:
                above[name].add(route)


def _taken(where: str, route: Route, taken: dict[str, list[str]]) -> Iterator[Problem]:
    """The problem of a row that rows above take these types from."""
    if not taken:
        return
    whole = len(taken) == len(route.types)
    takers = list(dict.fromkeys(name for names in taken.values() for name in names))
    names, several = ", ".join(map(repr, takers)), len(takers) > 1
    what = "can never win" if whole else f"can never win for {', '.join(map(repr, taken))}"
    message = (
        f"{what}: {names} {'are' if several else 'is'} above it and {'take' if several else 'takes'} the same "
        "documents from the same confidence on"
    )
    narrow = "one of them" if several else "that one"
    fix = f"move it above {names}, or narrow {narrow}" if whole else "remove the type here"
    yield Problem(severity="error" if whole else "warning", where=where, message=message, fix=fix, route=route.name)


def _never(route: Route) -> str:
    for what, low, high in (
        ("pages", route.when.min_pages, route.when.max_pages),
        ("size", route.when.min_size, route.when.max_size),
    ):
        if low is not None and high is not None and low > high:
            return f"min_{what} {low} is above max_{what} {high}"
    if not route.min_confidence <= 1:
        return f"confidence never reaches {route.min_confidence}"
    if not route.types:
        return "it names no type"
    return _excluded(route.when, sure=True)


def doubtful_rows(table: RouteTable) -> Iterator[Problem]:
    """Warnings: rows that match nothing that comes in by Mailroom's own ways, and parts of ``any`` that never hold."""
    for place, route in enumerate(table.routes):
        where = f"routes[{place}].when"
        if _never(route):
            continue
        if why := _excluded(route.when, sure=False):
            message = f"matches nothing that Mailroom receives: {why}"
            yield _a_warning(where, message, route)
        else:
            yield from _idle(where, route.when, route)


def _idle(where: str, when: When, route: Route) -> Iterator[Problem]:
    for at, item in enumerate(when.any_of if len(when.any_of) > 1 else ()):
        place = f"{where}.any[{at}]"
        why = _excluded(item, sure=False)
        if not why and impossible(replace(when, any_of=(item,)), sure=False):
            why = "it excludes what must hold beside it"
        if why:
            yield _a_warning(place, f"never holds: {why}", route)
        else:
            yield from _idle(place, item, route)


def _a_warning(where: str, message: str, route: Route) -> Problem:
    return Problem(severity="warning", where=where, message=message, fix="correct or remove it", route=route.name)


def _excluded(when: When, *, sure: bool) -> str:
    """Why no document can meet the conditions; "" when some may."""
    asked = {
        item.name: getattr(when, item.name) for item in fields(when) if getattr(when, item.name) not in ((), {}, None)
    }
    if len(asked) < 2 and not when.source and not when.any_of and not when.none_of:
        return ""  # the usual row: there is nothing that it could exclude
    if not impossible(when, sure=sure):
        return ""
    plain = [name for name in asked if name not in ("any_of", "none_of")]
    for names in (some for count in (2, 3) for some in combinations(plain, count)):
        if impossible(When(**{name: asked[name] for name in names}), sure=sure):
            return _clash(names)
    return "no document can meet its conditions"


def _clash(names: Sequence[str]) -> str:
    of = {item.partition("_")[2] if item.startswith(("min_", "max_")) else item for item in names}
    why = next((f": {text}" for name, text in WHY.items() if name in of), "")
    return f"{', '.join(names[:-1])} and {names[-1]} exclude each other{why}"


def _takers(route: Route, above: Above) -> list[str]:
    """The rows above that take all documents that the row could win; [] when some are left to it."""
    for other in above.perhaps_covering(route):
        if other.min_confidence <= route.min_confidence and covers(other.when, route.when):
            return [other.name]
    rivals = [other for other in above.rows if other.min_confidence <= route.min_confidence]
    if not rivals or len(rivals) > TOGETHER or not _covered(rivals, route):
        return []
    for other in rivals:
        if _covered(needed := [item for item in rivals if item is not other], route):
            rivals = needed
    return [other.name for other in rivals]


def _covered(rivals: Sequence[Route], route: Route) -> bool:
    return covered([other.when for other in rivals], route.when) is True
