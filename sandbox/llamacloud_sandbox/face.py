"""What a page shows of its place in a document: printed page number, document numbers, how it begins and ends."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llamacloud_sandbox.evidence import titles
from llamacloud_sandbox.marks import marks
from llamacloud_sandbox.profile import EMPTY
from llamacloud_sandbox.reading import Page
from llamacloud_sandbox.wording import alternatives
from llamacloud_sandbox.words import fold, language, tokens

_PAGE_WORD = r"(?:page|pg\.?|seite|p[aá]gina|pagina|blad|pag\.?|s\.)"
_COUNT = rf"\s*{alternatives('pages', 'count')}\s*(\d{{1,4}})"
_PLACE = re.compile(rf"\b{alternatives('pages', 'page')}\s*:?\s*(\d{{1,4}})(?:{_COUNT})?\b")
_PLACE_AT_EDGE = re.compile(rf"(?:^|[\s-])(\d{{1,3}}){_COUNT}\W*$")
_ITEM = re.compile(r"^(?:§ ?)?(\d{1,2})[.)]? +[A-Za-z]", re.MULTILINE)
_BARE = re.compile(r"^\W{0,3}(\d{1,4})\W{0,3}$|\|\s*(\d{1,4})$|^(\d{1,4})\s*\|")
_THING = alternatives("pages", "numbered").replace(r"\b", "")
_NUMBER = rf"(?:{alternatives('pages', 'number')}|#|no?[°º])"
_OWN_NUMBER = re.compile(
    rf"(?:\b({_THING})[ -]?{_NUMBER}|^\W*(?:[a-z]+ )?({_THING})\b|^\W*{_NUMBER})\s*[:#.]?\s*"
    r"((?!(?:19|20)\d\d\b(?!-))[a-z]{0,6}[-/]?\d[\w/.-]+)",
    re.MULTILINE,
)
_DATED = re.compile(
    rf"\b{alternatives('pages', 'date')}\s*:?\s*(\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|.{{0,18}}(?:19|20)\d\d)"
)
_OPENING = re.compile(rf"^\s*{alternatives('pages', 'opening')}\s*[.:—-]?\s*$|^abstract\b", re.MULTILINE)
_SOURCES = re.compile(rf"^\W*{alternatives('pages', 'sources')}\W*$", re.MULTILINE)
_SOURCE = re.compile(r"^\s*\[\d{1,3}\]\s+\w", re.MULTILINE)
_NO_HEADING = re.compile(rf"^\W*(?:\d+(?:\.\d+)*\.?\s|{alternatives('pages', 'within')})|[:|]|\d.*\d")
_TOTAL = re.compile(rf"^\W*{alternatives('pages', 'total')}.*\d", re.MULTILINE)
_SIGNED = re.compile(rf"^\W*{alternatives('pages', 'signed')}", re.MULTILINE)
_FIELDS = re.compile(r"[:|_\t]|\s{3}|\d[.,]\d\d\b")  # a line of fields or figures, not of a sentence
_LETTERED_FIELD = re.compile(r"[a-z][.)]? +[A-Z]")  # "a Employee's name": forms letter their fields
_COMPANY = re.compile(rf"\s{alternatives('pages', 'company')}(?:\W|$)")
_SENDER = re.compile(r"@([\w-]+\.[\w.-]*\w)|\bwww\.([\w-]+\.[\w.]*\w)|\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7})\b")


@dataclass(frozen=True)
class Face:
    """One page, as compared with its neighbour."""

    page: Page
    lines: tuple[str, ...]
    place: tuple[int, int] | None  # "Page 2 of 3" is (2, 3); an unknown count is 0
    bare_numbers: frozenset[int]
    own_numbers: dict[str, str]
    date: str | None
    title: str | None
    opens: bool
    closes: bool
    sources: bool  # it lists references
    items: tuple[int, ...]  # the numbers of its numbered paragraphs
    senders: frozenset[str]  # mail and web domains and IBANs
    language: str | None
    words: Counter[str]

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read on it."""
        return sum(map(len, self.words)) < 3 and not self.lines


