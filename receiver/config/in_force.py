"""Every value of ``mailroom.yaml`` that is in force, with its line; secrets are hidden."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from receiver.config.build import load_values
from receiver.config.source import ConfigText
from receiver.core.channel_name import channel_name

HIDDEN = "(hidden)"
_SECRET_OPTION = re.compile(r"secret|key|token|pass|auth|credential|cookie|external_id", re.IGNORECASE)
_OPEN_OPTIONS = frozenset({"kms_key"})
_VARIABLE = re.compile(r"env:[A-Za-z_]\w*", re.ASCII)
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")
_QUERY = re.compile(r"\?[^#]*")


class ValueInForce(NamedTuple):
    place: str
    """``routes[0].to``"""
    value: Any
    line: int | None
    """None for a default."""


def values_in_force(path: Path, environ: Mapping[str, str], *, variable: str = "MAILROOM_CONFIG") -> list[ValueInForce]:
    """The values of this file and its defaults, in the order of the reference. Raises Misconfigured.

    ``env:NAME`` is not resolved. Keys without a value and without a default are left out.
    """
    source, file = load_values(path, environ, variable=variable)
    return list(_section(file, "", source, given=True))


def _section(section: BaseModel, at: str, source: ConfigText, *, given: bool) -> Iterator[ValueInForce]:
    for name, field in type(section).model_fields.items():
        place = f"{at}.{field.alias or name}".lstrip(".")
        if name == "kind" and f"{at}.on" in source.lines:
            place = f"{at}.on"
        yield from _value(getattr(section, name), place, source, given=given and name in section.model_fields_set)
    for name, value in (section.__pydantic_extra__ or {}).items():
        yield ValueInForce(f"{at}.{name}", _option(name, value), source.line(f"{at}.{name}"))


def _value(value: Any, place: str, source: ConfigText, *, given: bool) -> Iterator[ValueInForce]:
    if isinstance(value, BaseModel):
        yield from _section(value, place, source, given=given)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _value(item, f"{place}.{name}", source, given=given)
    elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        for number, item in enumerate(value):
            yield from _value(item, f"{place}[{number}]", source, given=given)
    elif given or value not in (None, ()):
        yield ValueInForce(place, _shown(place, value), source.line(place) if given else None)


def _shown(place: str, value: Any) -> Any:
    """The value, without parts that may be a secret."""
    if isinstance(value, tuple):
        return [_shown(f"{place}[{number}]", item) for number, item in enumerate(value)]
    if re.fullmatch(r"alerts\[\d+\]\.(?:escalate\.)?to", place):
        return channel_name(str(value))
    if re.fullmatch(r"alerts\[\d+\]\.(?:secret|headers\..*)", place, re.DOTALL):
        return _unless_variable(str(value))
    if not isinstance(value, str):
        return value
    return _QUERY.sub(f"?{HIDDEN}", _CREDENTIALS.sub(f"{HIDDEN}@", value)) if "://" in value else value


def _option(name: str, value: Any) -> Any:
    if name in _OPEN_OPTIONS or not _SECRET_OPTION.search(name):
        return _shown("", value)
    return _unless_variable(str(value))


def _unless_variable(value: str) -> str:
    return value if _VARIABLE.fullmatch(value) else HIDDEN
