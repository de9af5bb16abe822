"""The plan: what is to be done with a document, and why. Made by ``decide`` (route.py), carried on the document."""

from dataclasses import dataclass, field
from enum import StrEnum

from receiver.core.short_repr import short_repr


class Way(StrEnum):
    """The ways a document can go. Three different failures stay three; none falls into "other"."""

    MATCHED = "matched"
    NO_MATCH = "no_match"
    """The classifier found no rule that fits: ``type`` is null."""
    LOW_CONFIDENCE = "low_confidence"
    """A rule fits, but below the route's ``min_confidence``."""
    FAILED = "failed"
    """The job failed, or LlamaCloud cannot take the document."""
    UNROUTED = "unrouted"
    """The type is known to nobody here: a job that was created elsewhere with other rules. A person must look."""
    UNDECIDED = "undecided"
    """The way would depend on something that nobody knows, the number of pages for instance. A person must look."""
    BY_HAND = "by_hand"
    """A person said where it goes."""
    DISMISSED = "dismissed"
    """A person said that nothing more is to be done with it: it goes nowhere, and counts as failed."""
    PACKET = "packet"
    """A packet, when none of its pieces is open any more: it is archived."""
    MAIL = "mail"
    """A mail, when none of its parts is open any more: it is archived."""
    BLANK = "blank"
    """Blank pages that were dropped from a packet: kept, and sent nowhere."""
    RECUT = "recut"
    """A piece whose pages are in other pieces since its packet was cut anew."""


_REACHING = frozenset({"role", "external_id", "endpoint", "access_key", "secret_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A destination as the routing table names it: a URL template and the destination's own options."""

    url: str
    options: dict[str, str] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two targets the same."""
        return (self.url, *(f"{name}={value}" for name, value in sorted(self.options.items())))

    @property
    def endpoint(self) -> str:
        """Where its service is, as the table says it; "" for where it usually is."""
        return self.options.get("endpoint", "")

    @property
    def shown(self) -> str:
        """For people: where to, with the endpoint where the table names one, as it does."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url

    @property
    def style(self) -> dict[str, str]:
        """The options that show in what is delivered: all but those that say how the place is reached."""
        return {name: value for name, value in self.options.items() if name not in _REACHING}

    @property
    def scheme(self) -> str:
        """s3, sqs, folder, https, …"""
        return self.url.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The names that a delivery to one address takes up, each in one spelling whatever the address was written like:
    so two of them can be told apart before there is one.
    """

    place: str
    """Of what is delivered: two addresses with the same one are one place."""
    beside: tuple[str, ...] = ()
    """Of what is put beside it."""
    perhaps: tuple[str, ...] = ()
    """Places that this may be too, for all that can be told without asking."""
    tree: bool = False
    """Whether they are paths of files: then none can lie below another one."""
    endpoint: str = ""
    """Where they are, in one spelling; "" for where such places usually are. The same names elsewhere are others."""

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
    """Whether it might match, and nobody knows."""

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
    """Hold the document for a person, whatever is delivered."""
    trace: tuple[Row, ...] = ()
    """The verdicts of the rows that take the type, down to the one that decided: the last 50 of them."""
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
    """What another table makes of a document beside the plan that it has."""

    table: str
    """The version of that table."""
    plan: Plan | None = None
    """Its plan, where it leads elsewhere; None where both agree."""

    __repr__ = short_repr
