"""Compares places: two targets that are one place, and documents where another's manifest would be.

Each destination names what its addresses use (core/plan.py); this module only compares.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from receiver.core.object_key import FIELDS, UNTYPED, render
from receiver.core.plan import Taken, Target
from receiver.core.problem import Problem, an_error
from receiver.core.route import ANY, Route

Names = Callable[[Target, str], Taken]
"""What a delivery to this target uses at this address."""
SAMPLE = {name: f"<{name}>" for name in FIELDS}
"""A value for each field that no other field has."""
_FILES = (("mailroom.json", "mailroom", "json"), ("x.mailroom.json", "x.mailroom", "json"), ("json", "json", ""))
"""Name, stem and extension of files that could make a document's key look like a manifest's."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A target and its place in the table."""

    where: str
    """Of the row or way: ``routes[2]``."""
    at: int
    target: Target
    name: str = ""
    route: Route | None = None

    @property
    def here(self) -> str:
        return f"{self.where}.to[{self.at}]"

    def goes_with(self, below: "TableEntry") -> bool:
        """Whether one document can be delivered to both."""
        if self.where == below.where:
            return True
        if self.route is None or not self.route.goes_on:
            return False
        return below.where == "low_confidence" or (below.route is not None and _share(self.route, below.route))


def _share(item: Route, other: Route) -> bool:
    return ANY in item.types or ANY in other.types or not set(item.types).isdisjoint(other.types)


def doubled(entries: Iterable[TableEntry], names: Names) -> Iterator[Problem]:
    """Targets that are, or may be, the place of an earlier one for the same document.

    The same target in two rows is delivered to once; these are only written differently.
    """
    for above, its, below, taken in meeting(entries, names, SAMPLE):
        yield _double(above, its, below, taken)


def meeting(
    entries: Iterable[TableEntry], names: Names, values: Mapping[str, str]
) -> Iterator[tuple[TableEntry, Taken, TableEntry, Taken]]:
    """Two targets that one document goes to, the upper one first, that are one place where fields have these values."""
    lying = _Lying()
    for entry in entries:
        taken = names(entry.target, render(entry.target.url, values))
        if above := lying.doubled_by(entry, taken):
            yield *above, entry, taken
        lying.add(entry, taken)


class _Lying:
    """The targets so far that one below may double: those of the same row, and those of rows that say continue.

    Of these only one of each kind: thousands of rows may share a place.
    """

    def __init__(self) -> None:
        self._where = ""
        self._row: dict[str, list[tuple[TableEntry, Taken]]] = {}
        self._going_on: dict[str, dict[object, tuple[TableEntry, Taken]]] = {}

    def add(self, entry: TableEntry, taken: Taken) -> None:
        for name in (taken.place, *taken.perhaps):
            self._row.setdefault(name, []).append((entry, taken))
            if entry.route is not None and entry.route.goes_on:
                kinds = self._going_on.setdefault(name, {})
                kinds.setdefault((entry.route.types, entry.target.key), (entry, taken))

    def doubled_by(self, entry: TableEntry, taken: Taken) -> tuple[TableEntry, Taken] | None:
        if entry.where != self._where:
            self._where, self._row = entry.where, {}
        for name in (taken.place, *taken.perhaps):
            for above, its in (*self._row.get(name, ()), *self._going_on.get(name, {}).values()):
                if _doubles(above, its, entry, taken, name):
                    return above, its
        return None


def _doubles(above: TableEntry, its: Taken, below: TableEntry, taken: Taken, name: str) -> bool:
    if name not in (its.place, taken.place) or not above.goes_with(below):
        return False
    return above.where == below.where or above.target.key != below.target.key


def _double(above: TableEntry, its: Taken, below: TableEntry, taken: Taken) -> Problem:
    near = above.where == below.where
    other = f"to[{above.at}]" if near else f"{above.here} ({above.name}), which says continue"
    if its.place != taken.place:
        message = f"{below.target.url} may be the same place as {other}, {above.target.url}"
        return an_error(below.here, message, "remove one of the two, or write both as addresses", below.name)
    fix = "remove one of the two" if near else "remove one of the two, or write both alike"
    return an_error(below.here, f"{below.target.url} is the same place as {other}", fix, below.name)


def on_manifests(entries: Collection[TableEntry], names: Names) -> Iterator[Problem]:
    """Targets at which a document's own name may be that of another target's manifest."""
    found: dict[str, Problem] = {}
    for values in _values():
        lying = [(entry, names(entry.target, render(entry.target.url, values))) for entry in entries]
        beside: Mapping[str, TableEntry] = {name: entry for entry, taken in lying for name in taken.beside}
        for entry, taken in lying:
            if other := beside.get(taken.place):
                message = f"{entry.target.url} can be where the manifest of {other.target.url} is stored ({other.here})"
                problem = an_error(entry.here, message, "give one of the two another ending", entry.name)
                found.setdefault(entry.here, problem)
    yield from found.values()


def _values() -> Iterator[dict[str, str]]:
    for filename, stem, ext in _FILES:
        yield {**SAMPLE, "filename": filename, "stem": stem, "ext": ext, "type": UNTYPED, "category": UNTYPED}
