"""The routing table, and ``decide``, the pure function that routes a document.

Rows are read from the top. The first row whose types and conditions fit, and whose ``min_confidence`` is reached, wins;
a row that says ``continue`` only adds its destinations, and reading goes on. If rows fit but the confidence is too
low for all of them, the fallback is ``low_confidence``. A null type takes ``no_match``, a failed job ``failed``. A type
without a row is held for a person, and so is a document whose route depends on an unknown fact.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from receiver.core.document import Classification, Document
from receiver.core.mail import Fate
from receiver.core.plan import Plan, Row, Target, Way
from receiver.core.quantity import quantity
from receiver.core.short_repr import short_repr
from receiver.core.when import Attributes, Judge, Truth, When, depends_on, document_attributes

ANY = "*"
"""The type of a row for every type, but not for a document without one."""
TRACED = 50
"""Rows whose verdicts are stored with a plan: the last ones that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row: for which types, under which conditions, from which confidence on, to which destinations."""

    name: str
    types: tuple[str, ...]
    min_confidence: float = 0.0
    when: When = field(default_factory=When)
    to: tuple[Target, ...] = ()
    review: bool = False
    goes_on: bool = False
    """Whether rows below are read too (``continue``)."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """One of the three fallbacks."""

    to: tuple[Target, ...] = ()
    review: bool = False

    __repr__ = short_repr


class RowResult(NamedTuple):
    """A row's verdict on a document: whether its conditions hold, and whether the confidence is enough."""

    route: Route
    judge: Judge
    holds: Truth
    sure: bool

    @classmethod
    def of(cls, route: Route, judge: Judge, result: Classification, known: Attributes) -> "RowResult":
        sure = result.confidence >= route.min_confidence  # so that NaN is low, not high
        return cls(route, judge, judge.truth(known), sure)

    @property
    def fits(self) -> bool:
        return self.holds is True and self.sure

    def row(self, result: Classification, known: Attributes) -> Row:
        """The verdict in words."""
        name, least = self.route.name, self.route.min_confidence
        if self.holds is not True:
            return Row(route=name, matched=False, why=self.judge.why(known), unknown=self.holds is None)
        if not self.sure:
            return Row(route=name, matched=False, why=f"confidence {result.confidence:.2f} is below {least:.2f}")
        why = f"type {result.type!r} with confidence {result.confidence:.2f}, at least {least:.2f}"
        return Row(route=name, matched=True, why=why)


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """The rows and the fallbacks. What follows from them (version, index) is computed once."""

    routes: tuple[Route, ...]
    no_match: Fallback
    low_confidence: Fallback
    failed: Fallback
    packet: Fallback | None = None
    """Where packets themselves are archived; None: nowhere."""
    mail: Fallback | None = None
    """The same for a mail, as it was sent."""

    @cached_property
    def version(self) -> str:
        """A short fingerprint of the table's meaning, stored with each decision."""
        return hashlib.sha256(json.dumps(_as_data(self), sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Every type that a row names."""
        return tuple(dict.fromkeys(name for route in self.routes for name in route.types if name != ANY))

    def takes(self, name: str) -> bool:
        """Whether a row is for this type."""
        return bool(self.rows(name))

    def rows(self, name: str) -> Sequence[tuple[Route, Judge]]:
        """The rows for this type, from the top."""
        return self._rows.get(name, self._rows[ANY])

    @cached_property
    def _rows(self) -> dict[str, list[tuple[Route, Judge]]]:
        index: dict[str, list[tuple[Route, Judge]]] = {name: [] for name in (*self.types, ANY)}
        for route in self.routes:
            row = (route, Judge(route.when))
            for name in index if ANY in route.types else dict.fromkeys(route.types):
                index[name].append(row)
        return index

    def targets(self) -> tuple[Target, ...]:
        """Every destination that the table names, each once."""
        archives = [item for item in (self.packet, self.mail) if item is not None]
        ways = [self.no_match, self.low_confidence, self.failed, *archives]
        named = [*(to for route in self.routes for to in route.to), *(to for way in ways for to in way.to)]
        return each_once(named)


def each_once(targets: Iterable[Target]) -> tuple[Target, ...]:
    """The targets without repetitions."""
    return tuple({to.key: to for to in targets}.values())


_FIRST = frozenset(
    {
        *("routes", "no_match", "low_confidence", "failed", "packet", "name", "types", "min_confidence", "when", "to"),
        *("review", "url", "options", "source", "sender", "subject", "parent_category", "min_pages", "max_pages"),
    }
)
"""The original fields of a table. Later additions do not change the version of a table without them."""


def _as_data(value: Any) -> Any:
    if is_dataclass(value):
        values = [(item, getattr(value, item.name)) for item in fields(value)]
        return {item.name: _as_data(given) for item, given in values if item.name in _FIRST or given != _usual(item)}
    if isinstance(value, tuple):
        return [_as_data(item) for item in value]
    return {name: _as_data(item) for name, item in value.items()} if isinstance(value, dict) else value


def _usual(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def decide(table: RouteTable, result: Classification, document: Document, *, now: float) -> Plan:
    """What to do with this document, and why: deliveries, review, or both. Depends on nothing else."""
    if result.type is None:
        return _planned(table, Way.NO_MATCH, table.no_match, "no rule matches this document", now=now)
    known, rows = document_attributes(document), table.rows(result.type)
    verdicts, count = _read(rows, result, known)
    plan = _chosen(table, verdicts, result, known, now=now)
    doubts = [item for place, item in enumerate(verdicts) if _matters(item, verdicts[:place], plan)]
    if doubts:
        reason = depends_on(of for item in doubts for of in item.judge.unknown(known))
        plan = _planned(table, Way.UNDECIDED, HELD, reason, extras=_extras(verdicts), now=now)
    trace = (RowResult.of(*row, result, known).row(result, known) for row in rows[max(0, count - TRACED) : count])
    return replace(plan, trace=tuple(trace))


def decide_failed(table: RouteTable, reason: str, *, now: float) -> Plan:
    """What to do with a document whose job failed, or that LlamaCloud cannot process."""
    return _planned(table, Way.FAILED, table.failed, reason, now=now)


def decide_archive(table: RouteTable, container: Document, *, now: float) -> Plan:
    """Where a packet, or a mail, itself is archived once everything that came out of it is settled."""
    if container.mail:
        return _planned(table, Way.MAIL, table.mail or Fallback(), _came(container), now=now)
    pages, pieces = container.page_count or 0, len(container.pieces)
    reason = f"{quantity(pages, 'page')} in {quantity(pieces, 'piece')}"
    return _planned(table, Way.PACKET, table.packet or Fallback(), reason, now=now)


def _came(mail: Document) -> str:
    left = sum(part.fate is Fate.LEFT_OUT for part in mail.parts)
    came = quantity(len({part.document_id for part in mail.parts if part.document_id}), "document")
    return f"{quantity(left, 'part')} left out, {came}" if left else came


HELD = Fallback(review=True)


def _read(
    rows: Sequence[tuple[Route, Judge]], result: Classification, known: Attributes
) -> tuple[list[RowResult], int]:
    """The rows whose conditions hold, or may hold, down to the one that wins; and how many were read."""
    found = []
    for count, (route, judge) in enumerate(rows, 1):
        if judge.truth(known) is not False:
            found.append(verdict := RowResult.of(route, judge, result, known))
            if verdict.fits and not route.goes_on:
                return found, count
    return found, len(rows)


def _chosen(
    table: RouteTable, verdicts: Sequence[RowResult], result: Classification, known: Attributes, *, now: float
) -> Plan:
    """The plan by the known facts."""
    ends = [item for item in verdicts if item.holds and not item.route.goes_on]
    if winner := next((item for item in ends if item.sure), None):
        why = winner.row(result, known).why
        return _planned(table, Way.MATCHED, winner.route, why, extras=_extras(verdicts), now=now)
    if ends:
        why = ends[0].row(result, known).why
        return _planned(table, Way.LOW_CONFIDENCE, table.low_confidence, why, extras=_extras(verdicts), now=now)
    reason = f"no route takes type {result.type!r}"
    return _planned(table, Way.UNROUTED, HELD, reason, extras=_extras(verdicts), now=now)


def _extras(verdicts: Iterable[RowResult]) -> list[Route]:
    return [item.route for item in verdicts if item.fits and item.route.goes_on]


def _matters(item: RowResult, above: Sequence[RowResult], plan: Plan) -> bool:
    """Whether the plan would be another one if conditions on unknown facts held."""
    if item.holds is not None:
        return False
    if not item.sure:
        return plan.way is Way.UNROUTED and not item.route.goes_on
    if item.route.goes_on:
        return not _keys(item.route.to) <= _keys(plan.to) or (item.route.review and not plan.review)
    to, review = _together(_extras(above), item.route)
    return plan.way is not Way.MATCHED or _keys(to) != _keys(plan.to) or review != plan.review


def _keys(targets: Iterable[Target]) -> set[Any]:
    return {to.key for to in targets}


def _together(extras: Sequence[Route], end: Route | Fallback) -> tuple[tuple[Target, ...], bool]:
    """The destinations of these rows, and whether a person must look at the document."""
    to = each_once(to for item in (*extras, end) for to in item.to)
    return to, any(item.review for item in (*extras, end))


def _planned(
    table: RouteTable, way: Way, end: Route | Fallback, reason: str, *, now: float, extras: Sequence[Route] = ()
) -> Plan:
    to, review = _together(extras, end)
    route = end.name if isinstance(end, Route) else way
    named = {to.key: item.name for item in reversed(extras) for to in item.to}
    via = tuple(named.get(to.key, route) for to in to) if extras else ()
    also = f"; also {', '.join(item.name for item in extras)}" if extras else ""
    return Plan(
        way=way, route=route, reason=reason + also, to=to, via=via, review=review, table=table.version, decided_at=now
    )  # fmt: skip
