"""Places that are apart by their templates, and meet for some documents; and files that lie where a folder must be."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from receiver.core.object_key import render
from receiver.core.places import SAMPLE, Names, TableEntry, meeting
from receiver.core.problem import Problem, an_error

_WITH = {"filename": f"{SAMPLE['stem']}.{SAMPLE['ext']}"}
_WITHOUT = {"filename": SAMPLE["stem"], "ext": ""}
_ALONE = {"batch": SAMPLE["document_id"]}
_SORTED = {"category": SAMPLE["type"]}
CASES: Mapping[str, Mapping[str, str]] = {
    "a file whose name has an extension": {**SAMPLE, **_WITH},
    "a file whose name has no extension": {**SAMPLE, **_WITHOUT},
    "a document that is its own batch": {**SAMPLE, **_ALONE},
    "a document whose type and category are alike": {**SAMPLE, **_SORTED},
    "some documents that came by themselves": {**SAMPLE, **_WITH, **_ALONE, **_SORTED},
    "some documents without an extension": {**SAMPLE, **_WITHOUT, **_ALONE, **_SORTED},
}
"""Fields that often have one value: for which documents, and the values of all fields."""


def coinciding(entries: Sequence[TableEntry], names: Names) -> Iterator[Problem]:
    """Warnings: targets of one document that are one place for some documents. These are delivered there once."""
    found: dict[str, Problem] = {}
    for case, values in CASES.items():
        for above, _, below, taken in meeting(entries, names, values):
            apart = [names(item.target, render(item.target.url, SAMPLE)).place for item in (above, below)]
            if taken.perhaps or len(set(apart)) == 1:
                continue  # they are, or may be, one place for all documents, which is reported already
            other = f"to[{above.at}]" if above.where == below.where else f"{above.here} ({above.name})"
            message = f"for {case}, {below.target.url} is the same place as {other}, {above.target.url}"
            fix = "remove one of the two, or make them differ in a literal part"
            found.setdefault(below.here, _a_warning(below, message, fix))
    yield from found.values()


def in_the_way(entries: Sequence[TableEntry], names: Names) -> Iterator[Problem]:
    """Targets whose files lie where another target needs a folder: an error where all documents of one row meet it."""
    found: dict[str, Problem] = {}
    for case, values in {"": SAMPLE, **CASES}.items():
        lying = [(item, names(item.target, render(item.target.url, values))) for item in entries]
        files = {name: item for item, taken in lying if taken.tree for name in (taken.place, *taken.beside)}
        for item, taken in lying if files else ():
            folders = (str(above) for above in PurePosixPath(taken.place).parents) if taken.tree else ()
            if other := next((files[name] for name in folders if name in files), None):
                found.setdefault(item.here, _blocked(other, item, case))
    yield from found.values()


def _blocked(file: TableEntry, below: TableEntry, case: str) -> Problem:
    seldom = f"for {case}, " if case else ""
    message = f"{seldom}{below.target.url} needs a folder where {file.here} puts a file, {file.target.url}"
    fix = "put one of the two into a folder of its own"
    together = file.goes_with(below) or below.goes_with(file)
    if together and not case:
        return an_error(below.here, message, fix, below.name)
    return _a_warning(below, message, fix)


def _a_warning(entry: TableEntry, message: str, fix: str) -> Problem:
    return Problem(severity="warning", where=entry.here, message=message, fix=fix, route=entry.name)
