"""The routing table, and the one pure decision that the product is about: ``decide``.

Rows are read from the top. The first row whose types and conditions fit, and whose ``min_confidence`` is reached, wins.
If rows fit but none is reached by the confidence, the document goes the way of ``low_confidence``. A null type goes
``no_match``, a failed job ``failed``; a type that no row knows is held for a person: never "other".
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase

from receiver.core.document import Classification, Delivery, Document
from receiver.core.naming import delivery_id
from receiver.core.plan import Plan, Row, Target, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions beside the type; those that are empty always hold. Patterns are shell patterns, case-insensitive."""

    source: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    """Of the e-mail that it came in."""
    parent_category: tuple[str, ...] = ()
    min_pages: int | None = None
    max_pages: int | None = None
    duplicate: bool | None = None
    """Whether another document came in with the same bytes before."""

    def unmet(self, document: Document) -> str:
        """Why the document does not meet the conditions; "" when it does."""
        for what, patterns, value in (
            ("source", self.source, document.origin.kind),
            ("sender", self.sender, document.origin.sender),
            ("name", self.name, document.name),
            ("subject", self.subject, document.metadata.get("subject", "")),
            ("parent_category", self.parent_category, document.category),
        ):
            if patterns and not any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns):
                return f"{what} {value!r} is none of {', '.join(patterns)}"
        if self.duplicate is not None and self.duplicate != bool(document.duplicate_of):
            return f"its bytes are those of {document.duplicate_of}" if document.duplicate_of else "its bytes are new"
        return self._pages_unmet(document.page_count or len(document.pages))

    def _pages_unmet(self, pages: int) -> str:
        """The same for the pages; 0 means that nobody counted them, and no bound on them is met then."""
        if self.min_pages is None and self.max_pages is None:
            return ""
        if not pages:
            return "the number of pages is not known"
        if self.min_pages is not None and pages < self.min_pages:
            return f"{pages} pages are fewer than {self.min_pages}"
        if self.max_pages is not None and pages > self.max_pages:
            return f"{pages} pages are more than {self.max_pages}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row: which types, under which conditions, from which confidence on, to which destinations."""

    name: str
    types: tuple[str, ...]
    min_confidence: float = 0.0
    when: When = field(default_factory=When)
    to: tuple[Target, ...] = ()
    review: bool = False

    def weigh(self, result: Classification, document: Document) -> tuple[Row, bool]:
        """The row's verdict, and whether only the confidence was missing."""
        if result.type not in self.types:
            return Row(
                route=self.name, matched=False, why=f"type {result.type!r} is not {' or '.join(self.types)}"
            ), False
        if unmet := self.when.unmet(document):
            return Row(route=self.name, matched=False, why=unmet), False
        if not result.confidence >= self.min_confidence:  # so that NaN is low, not high
            why = f"confidence {result.confidence:.2f} is below {self.min_confidence:.2f}"
            return Row(route=self.name, matched=False, why=why), True
        why = f"type {result.type!r} with confidence {result.confidence:.2f}, at least {self.min_confidence:.2f}"
        return Row(route=self.name, matched=True, why=why), False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """One of the three named ways."""

    to: tuple[Target, ...] = ()
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    routes: tuple[Route, ...]
    no_match: Fallback
    low_confidence: Fallback
    failed: Fallback
    packet: Fallback | None = None
    """Where a packet itself is archived; it is not archived when this is absent."""
    mail: Fallback | None = None
    """The same for a mail, as it was sent."""

    @property
    def version(self) -> str:
        """A short fingerprint of the table's meaning, kept with each decision."""
        said = asdict(self)
        later = [(said, "mail"), *((route["when"], "duplicate") for route in said["routes"])]
        for section, key in later:  # what a table can say since then changes nothing about one that does not say it
            if section[key] is None:
                del section[key]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def counts_pages(self) -> bool:
        """Whether a row asks for the number of pages; counting them costs a moment, so otherwise nobody does."""
        bounds = ((route.when.min_pages, route.when.max_pages) for route in self.routes)
        return any(bound is not None for pair in bounds for bound in pair)

    def targets(self) -> tuple[Target, ...]:
        """Every destination that the table names, each once."""
        archives = [one for one in (self.packet, self.mail) if one is not None]
        ways = [self.no_match, self.low_confidence, self.failed, *archives]
        named = [*(to for route in self.routes for to in route.to), *(to for way in ways for to in way.to)]
        return tuple({json.dumps(asdict(target), sort_keys=True): target for target in named}.values())


def decide(table: RouteTable, result: Classification, document: Document, *, now: float, version: str = "") -> Plan:
    """What to do with this document, and why: deliveries, review, or both. Depends on nothing else."""
    table_version = version or table.version
    if result.type is None:
        return _fall_back(Way.NO_MATCH, table.no_match, "no rule fits this document", (), table_version, now)
    weighed = [(route, *route.weigh(result, document)) for route in table.routes]
    trace = tuple(row for _, row, _ in weighed)
    for route, row, _ in weighed:
        if row.matched:
            return Plan(
                way=Way.MATCHED, route=route.name, reason=row.why, to=route.to, review=route.review,
                trace=trace, table=table_version, decided_at=now,
            )  # fmt: skip
    near = [row.why for _, row, only_confidence in weighed if only_confidence]
    if near:
        return _fall_back(Way.LOW_CONFIDENCE, table.low_confidence, near[0], trace, table_version, now)
    reason = f"no route takes type {result.type!r}"
    return Plan(
        way=Way.UNROUTED,
        route=Way.UNROUTED,
        reason=reason,
        review=True,
        trace=trace,
        table=table_version,
        decided_at=now,
    )


def decide_failed(table: RouteTable, reason: str, *, now: float, version: str = "") -> Plan:
    """What to do with a document whose job failed, or that LlamaCloud cannot take."""
    return _fall_back(Way.FAILED, table.failed, reason, (), version or table.version, now)


def _fall_back(way: Way, fallback: Fallback, reason: str, trace: tuple[Row, ...], version: str, now: float) -> Plan:
    return Plan(
        way=way,
        route=way,
        reason=reason,
        to=fallback.to,
        review=fallback.review,
        trace=trace,
        table=version,
        decided_at=now,
    )


def deliveries(document_id: str, plan: Plan) -> tuple[Delivery, ...]:
    """The deliveries that a plan asks for, each with its stable id."""
    return tuple(Delivery(id=delivery_id(document_id, plan.route, to), to=to, route=plan.route) for to in plan.to)
