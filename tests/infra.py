"""serverless.yml and infra/*.yml as data, read without Node: for tests of what stands in them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!GetAtt A.B`` is {"Fn::GetAtt": ["A", "B"]}."""


def _short(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short)


def load(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506  a safe loader with plain additions
    return data


@cache
def service() -> dict[str, Any]:
    """serverless.yml."""
    found = load(ROOT / "serverless.yml")
    # A list that osls merges: what the repository says, and what a deployment file adds.
    found["functions"] = found["functions"][0]
    return found


@cache
def resources() -> dict[str, dict[str, Any]]:
    """Every resource of ours, by its logical id."""
    files = [re.fullmatch(r"\$\{file\((.+)\)\}", text) for text in service()["resources"] if "overlay" not in text]
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        assert file, "each of the resources is a file"
        found |= load(ROOT / file[1]).get("Resources", {})
    return found


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of this type, by logical id."""
    return {name: item["Properties"] for name, item in resources().items() if item["Type"] == kind}


def referred(value: Any) -> set[str]:
    """The logical ids that this mentions by Ref or GetAtt."""
    if isinstance(value, dict):
        if "Ref" in value:
            return {value["Ref"]}
        if "Fn::GetAtt" in value:
            return {value["Fn::GetAtt"][0]}
        return set().union(*map(referred, value.values()))
    return set().union(*map(referred, value)) if isinstance(value, list) else set()


def param(text: Any) -> Any:
    """The default of ``${param:NAME}``; anything else as it is."""
    found = re.fullmatch(r"\$\{param:(\w+)\}", str(text))
    return service()["params"]["default"][found[1]] if found else text
