"""Is the routing table sound? Found before the first document, not by it.

``check`` looks at the table alone and asks nobody: types without a row, rows that can never win, names and places that
clash, destinations that nobody serves. A table without errors has a named way for every answer of the classifier. Where
conditions (``when``) are too clever to be compared, the checker takes them for different and says nothing.
"""

import difflib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from receiver.core.alert_rule import AlertRule
from receiver.core.naming import FIELDS, field_faults, render
from receiver.core.plan import Target, Way
from receiver.core.route import Route, RouteTable, When

Severity = Literal["error", "warning"]
_SAMPLE = {name: f"<{name}>" for name in FIELDS}
_RESERVED = (frozenset(Way) - {Way.MAIL}) | {"packet"}


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


def check(
    table: RouteTable,
    *,
    types: Sequence[str] | None,
    categories: Sequence[str] = (),
    schemes: Collection[str],
    faults: Callable[[Target], list[str]],
    alerts: Sequence[AlertRule] = (),
    channels: Collection[str] | None = None,
    adopted: bool = False,
) -> list[Problem]:
    """What is wrong with the table, errors first.

    ``types`` are those that the classifier can answer, None when unknown (a preset); ``categories`` those that pieces
    of a packet are routed by; ``schemes`` the URL schemes that have a destination, whose own judgement is ``faults``;
    ``channels`` the kinds of alert channels, None when unknown; ``adopted`` says that jobs from elsewhere, with types
    that are not ours, come in too.
    """
    produced = [*(types or ()), *categories]
    found = [
        *_names(table),
        *_types_without_row(table, produced),
        *_dead_rows(table),
        *([] if types is None or adopted else _unknown_types(table, produced)),
        *_places(table, schemes, faults),
        *_low_confidence(table),
        *_channels(alerts, channels),
    ]
    return sorted(found, key=lambda problem: problem.severity)


def _error(where: str, message: str, fix: str = "", route: str = "") -> Problem:
    return Problem(severity="error", where=where, message=message, fix=fix, route=route)


def _rows(table: RouteTable) -> Iterator[tuple[str, Route]]:
    return ((f"routes[{place}]", route) for place, route in enumerate(table.routes))


def _names(table: RouteTable) -> Iterator[Problem]:
    """Names make delivery ids: two rows of one name would be one to them."""
    seen: dict[str, str] = {}
    for where, route in _rows(table):
        if route.name in _RESERVED:
            yield _error(where, f"{route.name!r} is a name of Mailroom's own", "give it another `name`", route.name)
        elif route.name in seen:
            fix = "give one of them a `name` of its own"
            yield _error(where, f"{seen[route.name]} has the same name {route.name!r}", fix, route.name)
        seen.setdefault(route.name, where)


def _types_without_row(table: RouteTable, produced: Sequence[str]) -> Iterator[Problem]:
    routed = {name for route in table.routes for name in route.types}
    always = {name for route in table.routes if covers(route.when, When()) for name in route.types}
    for name in dict.fromkeys(produced):
        if name not in routed:
            near = _near(name, routed - set(produced))
            fix = f"is the row for {near!r} meant? Otherwise add" if near else "add"
            yield _error("routes", f"type {name!r} has no row", f"{fix}: - {{type: {name}, to: [...]}}")
        elif name not in always:
            fix = "add a last row for it without `when`, or drop the conditions of one"
            yield _error("routes", f"every row for type {name!r} has conditions: some documents would have no way", fix)


def _unknown_types(table: RouteTable, produced: Sequence[str]) -> Iterator[Problem]:
    for where, route in _rows(table):
        for name in route.types:
            if name not in produced:
                near = _near(name, produced)
                fix = f"did you mean {near!r}?" if near else "add a rule for it to classify.rules, or remove it here"
                message = f"no rule produces type {name!r}"
                yield _error(f"{where}.type", message, fix, route.name)


def _dead_rows(table: RouteTable) -> Iterator[Problem]:
    for place, (where, route) in enumerate(_rows(table)):
        if impossible := _impossible(route):
            yield _error(where, f"can never match: {impossible}", "mend or remove the row", route.name)
            continue
        takers = {name: _taker(name, route, table.routes[:place]) for name in route.types}
        taken = {name: taker for name, taker in takers.items() if taker}
        if not taken:
            continue
        names = ", ".join(dict.fromkeys(f"{taker!r}" for taker in taken.values()))
        fix = f"move it above {names}, or narrow that one" if len(taken) == len(takers) else "remove the type here"
        whole = len(taken) == len(takers)
        what = "can never win" if whole else f"can never win for {', '.join(map(repr, taken))}"
        message = f"{what}: {names} stands above and takes the same documents from the same confidence on"
        yield Problem(
            severity="error" if whole else "warning", where=where, message=message, fix=fix, route=route.name
        )  # fmt: skip