def face(page: Page) -> Face:
    """What `page` shows."""
    lines = tuple(line.strip() for line in page.text.splitlines() if line.strip())
    top = "\n".join(lines[: max(12, len(lines) // 3)])
    text, bottom = fold("\n".join(lines)), fold("\n".join(lines[-8:]))
    words = tokens(text)
    return Face(
        page=page,
        lines=lines,
        place=_place(text.splitlines()),
        bare_numbers=_bare_numbers(lines),
        own_numbers=_own_numbers(fold(top)),
        date=next(iter(_DATED.findall(fold(top))), None),
        title=_title(top),
        opens=bool(_OPENING.search(text)) or _addresses(top),
        closes="@closing" in marks(bottom) or bool(_TOTAL.search(bottom) or _SIGNED.search(bottom)),
        sources=bool(_SOURCES.search(text)) or len(_SOURCE.findall(text)) >= 4,
        items=tuple(map(int, _ITEM.findall(text))),
        senders=frozenset(fold(next(filter(None, match))) for match in _SENDER.findall(page.text)),
        language=language(words),
        words=Counter(word for word in words if len(word) > 2 and word not in EMPTY and not word.isdigit()),
    )


def frame(shown: Face) -> frozenset[str]:
    """The first and last lines with the figures masked: what a letterhead or a running title repeats."""
    edges = (*shown.lines[:4], *shown.lines[-3:])
    return frozenset(re.sub(r"\d+", "#", fold(line)) for line in edges if sum(map(str.isalpha, line)) >= 5)


def begins_midway(shown: Face) -> bool:
    """Whether its first line goes on with a sentence of another page."""
    first = shown.lines[0] if shown.lines else ""
    return first[:1] in tuple(",;)|") or (first[:1].islower() and not _LETTERED_FIELD.match(first))


def ends_midway(shown: Face) -> bool:
    """Whether its last line of prose has no end."""
    last = next((line for line in reversed(shown.lines) if not _BARE.search(line)), "")
    return len(last) > 60 and last[-1] not in ".!?:”\"'’)" and not _FIELDS.search(last)


def letterhead(shown: Face) -> str:
    """The name of the company that the first lines begin with; empty if none can be told."""
    return next((line for line in map(fold, shown.lines[:2]) if _COMPANY.search(line) and len(line) < 80), "")


def goes_on_listing(before: Face, after: Face) -> bool:
    """Whether the last line of one page and the first of the next are both "field: value" or rows of a table."""
    return any(mark in before.lines[-1] and mark in after.lines[0] for mark in (":", "|"))


def begins_with_heading(shown: Face) -> bool:
    """Whether its first line could be the name of a document: short, capital, not the heading of a section."""
    first = shown.lines[0] if shown.lines else ""
    return (
        first[:1].isupper()
        and len(first.split()) <= 12
        and first[-1] not in ".,;"
        and not _NO_HEADING.search(fold(first))
    )


def _place(lines: Sequence[str]) -> tuple[int, int] | None:
    """ "Page 2 of 3" anywhere, or "2 / 3" at the end of one of the first or last lines."""
    edges = (_PLACE_AT_EDGE.search(line) for line in (*lines[:2], *lines[-2:]))
    for match in (*_PLACE.finditer("\n".join(lines)), *filter(None, edges)):
        number, count = int(match[1]), int(match[2] or 0)
        if not count or 1 <= number <= count:
            return number, count
    return None


def _bare_numbers(lines: tuple[str, ...]) -> frozenset[int]:
    found = (_BARE.search(line) for line in (*lines[:2], *lines[-2:]))
    return frozenset(int(match[1] or match[2] or match[3]) for match in found if match)


def _own_numbers(top: str) -> dict[str, str]:
    """The numbers the page gives to itself, by the first letters of what is numbered; the first of each counts."""
    numbers: dict[str, str] = {}
    for one, other, value in _OWN_NUMBER.findall(top):
        numbers.setdefault((one or other)[:4], value.strip(".-/"))
    return numbers


def _addresses(top: str) -> bool:
    """Whether it begins like a letter or a mail: with a salutation or at least two of From, To, Subject."""
    found = Counter(marks(top))
    return found["@salutation"] > 0 or found["@header"] > 1


def _title(top: str) -> str | None:
    line, worth = max(titles(top).values(), key=lambda title: title[1], default=("", 0.0))
    return re.sub(r"\d+", "#", fold(line)) if worth >= 3.5 else None
