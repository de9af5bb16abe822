"""The repr of records in failing tests, debuggers and tracebacks: without the fields that have their defaults."""

from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def short_repr(self: "DataclassInstance") -> str:
    """Like a dataclass's repr, without default fields. Records that differ still have different reprs."""
    given = [
        (item.name, getattr(self, item.name)) for item in fields(self) if item.repr and not _is_default(item, self)
    ]
    return f"{type(self).__qualname__}({', '.join(f'{name}={_shown(value)}' for name, value in given)})"


def _is_default(field: "Field[Any]", record: object) -> bool:
    value = getattr(record, field.name)
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and value == field.default and type(value) is type(field.default)


def _shown(value: object) -> str:
    """Enum members by name, so that what pytest shows can be pasted into a test."""
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
