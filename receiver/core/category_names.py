"""Category names that make the labels of a split job's segments ambiguous: LlamaCloud refuses them.

Source: release notes of SDK 2.20.0. They do not say which names exactly. Refused here is what must be meant: the
reserved label, and names that are one when case and the spaces around them do not count.
"""

from collections.abc import Iterator, Sequence

from receiver.core.pages import UNCATEGORIZED


def ambiguous_names(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The place of each name that cannot stand in this list, and why."""
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        label = name.strip().casefold()
        if label == UNCATEGORIZED:
            yield place, f"{name!r} is LlamaCloud's label for pages that fit no category"
        elif label in first:
            yield place, f"{name!r} and {names[first[label]]!r} would be one label"
        first.setdefault(label, place)
