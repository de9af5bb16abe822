"""How long a path can become: its template, filled with the longest values that a document can bring."""

from receiver.core.object_key import FIELDS, TYPE_BYTES, WORD_BYTES, render
from receiver.core.safe_names import NAME_BYTES

_SHORT = {
    "document_id": 28, "yyyy": 4, "mm": 2, "dd": 2,
    "type": TYPE_BYTES, "source": WORD_BYTES, "batch": WORD_BYTES, "pages": WORD_BYTES,
}  # fmt: skip
"""Bytes of the values that are shorter than a file name."""
_LONG = {name: "x" * _SHORT.get(name, NAME_BYTES) for name in FIELDS}
_LONGEST = (_LONG | {"ext": ""}, _LONG | {"stem": "x", "ext": "x" * (NAME_BYTES - len("x."))})
"""Stem and extension share the bytes of one file name, so one of the two is long."""


def longest(template: str) -> tuple[str, ...]:
    """The paths that this template gives at its longest. It must be without faults (core/object_key.py)."""
    return tuple(render(template, values) for values in _LONGEST)


def most_bytes(template: str) -> int:
    """The bytes of the longest path that the template gives."""
    return max(len(path.encode()) for path in longest(template))


def most_bytes_of_a_part(template: str, *, beside: str = "") -> int:
    """The bytes of the longest part between slashes; ``beside`` is what is added to the last one."""
    return max(len(part.encode()) for path in longest(template) for part in (path + beside).split("/"))
