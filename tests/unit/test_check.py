"""The routing table's faults are found before the first document."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.alert_rule import AlertRule
from receiver.core.check import check_table
from receiver.core.document import Classification, Document, Origin
from receiver.core.plan import Target, Way
from receiver.core.problem import Problem
from receiver.core.route import Fallback, Route, RouteTable, decide
from receiver.core.row_coverage import covers
from receiver.core.when import Judge, When, document_attributes
from tests.builders import NOW, a_document

PLACE = Target(url="s3://mail/in/")


def a_row(*types: str, name: str = "", to: Sequence[str] = (PLACE.url,), **fields: Any) -> Route:
    return Route(name=name or "+".join(types), types=types, to=tuple(Target(url=url) for url in to), **fields)


def a_table(*routes: Route) -> RouteTable:
    return RouteTable(
        routes=routes,
        no_match=Fallback(review=True),
        low_confidence=Fallback(review=True),
        failed=Fallback(to=(PLACE,)),
    )


def problems(*routes: Route, types: Sequence[str] | None = ("a", "b"), **given: Any) -> list[str]:
    """Errors of a table with these rows, as lines."""
    found = check_table(a_table(*routes), types=types, schemes={"s3", "sqs", "folder"}, faults=lambda _: [], **given)
    return [str(problem) for problem in found if problem.severity == "error"]


A, B = a_row("a", min_confidence=0.5), a_row("b")


def test_a_sound_table_has_no_problems() -> None:
    assert problems(A, B) == []


def test_a_rule_type_needs_a_row() -> None:
    assert problems(A) == ["routes: type 'b' has no row; add: - {type: b, to: [...]}"]


def test_a_misspelt_type_is_recognised_from_both_sides() -> None:
    assert problems(A, a_row("invioce"), types=("a", "invoice")) == [
        "routes: type 'invoice' has no row; is the row for 'invioce' meant? Otherwise add: "
        "- {type: invoice, to: [...]}",
        "routes[1].type (invioce): no rule produces type 'invioce'; did you mean 'invoice'?",
    ]


def test_a_type_that_no_rule_produces_is_fine_where_jobs_are_adopted_or_rules_unknown() -> None:
    assert problems(A, B, a_row("c"), adopted=True) == []
    assert problems(A, B, a_row("c"), types=None) == []
    assert problems(A, B, a_row("c"), categories=("c",)) == []


def test_categories_need_rows_where_pieces_are_routed_by_them() -> None:
    assert problems(A, B, categories=("essay",)) == ["routes: type 'essay' has no row; add: - {type: essay, to: [...]}"]


def test_rows_that_all_have_conditions_leave_some_documents_without_a_way() -> None:
    assert problems(A, a_row("b", when=When(min_pages=2))) == [
        "routes: every row for type 'b' has conditions: some documents would match no row; "
        "add a last row for it without `when`, or drop the conditions of one"
    ]
    assert problems(A, a_row("b", when=When(name=("*",)))) == []


def test_rows_that_share_all_documents_between_them_leave_none_without_a_way() -> None:
    pdf = When(name=("*.pdf",))
    assert problems(A, a_row("b", when=pdf), a_row("b", name="other", when=When(none_of=(pdf,)))) == []
    assert problems(A, a_row("b", when=When(max_pages=5)), a_row("b", name="long", when=When(min_pages=6))) == []
    assert problems(A, a_row("b", when=When(max_pages=5)), a_row("b", name="long", when=When(min_pages=7))) != []


def test_a_catch_all_is_a_row_for_every_type() -> None:
    assert problems(A, a_row("*", name="any")) == []
    assert problems(A, B, a_row("*", name="any")) == []
    assert "every row for type 'b' has conditions" in problems(A, a_row("*", name="any", when=pages(2)))[0]


def test_rows_that_continue_end_no_reading() -> None:
    assert problems(a_row("*", name="copy", goes_on=True), A, B) == []
    assert problems(A, a_row("b", goes_on=True)) == [
        "routes: every row for type 'b' says continue: none is final; "
        "take `continue` from the last one, or add a row without it"
    ]
    assert problems(a_row("a", goes_on=True), A, B, a_row("*", name="copy", goes_on=True)) != []


def pages(least: int) -> When:
    return When(min_pages=least)


NARROW = When(source=("email",), min_pages=3)
SHADOWS = [
    (a_row("a"), a_row("a", name="later")),
    (a_row("a"), a_row("a", name="later", min_confidence=0.9)),
    (a_row("a", "b"), a_row("a", name="later")),
    (a_row("a"), a_row("a", name="later", when=NARROW)),
    (a_row("a", when=When(source=("*",))), a_row("a", name="later")),
    (a_row("a", when=When(source=("E*",))), a_row("a", name="later", when=NARROW)),
    (a_row("a", when=When(min_pages=2)), a_row("a", name="later", when=NARROW)),
    (a_row("a", when=When(duplicate=True)), a_row("a", name="later", when=When(duplicate=True, min_pages=2))),
    (a_row("*", name="any"), a_row("a", name="later", when=NARROW)),
    (a_row("a"), a_row("a", name="later", goes_on=True)),
    (a_row("a", when=When(none_of=(pages(3),))), a_row("a", name="later", when=When(max_pages=2))),
    (a_row("a", when=When(any_of=(pages(3), When(name=("x",))))), a_row("a", name="later", when=pages(4))),
    (a_row("a", when=When(name=("*.pdf",))), a_row("a", name="later", when=When(name=("Scan*.PDF",)))),
    (a_row("a", when=When(metadata={"k": ("*",)})), a_row("a", name="later", when=When(metadata={"k": ("v",)}))),
]


@pytest.mark.parametrize(("first", "later"), SHADOWS)
def test_a_row_that_can_never_win_is_refused(first: Route, later: Route) -> None:
    assert (
        f"routes[1] (later): can never win: '{first.name}' is above it and takes the same documents from the same "
        f"confidence on; move it above '{first.name}', or narrow that one"
    ) in problems(first, later, a_row("a", "b", name="rest", min_confidence=0.0, when=When(sender=("x",))))


APART = [
    (a_row("a", min_confidence=0.9), a_row("a", name="later")),
    (a_row("a", when=NARROW), a_row("a", name="later")),
    (a_row("a", when=When(name=("*.pdf",))), a_row("a", name="later", when=When(name=("*.p*",)))),
    (a_row("a", when=When(max_pages=5)), a_row("a", name="later", when=When(min_pages=2))),
    (a_row("a", when=When(duplicate=True)), a_row("a", name="later", when=When(duplicate=False))),
    (a_row("b"), a_row("a", name="later")),
    (a_row("a", goes_on=True), a_row("a", name="later")),
    (a_row("a"), a_row("*", name="later")),
    (a_row("a", when=When(recipient=("*",))), a_row("a", name="later")),
    (a_row("a", when=When(none_of=(pages(3),))), a_row("a", name="later", when=When(max_pages=3))),
]


@pytest.mark.parametrize(("first", "later"), APART)
def test_a_row_that_may_win_is_left_alone(first: Route, later: Route) -> None:
    assert not [line for line in problems(first, later) if "never" in line]


def test_rows_above_may_shadow_together_type_by_type() -> None:
    assert [line for line in problems(a_row("a"), a_row("b"), a_row("a", "b", name="both")) if "never" in line] == [
        "routes[2] (both): can never win: 'a', 'b' are above it and take the same documents from the same confidence "
        "on; move it above 'a', 'b', or narrow one of them"
    ]


def test_a_row_that_is_shadowed_for_some_of_its_types_is_a_warning() -> None:
    found = check_table(
        a_table(A, a_row("a", "b", name="both", min_confidence=0.5)),
        types=("a", "b"),
        schemes={"s3"},
        faults=lambda _: [],
    )
    assert [(item.severity, item.route) for item in found] == [("warning", "both")]
    assert "can never win for 'a'" in found[0].message


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (a_row("b", when=When(min_pages=3, max_pages=2)), "min_pages 3 is above max_pages 2"),
        (a_row("b", min_confidence=1.2), "confidence never reaches 1.2"),
        (a_row(name="none"), "it names no type"),
        (a_row("b", when=When(min_size=3, max_size=2)), "min_size 3 is above max_size 2"),
        (a_row("b", when=When(name=("x",), none_of=(When(name=("x*",)),))), "no document can meet its conditions"),
        (
            a_row("b", when=When(source=("email",), name=("*.pdf",), parent_category=("b",))),
            "source and parent_category exclude each other: only a piece of a packet has a category there",
        ),
    ],
)
def test_a_row_that_can_never_match_is_refused(row: Route, why: str) -> None:
    assert f"routes[2] ({row.name}): can never match: {why}; correct or remove the row" in problems(A, B, row)


def warnings(row: Route) -> list[str]:
    found = check_table(a_table(A, row, B), types=("a", "b"), schemes={"s3"}, faults=lambda _: [])
    assert not [item for item in found if item.severity == "error"]
    return [str(item) for item in found]


def test_a_row_that_usually_matches_nothing_is_a_warning_with_what_excludes_what() -> None:
    fax = a_row("b", name="fax", when=When(media_type=("image/png",), min_pages=2))
    assert warnings(fax) == [
        "warning: routes[1].when (fax): matches nothing that Mailroom receives: media_type and min_pages "
        "exclude each other: only PDFs have a page count, and PNG, JPEG, GIF, BMP and WebP, which have one page; "
        "correct or remove it"
    ]
    assert warnings(a_row("b", name="fax", when=When(media_type=("image/png",), max_pages=2))) == []


def test_a_part_of_any_that_never_holds_is_a_warning() -> None:
    folder, mail = When(source=("folder",), subject=("x",)), When(source=("email",), subject=("x",))
    found = warnings(a_row("b", name="both", when=When(any_of=(folder, mail))))
    assert [item.split(": only")[0] for item in found] == [
        "warning: routes[1].when.any[0] (both): never holds: source and subject exclude each other"
    ]
    beside = When(recipient=("me@*",), any_of=(When(source=("s3",)), mail))
    assert warnings(a_row("b", name="both", when=beside)) == [
        "warning: routes[1].when.any[0] (both): never holds: it excludes what must hold beside it; correct or remove it"
    ]


def test_names_must_differ_because_delivery_ids_are_made_of_them() -> None:
    assert problems(A, B, a_row("a", name="b", when=NARROW, min_confidence=0.1)) == [
        "routes[2] (b): routes[1] has the same name 'b'; give one of them a `name` of its own"
    ]


@pytest.mark.parametrize("name", ["failed", "no_match", "low_confidence", "by_hand", "packet"])
def test_the_names_of_the_ways_are_taken(name: str) -> None:
    assert problems(A, a_row("b", name=name)) == [
        f"routes[1] ({name}): '{name}' is a name that Mailroom reserves; give it another `name`"
    ]


TARGETS = [
    (["folders:///x/"], "to[0] (b): folders:///x/: no destination serves folders://; did you mean folder://?"),
    (["ftp://x/"], "to[0] (b): ftp://x/: no destination serves ftp://; there are folder://, s3://, sqs://"),
    (["s3://mail/{typ}/"], "to[0] (b): s3://mail/{typ}/: unknown field {typ}; known fields:"),
    (["s3://mail/../{document_id}"], "to[0] (b): s3://mail/../{document_id}: `.` and `..` in the path"),
    (["s3://mail-{type}/"], "to[0] (b): s3://mail-{type}/: fields are allowed only in the path"),
    (["sqs://q", "sqs://q"], "to[1] (b): sqs://q is the same place as to[0]; remove one of the two"),
    (["s3://mail/x/", "s3://mail/x/{document_id}/{filename}"], "is the same place as to[0]"),
]


@pytest.mark.parametrize(("to", "line"), TARGETS)
def test_a_target_that_cannot_be_is_refused(to: list[str], line: str) -> None:
    found = problems(A, a_row("b", to=to))
    assert len(found) == 1
    assert line in found[0]


@pytest.mark.parametrize(
    "url", ["folder:///var/mail/", "folder://./out/", "sqs://https://sqs.eu/1/q", "s3://m/{type}/"]
)
def test_a_target_that_can_be_is_left_alone(url: str) -> None:
    assert problems(A, a_row("b", to=[url])) == []


def test_the_destinations_own_judgement_is_told_once_and_with_its_place() -> None:
    found = check_table(
        a_table(A, B), types=("a", "b"), schemes={"s3"}, faults=lambda _: ["no such option", "no such option"]
    )
    assert [str(problem) for problem in found] == [
        "routes[0].to[0] (a): s3://mail/in/: no such option",
        "routes[1].to[0] (b): s3://mail/in/: no such option",
        "failed.to[0]: s3://mail/in/: no such option",
    ]


def test_a_low_confidence_way_that_nothing_takes_is_a_warning() -> None:
    found = check_table(a_table(a_row("a"), B), types=("a", "b"), schemes={"s3"}, faults=lambda _: [])
    assert [str(problem) for problem in found] == [
        "warning: low_confidence: no document can reach this route: no row has a min_confidence; "
        "set min_confidence on rows, from 0 to 1"
    ]


def test_an_alert_channel_that_nobody_knows_is_refused() -> None:
    rules = [
        AlertRule(kinds=("*",), to=to, channel=to, where=f"alerts[{place}].to")
        for place, to in enumerate(("log", "slak:https://x"))
    ]
    assert problems(A, B, alerts=rules, channels=("log", "slack")) == [
        "alerts[1].to: no alert channel is called 'slak'; did you mean slack?"
    ]
    assert problems(A, B, alerts=rules) == []


def test_errors_stand_before_warnings() -> None:
    found = check_table(a_table(a_row("a")), types=("a", "b"), schemes={"s3"}, faults=lambda _: [])
    assert [problem.severity for problem in found] == ["error", "warning"]
    assert isinstance(found[0], Problem)


# A small world in which every table can be held against every document.
SOURCES, PAGES, NAMES = ("email", "s3"), (None, 1, 2, 3), ("scan.pdf", "note.txt")
DOCUMENTS = [
    a_document(origin=Origin(kind=source, locator="x"), page_count=pages, name=name)
    for source in SOURCES
    for pages in PAGES
    for name in NAMES
]
CONFIDENCES = (0.0, 0.25, 0.5, 0.75, 1.0)
RESULTS = [Classification(type=name, confidence=value) for name in (None, "a", "b") for value in CONFIDENCES]
PATTERNS = st.lists(st.sampled_from(["*", "email", "E*", "s3", "*.pdf", "scan*", "?can.pdf"]), max_size=2).map(tuple)
BOUND = st.none() | st.integers(1, 4)
SIMPLE = st.builds(When, source=PATTERNS, name=PATTERNS, min_pages=BOUND, max_pages=BOUND)
NESTED = st.builds(
    When, name=PATTERNS, any_of=st.lists(SIMPLE, max_size=2).map(tuple), none_of=st.lists(SIMPLE, max_size=1).map(tuple)
)
WHENS = st.just(When()) | SIMPLE | NESTED
ROUTES = st.builds(
    Route,
    name=st.sampled_from("pqrstuvwxyz"),
    types=st.lists(st.sampled_from("ab*"), max_size=2, unique=True).map(tuple),
    goes_on=st.booleans(),
    min_confidence=st.sampled_from(CONFIDENCES),
    when=WHENS,
    to=st.just((PLACE,)),
)
TABLES = st.lists(ROUTES, max_size=6).map(lambda rows: a_table(*rows))


def world() -> list[tuple[Classification, Document]]:
    return [(result, document) for result in RESULTS for document in DOCUMENTS]


def errors(table: RouteTable) -> list[Problem]:
    found = check_table(table, types=("a", "b"), schemes={"s3"}, faults=lambda _: [])
    return [problem for problem in found if problem.severity == "error"]


@given(st.lists(ROUTES, max_size=4), st.sampled_from(CONFIDENCES), st.sampled_from(CONFIDENCES))
def test_a_table_without_errors_has_a_named_way_for_every_answer(rows: list[Route], low: float, high: float) -> None:
    last = [a_row("a", name="last a", min_confidence=low), a_row("b", name="last b", min_confidence=high)]
    table = a_table(*rows, *last)
    assumed = [
        problem for problem in errors(table) if "never" not in problem.message and "same name" not in problem.message
    ]
    assert assumed == []
    for result, document in world():
        plan = decide(table, result, document, now=NOW)
        assert plan.way in {Way.MATCHED, Way.NO_MATCH, Way.LOW_CONFIDENCE, Way.UNDECIDED}
        assert plan.way is not Way.UNDECIDED or document.page_count is None


@given(TABLES)
def test_an_answer_without_a_way_means_that_the_table_has_errors(table: RouteTable) -> None:
    ways = {decide(table, result, document, now=NOW).way for result, document in world()}
    assert Way.UNROUTED not in ways or errors(table)


@given(TABLES)
def test_a_row_that_is_said_never_to_win_never_wins(table: RouteTable) -> None:
    table = replace(table, routes=tuple(replace(route, name=f"r{n}") for n, route in enumerate(table.routes)))
    names = [route.name for route in table.routes]
    dead = {int(item.where.split("[")[1][0]) for item in errors(table) if "can never" in item.message}
    for result, document in world():
        plan = decide(table, result, document, now=NOW)
        if document.page_count is not None:  # else a row above may win as well, with the same outcome
            assert plan.way is not Way.MATCHED or names.index(plan.route) not in dead


@given(WHENS, WHENS)
def test_a_condition_that_covers_another_holds_wherever_that_holds(wide: When, narrow: When) -> None:
    if covers(wide, narrow):
        kinds = [document_attributes(document) for document in DOCUMENTS]
        assert not [known for known in kinds if Judge(narrow).truth(known) and Judge(wide).truth(known) is not True]
