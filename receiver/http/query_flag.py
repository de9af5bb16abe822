"""Yes or no in a query string, as ``?preview=true``."""

from starlette.requests import Request

from receiver.core.errors import Malformed

YES, NO = ("true", "1", "yes"), ("false", "0", "no")


def flag_in(request: Request, name: str) -> bool:
    """Whether the query says yes; no if it does not have the parameter. Raises Malformed for any other word.

    A misspelt yes is no no: it would carry out what was to be previewed, or file a packet as one document.
    """
    given = request.query_params.get(name, "false")
    if given.lower() not in YES + NO:
        raise Malformed(f"{name} is true or false, not {given!r}")
    return given.lower() in YES
