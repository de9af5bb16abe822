"""Category names that would make the labels of a split job's segments ambiguous, which LlamaCloud rejects.

Source: release notes of SDK 2.20.0, which do not list the names. Rejected here are the reserved label, and names that
differ only in case or surrounding spaces.
"""

from collections.abc import Iterator, Sequence

from receiver.core.pages import UNCATEGORIZED


def ambiguous_names(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The place of each name that is not allowed in this list -> the reason."""
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        label = name.strip().casefold()
        if label == UNCATEGORIZED:
            yield place, f"{name!r} is LlamaCloud's label for pages that fit no category"
        elif label in first:
            yield place, f"{name!r} and {names[first[label]]!r} would be one label"
        first.setdefault(label, place)
