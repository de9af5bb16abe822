"""The plan: what to do with a document, and why. Made by ``decide`` (route.py), stored on the document."""

from dataclasses import dataclass, field
from enum import StrEnum

from receiver.core.short_repr import short_repr


class Way(StrEnum):
    """The outcomes of a decision. The three kinds of failures are kept apart."""

    MATCHED = "matched"
    NO_MATCH = "no_match"
    """LlamaCloud found no rule that matches: ``type`` is null."""
    LOW_CONFIDENCE = "low_confidence"
    """A rule matches, but below the route's ``min_confidence``."""
    FAILED = "failed"
    """The job failed, or LlamaCloud cannot process the document."""
    UNROUTED = "unrouted"
    """No route knows the type: a job that was created elsewhere with other rules. It waits for a person."""
    UNDECIDED = "undecided"
    """The route depends on an unknown fact, the number of pages for instance. It waits for a person."""
    BY_HAND = "by_hand"
    """A person decided where it goes."""
    DISMISSED = "dismissed"
    """A person dismissed it: it goes nowhere, and counts as failed."""
    PACKET = "packet"
    """A packet with no open piece: it is archived."""
    MAIL = "mail"
    """A mail with no open part: it is archived."""
    BLANK = "blank"
    """Blank pages that were dropped from a packet: stored, and delivered nowhere."""
    RECUT = "recut"
    """A piece whose pages are in other pieces since its packet was recut."""


_REACHING = frozenset({"role", "external_id", "endpoint", "access_key", "secret_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A destination in the routing table: a URL template and the destination's own options."""

    url: str
    options: dict[str, str] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def key(self) -> tuple[str, ...]:
        """Two targets with the same key are the same."""
        return (self.url, *(f"{name}={value}" for name, value in sorted(self.options.items())))

    @property
    def endpoint(self) -> str:
        """The endpoint of its service, as in the table; "" for the usual one."""
        return self.options.get("endpoint", "")

    @property
    def shown(self) -> str:
        """For people: the URL, with the endpoint if the table names one."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url

    @property
    def style(self) -> dict[str, str]:
        """The options that affect what is delivered: all but those about access to the place."""
        return {name: value for name, value in self.options.items() if name not in _REACHING}

    @property
    def scheme(self) -> str:
        """s3, sqs, folder, https, …"""
        return self.url.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The names that a delivery to one address uses, each in one spelling however the address was written.

    So two places can be compared before anything is stored there.
    """

    place: str
    """The name of the delivered object: two addresses with the same name are one place."""
    beside: tuple[str, ...] = ()
    """The names of objects that are put beside it."""
    perhaps: tuple[str, ...] = ()
    """Places that may be the same one: only a request could tell."""
    tree: bool = False
    """Whether they are paths of files: then none can be below another."""
    endpoint: str = ""
    """Their endpoint, in one spelling; "" for the usual one. The same names at another endpoint are other places."""

    def at(self, endpoint: str) -> "Taken":
        """The same names at this endpoint."""
        if not endpoint:
            return self
        beside, perhaps = (tuple(f"{endpoint} {item}" for item in names) for names in (self.beside, self.perhaps))
        place = f"{endpoint} {self.place}"
        return Taken(place=place, beside=beside, perhaps=perhaps, tree=self.tree, endpoint=endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the routing table, and why it did or did not match."""

    route: str
    matched: bool
    why: str
    unknown: bool = False
    """Whether it might match, depending on an unknown fact."""

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Deliveries, review, or nothing, and why."""

    way: Way
    route: str
    """The name of the row that decided."""
    reason: str
    to: tuple[Target, ...] = ()
    via: tuple[str, ...] = ()
    """For each of ``to`` the row that names it, where rows that say ``continue`` are among them."""
    review: bool = False
    """Hold the document for a person, besides any deliveries."""
    trace: tuple[Row, ...] = ()
    """The verdicts of the rows for the type, down to the one that decided: the last 50 of them."""
    table: str = ""
    """The version of the routing table that decided."""
    decided_at: float = 0.0

    __repr__ = short_repr

    @property
    def routes(self) -> tuple[str, ...]:
        """For each of ``to`` the row that names it."""
        return self.via or (self.route,) * len(self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowVerdict:
    """Another table's decision on a document, compared with its plan."""

    table: str
    """The version of that table."""
    plan: Plan | None = None
    """Its plan, if it routes differently; None where both agree."""

    __repr__ = short_repr
