"""Conditions on a document, besides its type: what a row of the table may ask, and what is known.

A condition on an unknown fact (the pages of a Word file) is neither met nor unmet: it is ``None``, and so is whatever
depends on it. Conditions are compiled once for each table, because a table may have thousands of rows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from receiver.core.address import mailboxes
from receiver.core.document import Document
from receiver.core.pattern import fold, matcher

Truth = bool | None
"""None: unknown."""
Test = Callable[[Any], Truth]
TEXTS = ("sender", "recipient", "subject", "name", "parent_category", "source", "media_type")
"""In the order of checks: what distinguishes most rows comes first."""
RECIPIENTS_CUT = 1000
"""Characters of a mail's To or Cc that are kept (handlers/mail/headers.py): a longer field may name others besides."""
UNKNOWN = {
    "pages": "the number of pages",
    "size": "the size",
    "media_type": "the media type",
    "recipient": "the whole list of recipients",
    "duplicate": "whether its bytes were received before",
}
"""What may be unknown, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions that must all hold; those that are empty always do. Patterns are those of core/pattern.py."""

    source: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    recipient: tuple[str, ...] = ()
    """To or Cc of its e-mail: one address that matches is enough."""
    name: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    """Of its e-mail."""
    media_type: tuple[str, ...] = ()
    parent_category: tuple[str, ...] = ()
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key -> patterns; a key that the document does not have matches none."""
    min_pages: int | None = None
    max_pages: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    """Bytes."""
    duplicate: bool | None = None
    """Whether another document was received with the same bytes before."""
    any_of: tuple["When", ...] = ()
    """At least one of these holds."""
    none_of: tuple["When", ...] = ()
    """None of these holds."""


def asks_about_bytes(when: When) -> bool:
    """Whether it asks for what only a document's bytes show."""
    bounds = (when.min_pages, when.max_pages, when.min_size, when.max_size, when.duplicate)
    nested = (*when.any_of, *when.none_of)
    return bool(when.media_type) or any(item is not None for item in bounds) or any(map(asks_about_bytes, nested))


class Attributes(dict[str, Any]):
    """What conditions ask about a document. Texts are folded; None is unknown, () a key that is not there."""

    def __missing__(self, key: str) -> tuple[()]:
        return ()


def document_attributes(document: Document) -> Attributes:
    """What is known of this document. A job that was created elsewhere may name a file that Mailroom has not read."""
    read = bool(document.sha256)
    known = Attributes(
        source=fold(document.origin.kind),
        sender=fold(document.origin.sender),
        recipient=_recipients(document.metadata),
        name=fold(document.name),
        subject=fold(document.metadata.get("subject", "")),
        media_type=fold(document.media_type) if read else None,
        parent_category=fold(document.category),
        pages=document.page_count or len(document.pages) or None,
        size=document.size or None,
        duplicate=bool(document.duplicate_of) if read else None,
    )
    for key, value in document.metadata.items():
        known[f"metadata.{key}"] = (fold(value),)
    return known


def _recipients(metadata: Mapping[str, str]) -> tuple[str | None, ...]:
    fields = [metadata[name] for name in ("to", "cc") if metadata.get(name)]
    if not fields:
        return ()
    read = [mailboxes(item) for item in fields]
    found = tuple(fold(address) for addresses, _ in read for address in addresses)
    complete = all(are_all for _, are_all in read) and all(len(item) < RECIPIENTS_CUT for item in fields)
    return found if complete else (*found, None)


class Asked(NamedTuple):
    """One condition: of which attribute, its test, and the words for a value that fails it."""

    of: str
    test: Test
    says: Callable[[Any], str]


