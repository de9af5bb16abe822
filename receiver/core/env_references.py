"""``env:NAME`` in mailroom.yaml: a value from the environment, put in where it is used."""

import re
from collections.abc import Mapping

from receiver.core.forms import Wrong

_VARIABLE = re.compile(r"(^|(?<=[:/=?&,\s]))env:([A-Za-z_][A-Za-z0-9_]*)(?=$|[/?&#,\s])")
_LIKE_ONE = re.compile(r"env:[A-Za-z_{$]\w*")
_NAMELESS = re.compile(r"\s*env:\W*")
"""What begins like a variable, and names none: ``env:``, ``env: NAME``, ``env:$``."""


def variables_in(value: str) -> list[str]:
    """The names of the variables that the text is put together from."""
    return [found[2] for found in _VARIABLE.finditer(value)]


def resolve(value: str, environ: Mapping[str, str]) -> str:
    """The text with each ``env:NAME`` that is a whole part of it replaced by that variable.

    A part begins at the start or after one of ``: / = ? & ,`` and ends at the end or before ``/ ? & # ,``. Raises Wrong
    for a variable that is not set, and for what looks like one and is no whole part: it would be taken literally.
    """

    def found(match: re.Match[str]) -> str:
        if not environ.get(match[2]):
            raise Wrong(f"the variable {match[2]} is not set", f"export {match[2]}=… or write the value here")
        return environ[match[2]]

    if _NAMELESS.match(value) and not _VARIABLE.match(value.lstrip()):
        raise Wrong("env: names no variable", "write env:NAME, without a space")
    if odd := _LIKE_ONE.search(_VARIABLE.sub("", value)):
        raise Wrong(
            f"{odd[0]} is not a whole path segment, so it would be taken literally",
            "put it between slashes, or put the whole value in the variable",
        )
    return _VARIABLE.sub(found, value)
