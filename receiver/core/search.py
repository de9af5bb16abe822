"""The search language: ``harbour type:invoice confidence:<0.8 since:7d -state:routed``.

The page, the API and the command line read it with ``parse_search``. All parts of a search must hold. Stores narrow by
what they have an index for; whether a document fits is decided here, for all of them alike.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, date, datetime, timedelta
from operator import ge, gt, le, lt
from typing import NamedTuple, NoReturn

from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed
from receiver.core.problem import near
from receiver.core.search_entry import SearchEntry, searchable

TEXT_LIMIT = 1000
"""Characters of a search."""
PARTS_LIMIT = 20
_PART = re.compile(r'\s*(-(?=\S))?(?:([A-Za-z]\w*):(?!//))?("(?:[^"]|"")*("?)|\S*)')
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_AGE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NUMBER = r"(?:\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})"
_CONFIDENCE = re.compile(rf"(<=|>=|<|>|=|)\s*({_NUMBER})(%?)")
_BETWEEN = re.compile(rf"({_NUMBER}%?)\.\.({_NUMBER}%?)")
_OPERATORS = ("AND", "OR", "NOT")
_COMPARES: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


class SearchFilter(NamedTuple):
    """What stands before a colon."""

    says: str
    """What it finds, as the documentation has it."""
    example: str


FILTERS = {
    "name": SearchFilter("the file name contains this", "name:invoice"),
    "id": SearchFilter("the id begins with this, with or without `doc_`", "id:doc_4f2a"),
    "job": SearchFilter("the id of its job begins with this; of an earlier job the whole id", "job:cls-1"),
    "sha256": SearchFilter("the SHA-256 of its bytes begins with this", "sha256:9f86d0"),
    "sender": SearchFilter("who sent it contains this", "sender:acme.example"),
    "subject": SearchFilter("the subject of its mail contains this", 'subject:"order 7"'),
    "place": SearchFilter("where it is delivered contains this", "place:s3://mail/invoices"),
    "source": SearchFilter("it came by this way: folder, upload, s3, email, piece, …", "source:email"),
    "batch": SearchFilter("it belongs to this packet or mail, by the whole id", "batch:doc_4f2a…"),
    "type": SearchFilter('its type is this; `type:""`: it has none', "type:invoice"),
    "state": SearchFilter("open, routed, review, failed or withdrawn", "state:review"),
    "confidence": SearchFilter("from 0 to 1, or in %; also with `<=`, `>`, `>=` and `0.5..0.8`", "confidence:<0.8"),
    "since": SearchFilter(
        "received then or later: a date, `today`, `yesterday`, or an age (`30m`, `2h`, `7d`, `2w`)", "since:7d"
    ),
    "before": SearchFilter("received before then, written in the same ways", "before:2026-11-01"),
    "date": SearchFilter("received on that day, in that month (`2026-11`) or year (UTC)", "date:2026-11-22"),
}


class Comparison(NamedTuple):
    """A number must be on one side of another; ``sign`` is one of ``< <= > >=``."""

    sign: str
    number: float

    def holds(self, number: float) -> bool:
        return _COMPARES[self.sign](number, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One part of a search."""

    field: str = ""
    """One of FILTERS; "" for text that may be anywhere."""
    value: str
    """As it was written, without quotes."""
    negated: bool = False
    comparisons: tuple[Comparison, ...] = ()
    """Of confidence, and of the moment at which the document was received."""
    ids: frozenset[str] = frozenset()
    """Documents that it finds besides, because somebody looked them up."""

    text: str = dataclass_field(init=False, repr=False, compare=False)
    """The value as entries are compared with it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", searchable(self.value))

    @property
    def needle(self) -> str:
        """A text that an entry has if it fits this, "" if nothing of the kind is certain."""
        return "" if self.comparisons or self.field in ("state", "type") else self.text

    def holds(self, entry: SearchEntry) -> bool:
        """Whether the document fits."""
        return (entry.place.document_id in self.ids or self._fits(entry)) is not self.negated

    def _fits(self, entry: SearchEntry) -> bool:
        text = self.text
        match self.field:
            case "":
                return text in entry.text
            case "name" | "sender" | "subject":
                return text in entry.line(self.field)
            case "place":
                return entry.lies_at(text)
            case "id":
                return entry.id_begins(text)
            case "job" | "sha256":
                return entry.line(self.field).startswith(text)
            case "source" | "batch":
                return entry.line(self.field) == text
            case "state":
                return entry.state == self.value
            case "type":
                return entry.type == (self.value or None)
        number = entry.confidence if self.field == "confidence" else entry.place.taken_in_at
        return number is not None and all(item.holds(number) for item in self.comparisons)

    def __str__(self) -> str:
        stem = ("-" if self.negated else "") + (f"{self.field}:" if self.field else "")
        return stem + (_quoted(self.value) if self._must_be_quoted else self.value)

    @property
    def _must_be_quoted(self) -> bool:
        if not self.value or self.value.startswith('"') or any(map(str.isspace, self.value)):
            return True
        alone = re.match(r"-|[A-Za-z]\w*:(?!//)", self.value) or self.value in _OPERATORS
        return not self.field and bool(alone or _SHA256.fullmatch(self.value))


@dataclass(frozen=True, slots=True)
class Search:
    """Documents that fit all of these; without any, all documents."""

    criteria: tuple[Criterion, ...] = ()

    def fits(self, entry: SearchEntry) -> bool:
        """Whether the document fits."""
        return all(item.holds(entry) for item in self.criteria)

    def only(self, field: str) -> str | None:
        """The value that this field must have; None where it may have several."""
        return next((item.value for item in self.criteria if item.field == field and not item.negated), None)

    @property
    def since(self) -> float | None:
        """The earliest moment at which a document may have been received, if there is one."""
        return max((item.number for item in self._dates if item.sign == ">="), default=None)

    @property
    def until(self) -> float | None:
        """The moment before which it must have been received, if there is one."""
        return min((item.number for item in self._dates if item.sign == "<"), default=None)

    @property
    def _dates(self) -> list[Comparison]:
        dated = (item for item in self.criteria if item.field in _DATES and not item.negated)
        return [comparison for item in dated for comparison in item.comparisons]

    def __str__(self) -> str:
        """The text that means the same."""
        return " ".join(map(str, self.criteria))


class SearchPage(NamedTuple):
    """Some of the documents that fit, the newest first."""

    records: list[Document]
    cursor: str | None
    """What follows them; None when there is no more."""
    total: int | None
    """How many fit, on the first page; None on others."""
    total_is_exact: bool
    """False when counting stopped early: there are at least so many."""
    looked_at: int
    """Documents that were compared for it."""
    back_to: float | None = None
    """When the page may lack some because not all were looked at: received before this moment. ``cursor`` goes on."""
    not_indexed: int = 0
    """Documents that no search finds yet, because the index is being built."""


def parse_search(text: str, *, now: float) -> Search:
    """The search that this text means; ages in it end ``now``. Raises Malformed, naming the word that is wrong."""
    if len(text) > TEXT_LIMIT:
        raise Malformed(f"a search has at most {TEXT_LIMIT} characters, this one has {len(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed("the search has characters that are not Unicode") from None
    criteria, at = [], 0
    while text[at:].strip():
        part = _PART.match(text, at)
        assert part is not None, "it matches anything"
        criteria.append(_criterion(part, now))
        at = part.end()
        if len(criteria) > PARTS_LIMIT:
            raise Malformed(f"a search has at most {PARTS_LIMIT} words and filters")
    return Search(tuple(criteria))


def _criterion(part: re.Match[str], now: float) -> Criterion:
    minus, name, raw, closed = part[1], (part[2] or "").lower(), part[3], part[4]
    quoted = raw.startswith('"')
    if quoted and not closed:
        raise Malformed(f"the quotation mark before {raw[1:21]!r} is not closed")
    value = " ".join((raw[1:-1].replace('""', '"') if quoted else raw).split())
    if name and name not in FILTERS:
        _refuse_filter(part[2], value)
    if not value and not (name == "type" and quoted):
        example = f" such as {FILTERS[name].example}" if name else ""
        raise Malformed(f"{name}: needs a value{example}" if name else "there is nothing between the quotation marks")
    if not name and not quoted and value in _OPERATORS:
        raise Malformed(
            f'{value} is no operator: all words must be found, and -word excludes; to search for it, write "{value}"'
        )
    if not name and not quoted and _SHA256.fullmatch(value):
        name = "sha256"
    criterion = Criterion(field=name, value=value, negated=bool(minus), comparisons=_comparisons(name, value, now))
    if name != "type" and not searchable(value):
        raise Malformed(f"{value!r} has nothing to look for")
    return criterion


def _comparisons(name: str, value: str, now: float) -> tuple[Comparison, ...]:
    """What a filter of numbers says; checks the values of the others that allow only some."""
    if name == "state" and value not in tuple(DocumentState):
        _refuse_value(f"state:{value} is no state", value, tuple(DocumentState))
    if name == "confidence":
        return _confidence(value)
    if name == "since":
        return (Comparison(">=", _moment(name, value, now)),)
    if name == "before":
        return (Comparison("<", _moment(name, value, now)),)
    return _day(value, now) if name == "date" else ()


def _confidence(value: str) -> tuple[Comparison, ...]:
    if both := _BETWEEN.fullmatch(value):
        low, high = (_share(item.removesuffix("%"), item.endswith("%"), value) for item in both.groups())
        return Comparison(">=", low), Comparison("<=", high)
    if not (found := _CONFIDENCE.fullmatch(value)):
        raise Malformed(
            f"confidence:{value} is no confidence: write confidence:<0.8, confidence:>=90% or confidence:0.5..0.8"
        )
    sign, number = found[1], _share(found[2], bool(found[3]), value)
    return (Comparison(sign, number),) if sign in _COMPARES else (Comparison(">=", number), Comparison("<=", number))


def _share(number: str, percent: bool, value: str) -> float:
    share = float(number) / (100 if percent else 1)
    if share > 1:
        raise Malformed(f"confidence:{value} is over 1: a confidence is from 0 to 1, or from 0% to 100%")
    return share


def _moment(name: str, value: str, now: float) -> float:
    if age := _AGE.fullmatch(value):
        return now - int(age[1]) * _UNITS[age[2]]
    if (span := _span(value, now)) is not None:
        return span[0]
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Malformed(
            f"{name}:{value} is no moment: write a date (2026-11-22, 2026-11-22T08:30), today, yesterday, or an age "
            "(30m, 2h, 7d, 2w)"
        ) from None


def _day(value: str, now: float) -> tuple[Comparison, ...]:
    if (span := _span(value, now)) is None:
        raise Malformed(f"date:{value} is no day: write 2026-11-22, 2026-11, 2026, today or yesterday")
    return Comparison(">=", span[0]), Comparison("<", span[1])


def _span(value: str, now: float) -> tuple[float, float] | None:
    """When the day, month or year begins, and the next one; None for anything else."""
    today = datetime.fromtimestamp(now, UTC).date()
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        first = days.get(value) or date(*[int(item) for item in _filled(value)])
        last = first if value in days or len(value) == 10 else _last_of(first, year=len(value) == 4)
        after = last + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return tuple(datetime(item.year, item.month, item.day, tzinfo=UTC).timestamp() for item in (first, after))  # type: ignore[return-value]


def _filled(value: str) -> list[str]:
    """Year, month and day. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", value):
        raise ValueError(value)
    return [*value.split("-"), "1", "1"][:3]


def _last_of(first: date, *, year: bool) -> date:
    later = first.replace(month=12) if year else first
    return (later.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _refuse_filter(name: str, value: str) -> NoReturn:
    whole = _quoted(f"{name}:{value}")
    _refuse_value(f"{name}: is no filter; to search for the text, write {whole}", name, tuple(FILTERS))


def _refuse_value(said: str, word: str, allowed: tuple[str, ...]) -> NoReturn:
    meant = near(word, allowed)
    hint = f"did you mean {meant}?" if meant else ""
    raise Malformed(f"{said}; {hint or 'known: ' + ', '.join(allowed)}")


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""'))


_DATES = ("since", "before", "date")
