"""Turns pydantic's errors into lines that a person can act on: file, line, place, fault and fix."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from receiver.config.source import ConfigText
from receiver.config.text import Wrong

_TEXTS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a section with keys",
    "dict_type": "must be a section with keys",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "has the wrong format",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
}
"""pydantic's error types that can occur here -> our text; any other error keeps pydantic's text."""


_FORMS = {"(text)", "(spelt out)", "(section)", "(listed)"}
"""Tags in pydantic's places for the form of a value (model.py); they are not in the file."""


def lines(error: ValidationError, source: ConfigText, schema: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Each fault with its line. ``schema`` is the file's JSON Schema, which has the keys and examples."""
    return [_line(details, source, schema) for details in error.errors(include_url=False) if not _echo(details)]


def _echo(details: ErrorDetails) -> bool:
    """Whether a list only seems too short, because pydantic did not count its faulty entries, which are reported."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _line(details: ErrorDetails, source: ConfigText, schema: Mapping[str, Any]) -> tuple[int, str]:
    loc = _in_file(details["loc"], source.data)
    place = key_path(loc)
    message, fix = _message(details), _fix(details, loc, schema)
    text = f"{place}: {message}" if place else f"the file {message}"
    return source.line(place), text + (f"; {fix}" if fix else "")


def key_path(loc: Sequence[str | int]) -> str:
    """``routes[2].to`` for ("routes", 2, "to")."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _in_file(loc: Sequence[str | int], data: Any) -> list[str | int]:
    """The place without pydantic's tags for the form of a value."""
    found: list[str | int] = []
    for at, part in enumerate(loc):
        if part in _FORMS:
            continue
        if isinstance(data, dict) and (part in data or at == len(loc) - 1):
            data = data.get(part)
        elif isinstance(data, tuple) and isinstance(part, int):
            data = data[part]
        else:
            continue
        found.append(part)
    return found


def _message(details: ErrorDetails) -> str:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    if kind == "value_error":
        return str(context["error"])
    if given is None and kind != "missing":
        return "is empty"
    # pydantic's own text is not a template: it may contain braces, for instance of a regular expression.
    text = _TEXTS[kind].format(**context) if kind in _TEXTS else details["msg"].lower()
    if kind in {"missing", "extra_forbidden", "too_short"} or not isinstance(given, str | int | float):
        return text
    shown = repr(given) if not isinstance(given, bool) else str(given).lower()
    return f"{text} (got {shown if len(shown) <= 60 else shown[:57] + '…'})"


def _fix(details: ErrorDetails, loc: Sequence[str | int], schema: Mapping[str, Any]) -> str:
    kind, given = details["type"], details["input"]
    error = details.get("ctx", {}).get("error")
    if isinstance(error, Wrong):
        return error.fix
    if kind == "extra_forbidden":
        known = sorted(_keys(schema, loc[:-1]))
        return "its newer name is here, too; keep one" if loc[-1] in known else _nearest(str(loc[-1]), known)
    if kind == "missing" or given is None:
        return _example(schema, loc)
    if kind == "string_type" and isinstance(given, int | float):
        return _example(schema, loc, otherwise=f'put it in quotes: "{given}"')
    if kind in {"int_type", "float_type"} and isinstance(given, str):
        return "write it as a plain number, like 30 or 0.8, without quotes"
    if kind == "string_pattern_mismatch":
        return _example(schema, loc)
    return ""


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"


def _example(schema: Mapping[str, Any], loc: Sequence[str | int], otherwise: str = "") -> str:
    """An example to paste for a key that is missing or invalid."""
    for node in _nodes(schema, loc[:-1]):
        examples = node.get("properties", {}).get(loc[-1], {}).get("examples")
        if examples:
            flow = yaml.safe_dump(examples[0], default_flow_style=True, sort_keys=False, width=1000)
            flow = flow.removesuffix("...\n").strip()
            return f'write "{loc[-1]}: {flow}"'
    return otherwise


def _keys(schema: Mapping[str, Any], loc: Sequence[str | int]) -> set[str]:
    return {key for node in _nodes(schema, loc) for key in node.get("properties", {})}


def _nodes(schema: Mapping[str, Any], loc: Sequence[str | int]) -> list[Mapping[str, Any]]:
    """The schema's nodes for a place: several if a value may have several forms."""
    nodes = list(_forms(schema, schema))
    for part in loc:
        inner = [node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part) for node in nodes]
        nodes = [form for node in inner if node for form in _forms(node, schema)]
    return nodes


def _forms(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node itself, or all nodes that its references and alternatives lead to."""
    if "$ref" in node:
        yield from _forms(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    elif "properties" not in node and (alternatives := node.get("anyOf") or node.get("oneOf")):
        for item in alternatives:
            yield from _forms(item, root)
    else:
        yield node