def _impossible(route: Route) -> str:
    low, high = route.when.min_pages, route.when.max_pages
    if low is not None and high is not None and low > high:
        return f"min_pages {low} is above max_pages {high}"
    if not route.min_confidence <= 1:
        return f"confidence never reaches {route.min_confidence}"
    return "" if route.types else "it names no type"


def _taker(name: str, route: Route, above: Sequence[Route]) -> str:
    """The row above that takes all documents of this type that the row could win; "" when there is none."""
    for other in above:
        if name in other.types and other.min_confidence <= route.min_confidence and covers(other.when, route.when):
            return other.name
    return ""


def covers(wide: When, narrow: When) -> bool:
    """Whether every document that meets ``narrow`` surely meets ``wide``; in doubt False."""
    return (
        _patterns_cover(wide.source, narrow.source)
        and _patterns_cover(wide.sender, narrow.sender)
        and _patterns_cover(wide.name, narrow.name)
        and _patterns_cover(wide.subject, narrow.subject)
        and _patterns_cover(wide.parent_category, narrow.parent_category)
        and (wide.min_pages is None or (narrow.min_pages is not None and narrow.min_pages >= wide.min_pages))
        and (wide.max_pages is None or (narrow.max_pages is not None and narrow.max_pages <= wide.max_pages))
        and wide.duplicate in (None, narrow.duplicate)
    )


def _patterns_cover(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    if not wide or "*" in wide:
        return True
    return bool(narrow) and all(any(_pattern_covers(one, other) for one in wide) for other in narrow)


def _pattern_covers(wide: str, narrow: str) -> bool:
    wide, narrow = wide.lower(), narrow.lower()
    return wide == narrow or (not set(narrow) & set("*?[") and fnmatchcase(narrow, wide))


def _places(table: RouteTable, schemes: Collection[str], faults: Callable[[Target], list[str]]) -> Iterator[Problem]:
    for where, name, targets in ways(table):
        places: dict[str, int] = {}
        for place, target in enumerate(targets):
            here = f"{where}.to[{place}]"
            wrong = _target_faults(target, schemes, faults)
            yield from (_error(here, f"{target.url}: {fault}", route=name) for fault in wrong)
            lands = target.url if wrong else render(target.url, _SAMPLE)
            if lands in places:
                message = f"{target.url} is the same place as to[{places[lands]}]"
                yield _error(here, message, "remove one of the two", name)
            places.setdefault(lands, place)


def ways(table: RouteTable) -> Iterator[tuple[str, str, Sequence[Target]]]:
    """Place in the file, row's name ("" for a named way) and targets, of everything that leads somewhere."""
    yield from ((where, route.name, route.to) for where, route in _rows(table))
    for way in ("no_match", "low_confidence", "failed", "packet", "mail"):
        if fallback := getattr(table, way):
            yield way, "", fallback.to


def _target_faults(target: Target, schemes: Collection[str], faults: Callable[[Target], list[str]]) -> list[str]:
    scheme, _, rest = target.url.partition("://")
    if scheme not in schemes:
        near = _near(scheme, schemes)
        hint = f"did you mean {near}://?" if near else f"there are {', '.join(f'{one}://' for one in sorted(schemes))}"
        return [f"no destination serves {scheme}://; {hint}"]
    found = field_faults(rest.removeprefix("./"))  # folder://./relative
    if "{" in rest.split("/")[0]:
        found.append("fields may stand only in the path: which bucket, queue or host must not depend on a document")
    return list(dict.fromkeys([*found, *faults(target)]))


def _low_confidence(table: RouteTable) -> Iterator[Problem]:
    if table.routes and not any(route.min_confidence > 0 for route in table.routes):
        message = "no document can come this way: no row has a min_confidence"
        yield Problem(
            severity="warning", where="low_confidence", message=message, fix="set min_confidence on rows, from 0 to 1"
        )  # fmt: skip


def _channels(alerts: Sequence[AlertRule], channels: Collection[str] | None) -> Iterator[Problem]:
    for place, rule in enumerate(alerts):
        kind = rule.channel.partition(":")[0]
        if channels is not None and kind not in channels:
            near = _near(kind, channels)
            fix = f"did you mean {near}?" if near else f"there are {', '.join(sorted(channels))}"
            yield _error(f"alerts[{place}].to", f"no alert channel is called {kind!r}", fix)


def _near(word: str, words: Collection[str]) -> str:
    """The word that was probably meant; "" when none is near."""
    by_lower = {one.lower(): one for one in words}
    return next((by_lower[one] for one in difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)), "")
