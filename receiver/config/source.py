"""Reads YAML with line numbers: plain data, and the line of each value."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from receiver.core.errors import Misconfigured
from receiver.patient_reader import PatientReader

MOST_BYTES = 8 * 1024 * 1024
"""Maximum characters of a file. A file with 2,000 routes has some hundred thousand."""
FILES = PatientReader(MOST_BYTES)
PLACES = 50_000
"""Maximum values in a file. No table has that many, but a few lines of nested anchors can."""


@dataclass(frozen=True, slots=True)
class ConfigText:
    """A file's data (mappings as dicts, sequences as tuples) and the line of every place in it, from 1."""

    path: Path
    data: Any
    lines: Mapping[str, int]
    faults: tuple[tuple[str, str], ...] = ()
    """Faults that the reader itself found: place and message."""

    def line(self, place: str) -> int:
        """The line of a place, or of the nearest place around it that is in the file."""
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self.lines.get(place, 1)


_PROBLEMS = {
    "character '\\t'": "there is a tab; indent with spaces",
    "but got '{'": "a value with {fields} between [ and ] needs quotes",
    "mapping values are not allowed": "a value with `: ` in it needs quotes, and a key a line of its own",
    "expected ',' or": "a list or section in brackets is not closed, or lacks a comma",
    "expected <block": "this line is not indented like those around it",
    "could not find expected ':'": "a key has no `:` after it",
    "unexpected end of stream": "a quote is not closed",
    "another document": "a second document begins here; a file has one",
    "constructor for the tag": "a tag (!…) is not plain data; remove it",
    "undefined alias": "an alias (*…) needs its anchor (&…) above it",
    "plain text": "a key must be plain text",
}
"""A sign in PyYAML's message -> what is wrong, in our words."""
_OTHER_PROBLEM = "check the quotes and the indentation here"


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only ``true`` and ``false`` are truth values, as in YAML 1.2, and dates are text.

    In YAML 1.1 the key ``on`` and the language ``no`` would be truth values too, ``0123`` the number 83 and ``1:20``
    the number 80. These are text here, which a key that wants a number refuses.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] not in {"bool", "int", "timestamp"}]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)


def read_config(text: str, path: Path) -> ConfigText:
    """The text as data with lines. Raises Misconfigured, naming the line, for what is not YAML."""
    try:
        return _Reader(_Loader(text), path).source()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{path}:{mark.line + 1}" if mark else f"{path}"
        what = error.problem or error.context or ""
        said = next((text for sign, text in _PROBLEMS.items() if sign in what), _OTHER_PROBLEM)
        raise Misconfigured(f"{at}: not readable as YAML: {said}") from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"{path}: not readable as YAML: it has a control character") from error
    except ValueError as error:
        raise Misconfigured(f"{path}: not readable as YAML: a number has too many digits") from error
    except RecursionError as error:
        raise Misconfigured(f"{path}: not readable as YAML: nested too deeply") from error


@dataclass
class _Reader:
    """Walks the composed nodes, which know their lines, and builds the data from them."""

    loader: _Loader
    path: Path
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def source(self) -> ConfigText:
        node = self.loader.get_single_node()
        data = None if node is None else self.value(node, "")
        return ConfigText(self.path, data, self.lines, tuple(self.faults))

    def value(self, node: Node, place: str) -> Any:
        if len(self.lines) > PLACES:
            raise Misconfigured(f"{self.path}: more than {PLACES} values: check its anchors")
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode) and node.tag.endswith(":map"):
            return {key: self.value(child, inner) for key, inner, child in self.entries(node, place)}
        if isinstance(node, SequenceNode) and node.tag.endswith(":seq"):
            return tuple(self.value(child, f"{place}[{at}]") for at, child in enumerate(node.value))
        return self.loader.construct_object(node, deep=True)  # refuses tags that are not plain data

    def entries(self, node: MappingNode, place: str) -> Iterator[tuple[str, str, Node]]:
        """Key, place and value node of each entry, ``<<`` merged; a repeated key is a fault."""
        own: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, ScalarNode) and key.value in own:
                inner = f"{place}.{key.value}".lstrip(".")
                self.lines[inner] = key.start_mark.line + 1
                self.faults.append((inner, "is a duplicate key; remove one of them"))
            own.add(key.value if isinstance(key, ScalarNode) else "")
        self.loader.flatten_mapping(node)
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key.start_mark)
            inner = f"{place}.{key.value}".lstrip(".")
            self.lines.setdefault(inner, key.start_mark.line + 1)
            yield key.value, inner, child
