"""What a deployment would change, in words: the deployed template held against the one that would be deployed."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
REPLACING = frozenset(
    {
        "TableName",
        "BucketName",
        "QueueName",
        "TopicName",
        "FunctionName",
        "RoleName",
        "LogGroupName",
        "KeySchema",
        "FifoQueue",
    }
)
"""Properties with which CloudFormation makes a new resource and deletes the old one."""
SHOWN = 60
"""Characters of a value."""


def change_lines(old: Template, new: Template, changed_code: Collection[str]) -> list[str]:
    """One line for each resource that is made, changed or removed. ``changed_code``: functions with another zip."""
    before, after = _made(old), _made(new)
    lines = [f"+ {_called(name, after)}" for name in sorted(after) if name not in before]
    for name in sorted(before):
        if name not in after:
            stays = before[name].get("DeletionPolicy") == "Retain"
            lines.append(f"- {_called(name, before)}" + (" leaves the stack, and stays" if stays else " is DELETED"))
        elif said := [*_changes(before[name], after[name]), *(["other code"] if name in changed_code else [])]:
            lines.append(f"~ {_called(name, after)}: {'; '.join(said)}")
    return lines


def _made(template: Template) -> dict[str, Any]:
    """The resources whose condition holds; osls has filled the parameters in, so that all of them are constant."""
    conditions = template.get("Conditions", {})
    found = template.get("Resources", {})
    return {name: item for name, item in found.items() if _holds({"Condition": item.get("Condition")}, conditions)}


def _holds(condition: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    ((kind, value),) = condition.items()
    if kind == "Condition":
        return value is None or _holds(named[value], named)
    if kind == "Fn::Equals":
        return bool(value[0] == value[1])
    held = [_holds(item, named) for item in value]
    return not held[0] if kind == "Fn::Not" else any(held) if kind == "Fn::Or" else all(held)


def _called(name: str, resources: Template) -> str:
    """``SQS Queue RoutedQueue``"""
    return f"{' '.join(resources[name]['Type'].split('::')[1:])} {name}"


def _changes(old: Template, new: Template) -> Iterator[str]:
    for key in ("Type", "Condition", "DeletionPolicy"):
        if old.get(key) != new.get(key):
            yield f"{key} {_value(old.get(key))} -> {_value(new.get(key))}"
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for key in sorted({*before, *after}):
        if key != "Code" and before.get(key) != after.get(key):
            replaces = " (REPLACES it: what is in it is lost unless it is retained)" if key in REPLACING else ""
            yield f"{_difference(key, before.get(key), after.get(key))}{replaces}"


def _difference(key: str, old: Any, new: Any) -> str:
    """The innermost place that differs, if it is one alone."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        differing = [name for name in {*old, *new} if old.get(name) != new.get(name)]
        if len(differing) == 1:
            (name,) = differing
            return _difference(f"{key}.{name}", old.get(name), new.get(name))
        return f"{key}: {', '.join(sorted(differing))}"
    return f"{key} {_value(old)} -> {_value(new)}"


def _value(value: Any) -> str:
    text = "none" if value is None else re.sub(r"\s+", " ", str(value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