class Judge:
    """Compiled conditions, to be checked against the attributes of many documents."""

    __slots__ = ("_any", "_asked", "_nested", "_none", "_tests")

    def __init__(self, when: When, *, fits: Callable[[tuple[str, ...]], Test] = matcher) -> None:
        """``fits`` makes the test of one text from patterns; core/condition_logic.py has one that only supposes."""
        self._asked = [*_texts(when, fits), *_metadata(when, fits), *_numbers(when)]
        if when.duplicate is not None:
            wanted = when.duplicate
            known, new = "its bytes are those of an earlier document", "its bytes are new"
            self._asked.append(Asked("duplicate", lambda value: value is wanted, lambda value: known if value else new))
        self._any = [Judge(item, fits=fits) for item in when.any_of]
        self._none = [Judge(item, fits=fits) for item in when.none_of]
        self._nested = bool(self._any or self._none)
        self._tests = [(item.of, item.test) for item in self._asked]

    def truth(self, known: Mapping[str, Any]) -> Truth:
        """Whether the conditions hold."""
        unsure = False
        for of, test in self._tests:
            value = known[of]
            held = None if value is None else test(value)
            if held is None:
                unsure = True
            elif not held:
                return False
        if self._nested:
            nested = self._nested_truth(known)
            if nested is not True:
                return nested
        return None if unsure else True

    def rules_out(self, facts: Mapping[str, Any]) -> bool:
        """Whether no document with these facts meets the conditions, whatever else becomes known of it."""
        named = [(facts[of], test) for of, test in self._tests if of in facts]
        return any(value is None or test(value) is not True for value, test in named)

    def _nested_truth(self, known: Mapping[str, Any]) -> Truth:
        any_of = _either(item.truth(known) for item in self._any) if self._any else True
        return _both(any_of, _not(_either(item.truth(known) for item in self._none)))

    def why(self, known: Mapping[str, Any]) -> str:
        """Why they do not hold, or what is unknown."""
        if self.truth(known) is None:
            return depends_on(self.unknown(known))
        for of, test, says in self._asked:
            value = known[of]
            if value is not None and test(value) is False:
                return says(value)
        if self._any and _either(item.truth(known) for item in self._any) is False:
            return f"none of `any` holds: {'; '.join(item.why(known) for item in self._any)}"
        return "the condition in `not` holds"

    def unknown(self, known: Mapping[str, Any]) -> list[str]:
        """The unknown attributes that it depends on."""
        if self.truth(known) is not None:
            return []
        own = [of for of, test, _ in self._asked if known[of] is None or test(known[of]) is None]
        nested = [of for item in (*self._any, *self._none) for of in item.unknown(known)]
        return list(dict.fromkeys([*own, *nested]))


def depends_on(asked: Iterable[str]) -> str:
    """``would depend on the number of pages, which is unknown``."""
    words = list(dict.fromkeys(UNKNOWN[of] for of in asked))
    return f"would depend on {' and '.join(words)}, which {'is' if len(words) == 1 else 'are'} unknown"


def _either(truths: Iterable[Truth]) -> Truth:
    found = list(truths)
    return True if True in found else None if None in found else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _both(item: Truth, other: Truth) -> Truth:
    return False if False in (item, other) else None if None in (item, other) else True


def _texts(when: When, fits: Callable[[tuple[str, ...]], Test]) -> Iterable[Asked]:
    for of in TEXTS:
        patterns: tuple[str, ...] = getattr(when, of)
        if patterns:
            test = fits(patterns)
            yield Asked(of, _one_at_least(test) if of == "recipient" else test, _none_of(of, patterns))


def _metadata(when: When, fits: Callable[[tuple[str, ...]], Test]) -> Iterable[Asked]:
    for key, patterns in when.metadata.items():
        yield Asked(f"metadata.{key}", _one_at_least(fits(patterns)), _none_of(f"metadata {key}", patterns))


def _one_at_least(test: Test) -> Test:
    """The test of several texts; one of them may be None, for unknown ones."""

    def whole(values: Any) -> Truth:
        if not isinstance(values, tuple):  # supposed, by core/condition_logic.py
            return test(values)
        return _either(None if value is None else test(value) for value in values)

    return whole


def _none_of(of: str, patterns: tuple[str, ...]) -> Callable[[Any], str]:
    def says(value: Any) -> str:
        shown = ", ".join(str(item) for item in value) if isinstance(value, tuple) else value
        return f"{of} {shown!r} is none of {', '.join(patterns)}"

    return says


def _numbers(when: When) -> Iterable[Asked]:
    for of, unit, low, high in (
        ("pages", "pages", when.min_pages, when.max_pages),
        ("size", "bytes", when.min_size, when.max_size),
    ):
        if low is not None:
            yield _bound(of, unit, low, 1)
        if high is not None:
            yield _bound(of, unit, high, -1)


def _bound(of: str, unit: str, bound: int, sign: int) -> Asked:
    words = "fewer" if sign > 0 else "more"
    return Asked(
        of, lambda value: (value - bound) * sign >= 0, lambda value: f"{value} {unit} are {words} than {bound}"
    )
