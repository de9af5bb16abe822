"""Booleans in a query string: ``?preview=true``."""

from starlette.requests import Request

from receiver.core.errors import Malformed

YES, NO = ("true", "1", "yes"), ("false", "0", "no")


def flag_in(request: Request, name: str) -> bool:
    """The parameter's value; False without the parameter. Raises Malformed for any word but ``true`` and ``false``.

    A misspelt ``true`` must not count as ``false``: what was to be previewed would be carried out.
    """
    given = request.query_params.get(name, "false")
    if given.lower() not in YES + NO:
        raise Malformed(f"{name} is true or false, not {given!r}")
    return given.lower() in YES
