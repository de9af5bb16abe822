"""Page selections as LlamaCloud writes them: `"1,3,5-7"`, from 1."""

import re

_PART = re.compile(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?\Z")
MOST_PAGES = 100_000


def selected(text: str) -> tuple[int, ...]:
    """The page numbers in the order listed, each once. Raises ValueError for anything that is no selection."""
    numbers: dict[int, None] = {}
    for part in text.split(","):
        match = _PART.match(part)
        if match is None:
            raise ValueError(f"{part.strip()!r} is not a page or a range of pages, e.g. '1,3,5-7'")
        first = int(match[1])
        last = int(match[2] or first)
        if not 1 <= first <= last:
            raise ValueError(f"{part.strip()!r}: pages count from 1, and a range goes upwards")
        if len(numbers) + last - first >= MOST_PAGES:
            raise ValueError(f"more than {MOST_PAGES} pages")
        numbers.update(dict.fromkeys(range(first, last + 1)))
    return tuple(numbers)
