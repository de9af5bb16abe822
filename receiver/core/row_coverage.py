"""Does one row's condition take in all that another's does? Compared part by part; ``any`` and ``not`` only if alike.

What several rows take in together, and what ``any`` and ``not`` amount to, is core/condition_logic.py's to say.
"""

from collections.abc import Iterator, Sequence

from receiver.core.condition_logic import MANY
from receiver.core.pattern import folded, literal, part_of
from receiver.core.pattern import pattern_covers as pattern_covers
from receiver.core.route import Route
from receiver.core.when import TEXTS, When


def covers(wide: When, narrow: When) -> bool:
    """Whether every document that meets ``narrow`` surely meets ``wide``; in doubt False."""
    return (
        all(
            _patterns_cover(wanted, getattr(narrow, of), always=of not in MANY)
            for of in TEXTS
            if (wanted := getattr(wide, of))
        )
        and all(_patterns_cover(wanted, narrow.metadata.get(key, ())) for key, wanted in wide.metadata.items())
        and _least_covers(wide.min_pages, narrow.min_pages)
        and _least_covers(wide.min_size, narrow.min_size)
        and _most_covers(wide.max_pages, narrow.max_pages)
        and _most_covers(wide.max_size, narrow.max_size)
        and wide.duplicate in (None, narrow.duplicate)
        and wide.any_of in ((), narrow.any_of)
        and all(item in narrow.none_of for item in wide.none_of)
    )


def _least_covers(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide <= narrow)


def _most_covers(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and wide >= narrow)


def _patterns_cover(wide: Sequence[str], narrow: Sequence[str], *, always: bool = False) -> bool:
    """``always``: every document has such a text, be it empty, so that ``*`` fits all."""
    if always and "*" in wide:
        return True
    return bool(narrow) and all(any(pattern_covers(item, other) for item in wide) for other in narrow)


_ALIKE = frozenset({"source", "media_type"})
"""What thousands of rows may ask alike: it tells few of them apart."""


class Above:
    """The rows that stand above, found by what they ask: of thousands with a sender each, few are compared."""

    def __init__(self) -> None:
        self.rows: list[Route] = []
        self._by_text: dict[tuple[str, str], list[Route]] = {}
        self._by_pattern: dict[str, list[tuple[Route, tuple[str, ...]]]] = {}
        """Attribute -> rows, each with a part of each of its patterns."""
        self._others: list[Route] = []

    def add(self, route: Route) -> None:
        self.rows.append(route)
        asked = [(of, patterns) for of in TEXTS if (patterns := getattr(route.when, of)) and "*" not in patterns]
        asked = [(of, patterns) for of, patterns in asked if of not in _ALIKE] or asked
        for of, patterns in asked:
            texts = [text for pattern in patterns if (text := literal(pattern)) is not None]
            if len(texts) == len(patterns):
                for text in texts:
                    self._by_text.setdefault((of, text), []).append(route)
                return
        for of, patterns in asked[:1]:
            self._by_pattern.setdefault(of, []).append((route, tuple(part_of(pattern) for pattern in patterns)))
            return
        self._others.append(route)

    def perhaps_covering(self, route: Route) -> Iterator[Route]:
        """All rows whose conditions may cover those of this one, and some that do not."""
        for of in TEXTS:
            for first in getattr(route.when, of)[:1]:
                if (text := literal(first)) is not None:
                    yield from self._by_text.get((of, text), ())
                text = folded(first)
                for other, parts in self._by_pattern.get(of, ()):
                    if text is None or any(part in text for part in parts):
                        yield other
        yield from self._others
