"""Checks the routing table at startup, so that the first document does not find its errors.

``check`` reads the table alone and asks no service: types without a row, rows that can never win, names and places that
clash, destinations that nothing serves. A table without errors has an outcome for every result of the classifier. Where
conditions (``when``) are too complex to compare, the check treats them as different and reports nothing.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from receiver.core.alert_rule import AlertRule
from receiver.core.object_key import field_faults
from receiver.core.pattern import matches
from receiver.core.places import Names, TableEntry, doubled, on_manifests
from receiver.core.plan import Taken, Target, Way
from receiver.core.possible_facts import SOURCES
from receiver.core.problem import Problem, an_error, near
from receiver.core.route import ANY, Route, RouteTable
from receiver.core.shared_places import coinciding, in_the_way
from receiver.core.unused_rows import dead_rows, doubtful_rows, types_without_row
from receiver.core.when import When

_RESERVED = (frozenset(Way) - {Way.MAIL}) | {"packet"}


def check_table(
    table: RouteTable,
    *,
    types: Sequence[str] | None,
    categories: Sequence[str] = (),
    schemes: Collection[str],
    faults: Callable[[Target], list[str]],
    alerts: Sequence[AlertRule] = (),
    channels: Collection[str] | None = None,
    adopted: bool = False,
    names: Names = lambda _, url: Taken(place=url),
    pieces: Collection[str] | None = None,
) -> list[Problem]:
    """What is wrong with the table, errors first.

    ``types`` are those that the classifier can answer, None when unknown (a preset); ``categories`` those that pieces
    of a packet are routed by; ``schemes`` the URL schemes that have a destination, whose own judgement is ``faults``;
    ``channels`` the kinds of alert channels, None when unknown; ``adopted`` says that jobs from elsewhere, with types
    that are not ours, come in too; ``names`` is what a delivery takes up (core/places.py);
    ``pieces`` are the categories that a piece of a packet can have, None when unknown.
    """
    produced = [*(types or ()), *categories]
    found = [
        *_names(table),
        *types_without_row(table, produced),
        *dead_rows(table),
        *doubtful_rows(table),
        *([] if types is None or adopted else _unknown_types(table, produced)),
        *([] if pieces is None or adopted else _unknown_categories(table, [*pieces, *table.types])),
        *([] if adopted else _unadopted(table)),
        *_places(table, schemes, faults, names),
        *_low_confidence(table),
        *_channels(alerts, channels),
    ]
    return sorted(found, key=lambda problem: problem.severity)


def _rows(table: RouteTable) -> Iterator[tuple[str, Route]]:
    return ((f"routes[{place}]", route) for place, route in enumerate(table.routes))


def _names(table: RouteTable) -> Iterator[Problem]:
    """Names make delivery ids: two rows of one name would be one to them."""
    seen: dict[str, str] = {}
    for where, route in _rows(table):
        if route.name in _RESERVED:
            yield an_error(
                where, f"{route.name!r} is a name that Mailroom reserves", "give it another `name`", route.name
            )
        elif route.name in seen:
            fix = "give one of them a `name` of its own"
            yield an_error(where, f"{seen[route.name]} has the same name {route.name!r}", fix, route.name)
        seen.setdefault(route.name, where)


def _unknown_types(table: RouteTable, produced: Sequence[str]) -> Iterator[Problem]:
    for where, route in _rows(table):
        for name in route.types:
            if name not in produced and name != ANY:
                meant = near(name, produced)
                fix = f"did you mean {meant!r}?" if meant else "add a rule for it to classify.rules, or remove it here"
                message = f"no rule produces type {name!r}"
                yield an_error(f"{where}.type", message, fix, route.name)


def _unknown_categories(table: RouteTable, known: Sequence[str]) -> Iterator[Problem]:
    for where, route in _rows(table):
        for pattern in dict.fromkeys(_parents(route.when)):
            if not any(matches([pattern], item) for item in known):
                meant = near(pattern, known)
                fix = f"did you mean {meant!r}?" if meant else f"there are {', '.join(dict.fromkeys(known))}"
                message = f"no piece of a packet has the category {pattern!r}"
                yield an_error(f"{where}.when.parent_category", message, fix, route.name)


def _unadopted(table: RouteTable) -> Iterator[Problem]:
    """Warns of rows for adopted jobs only, if adoption is off. Jobs may have been adopted earlier."""
    others = [source for source in SOURCES if source != "adopted"]
    for where, route in _rows(table):
        if route.when.source and not any(matches(route.when.source, item) for item in others):
            message, fix = "adoption of jobs created elsewhere is off", "set MAILROOM_ADOPT=true, or remove the row"
            yield Problem(severity="warning", where=f"{where}.when.source", message=message, fix=fix, route=route.name)


def _parents(when: When) -> Iterator[str]:
    yield from when.parent_category
    for item in (*when.any_of, *when.none_of):
        yield from _parents(item)


def _places(
    table: RouteTable, schemes: Collection[str], faults: Callable[[Target], list[str]], names: Names
) -> Iterator[Problem]:
    sound, rows = [], dict(_rows(table))
    for where, name, targets in ways(table):
        for at, target in enumerate(targets):
            entry = TableEntry(where, at, target, name, rows.get(where))
            wrong = _target_faults(target, schemes, faults)
            yield from (an_error(entry.here, f"{target.url}: {fault}", route=name) for fault in wrong)
            if not wrong:
                sound.append(entry)
    yield from doubled(sound, names)
    yield from on_manifests(sound, names)
    yield from coinciding(sound, names)
    yield from in_the_way(sound, names)


def ways(table: RouteTable) -> Iterator[tuple[str, str, Sequence[Target]]]:
    """Place in the file, row's name ("" for a named way) and targets, of everything that leads somewhere."""
    yield from ((where, route.name, route.to) for where, route in _rows(table))
    for way in ("no_match", "low_confidence", "failed", "packet", "mail"):
        if fallback := getattr(table, way):
            yield way, "", fallback.to


def _target_faults(target: Target, schemes: Collection[str], faults: Callable[[Target], list[str]]) -> list[str]:
    scheme, _, rest = target.url.partition("://")
    if scheme not in schemes:
        meant = near(scheme, schemes)
        hint = (
            f"did you mean {meant}://?" if meant else f"there are {', '.join(f'{item}://' for item in sorted(schemes))}"
        )
        return [f"no destination serves {scheme}://; {hint}"]
    found = field_faults(rest.removeprefix("./"))  # folder://./relative
    if "{" in rest.split("/")[0]:
        found.append("fields are allowed only in the path: the bucket, queue or host must not depend on a document")
    return list(dict.fromkeys([*found, *faults(target)]))


def _low_confidence(table: RouteTable) -> Iterator[Problem]:
    if table.routes and not any(route.min_confidence > 0 for route in table.routes):
        message = "no document can reach this route: no row has a min_confidence"
        yield Problem(
            severity="warning", where="low_confidence", message=message, fix="set min_confidence on rows, from 0 to 1"
        )  # fmt: skip


def _channels(alerts: Sequence[AlertRule], channels: Collection[str] | None) -> Iterator[Problem]:
    for rule in alerts:
        kind = rule.channel.partition(":")[0]
        if channels is not None and kind not in channels:
            meant = near(kind, channels)
            fix = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(channels))}"
            called = repr(kind) if rule.to.startswith(f"{kind}:") else "the variable's value"
            yield an_error(rule.where, f"no alert channel is called {called}", fix)
