"""Reads and checks a target's options, in the same way for every destination."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

from receiver.core.env_references import resolve, variables_in
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong


def given(options: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The options with ``env:NAME`` resolved. Raises Misconfigured for a variable that is not set."""
    found = {}
    for name, value in options.items():
        try:
            found[name] = resolve(value, environ)
        except Wrong as error:
            raise Misconfigured(f"option {name}: {error}", fix=error.fix) from error
    return found


_HOLDS = {
    "role": "the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME, the account in 12 digits",
    "external_id": "2 to 1,224 letters, digits and + = , . @ : / - _",
    "endpoint": "https://host or https://host:port of this store, without user, path, query or fragment",
    "access_key": "a key: printable ASCII without spaces or quotes",
    "secret_key": "a key: printable ASCII without spaces or quotes",
    "secret": "whsec_ and base64, as Standard Webhooks has it",
    "storage_class": "a storage class that a writer to this bucket can choose",
    "kms_key": "the id of a key of KMS, alias/NAME, or its ARN",
    "tags": "name=value, name=value, such as S3 takes beside Mailroom's own",
    "metadata": "name=value, name=value, such as S3 takes beside Mailroom's own",
    "conditions": "none",
    "group": "batch or type",
}
"""The rule for options whose values are not shown."""


def without_values(found: Iterable[str], options: Mapping[str, str], *, says: str = "does not hold") -> list[str]:
    """The faults without the values of variables, which may be secrets, even of another option if a name is misspelt.

    The fault of an option with a variable gives the rule, and no part of the value.
    """
    return list(dict.fromkeys(_without_value(fault, options, says) for fault in found))


def _without_value(fault: str, options: Mapping[str, str], says: str) -> str:
    for name, value in options.items():
        if fault.startswith(f"option {name}:") and (named := " and ".join(variables_in(value))):
            return f"option {name}: the variable {named} {says} {_HOLDS.get(name, 'what goes here')}"
    return fault


def unset(options: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """The faults of options whose variables are not set, or blank."""
    try:
        found = given(options, environ)
    except Misconfigured as error:
        return [f"{error}; {error.fix}"]
    blank = [name for name, value in found.items() if not value.strip() and options[name].strip()]
    return [f"option {name}: the variable {' and '.join(variables_in(options[name]))} is blank" for name in blank]


def unknown(options: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """One fault for each unknown option, with the most similar known one, and for each empty option."""
    names = sorted(known)
    found = [_unknown_option(name, names) for name in options if name not in names]
    return [*found, *(f"option {name} is empty: leave it out" for name, value in options.items() if not value.strip())]


def _unknown_option(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    if not known:
        return f"it accepts no option {name!r}"
    return f"unknown option {name!r}{hint} Known options: {', '.join(known)}"


def pairs(value: str) -> dict[str, str]:
    """``a=b, c=d`` as a mapping. Raises ValueError, naming the part that is no pair."""
    return dict(_each(value))


def _each(value: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (item.strip() for item in value.split(","))):
        name, equals, content = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{part!r} is not name=value")
        found.append((name.strip(), content.strip()))
    return found


def pairs_faults(option: str, value: str) -> list[str]:
    """Faults in the form of an option like ``a=b, c=d``: parts that are no pair, and repeated names."""
    try:
        names = Counter(name for name, _ in _each(value))
    except ValueError as error:
        return [f"option {option}: {error}; write {option}: name=value, name=value"]
    return [f"option {option}: {name!r} is given {n} times; keep one" for name, n in names.items() if n > 1]
