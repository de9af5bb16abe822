"""Deciding by a large table: ``python -m benchmarks.decide [--rows 2000]``.

Prints, for tables of so many rows, the processor's milliseconds for one decision (best and median of 200), for one
check of the whole table, and for the table's one hash. ``types``: a row for each type and ten more with conditions;
``senders``: one type, and a sender for each row; ``patterns``: one type, and two patterns with wildcards for each row.
The document is one that the last row takes, which is the dearest.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from receiver.core.check import check_table
from receiver.core.document import Classification, Document, Origin
from receiver.core.plan import Target
from receiver.core.route import Fallback, Route, RouteTable, decide
from receiver.core.when import When

TIMES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    rows = parser.parse_args().rows
    print(f"{'table':<10} {'decide ms':>10} {'median':>9} {'check ms':>9} {'hash ms':>8}")
    for name, make in TABLES.items():
        print_table(name, make(rows))


def by_types(rows: int) -> list[Route]:
    names = [f"type-{n}" for n in range(rows // 11 + 1)]
    found = [
        a_row(f"{name} {n}", name, When(sender=(f"*@{n}.example",), min_pages=n + 1))
        for name in names
        for n in range(10)
    ]
    return [*found, *(a_row(name, name) for name in names)]


def by_senders(rows: int) -> list[Route]:
    return [
        *(a_row(f"r{n}", "type-0", When(sender=(f"ann@{n}.example",))) for n in range(rows)),
        a_row("rest", "type-0"),
    ]


def by_patterns(rows: int) -> list[Route]:
    found = [a_row(f"r{n}", "type-0", When(subject=(f"*order {n} of*",), name=("*.pdf",))) for n in range(rows)]
    return [*found, a_row("rest", "type-0")]


TABLES: dict[str, Callable[[int], list[Route]]] = {"types": by_types, "senders": by_senders, "patterns": by_patterns}


def a_row(name: str, of: str, when: When | None = None) -> Route:
    return Route(name=name, types=(of,), when=when or When(), to=(Target(url=f"s3://mail/{of}/"),))


def a_table(routes: list[Route]) -> RouteTable:
    held = Fallback(review=True)
    return RouteTable(routes=tuple(routes), no_match=held, low_confidence=held, failed=held)


def a_document() -> Document:
    return Document(
        id="doc_x", name="letter.pdf", sha256="0" * 64, size=1234, media_type="application/pdf", taken_in_at=0.0,
        origin=Origin(kind="email", locator="x", sender="zoe@elsewhere.example"), content="", page_count=2,
        metadata={"subject": "your order 7 in other words"},
    )  # fmt: skip


def print_table(name: str, routes: list[Route]) -> None:
    table, document = a_table(routes), a_document()
    result = Classification(type="type-0", confidence=0.9)
    hashed = milliseconds(lambda: table.version)
    plan = decide(table, result, document, now=0.0)
    assert plan.way == "matched", plan
    spent = [milliseconds(lambda: decide(table, result, document, now=0.0)) for _ in range(TIMES)]
    checked = milliseconds(lambda: check_table(table, types=table.types, schemes=("s3",), faults=lambda _: []))
    print(f"{name:<10} {min(spent):>10.3f} {statistics.median(spent):>9.3f} {checked:>9.0f} {hashed:>8.1f}")


def milliseconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


if __name__ == "__main__":
    main()
