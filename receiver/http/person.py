"""Who sends a request to the operator's side, and under which name their deeds are recorded."""

from dataclasses import dataclass

from starlette.requests import Request

from receiver.core.decision import OPERATOR, WHO_LIMIT
from receiver.core.errors import Malformed
from receiver.core.operators import Role
from receiver.http.session_cookie import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    name: str
    """"" for whoever uses MAILROOM_ADMIN_TOKEN, which has no name: they give one with each request."""
    role: Role
    ambient: bool = False
    """Whether a browser adds the proof by itself, so that a stranger's page could have it act (CSRF)."""
    credential: str = ""
    """The SHA-256 of the token that was sent, with which a session can begin; "" where none was."""
    session: Session | None = None


def person_of(request: Request) -> Person:
    """Who sent this request: the check of the sign-in left it there."""
    person: Person = request.state.person
    return person


def address_of(request: Request) -> str:
    """The address that the request came from: the client's, or that of a proxy in between."""
    return request.client.host if request.client else ""


def who_of(request: Request, given: object = "") -> str:
    """The name for the record: that of the sign-in. ``given`` counts only where the sign-in has none.

    Raises Malformed if ``given`` is not a name.
    """
    if not isinstance(given, str) or len(given) > WHO_LIMIT:
        raise Malformed(f"'who' is a text of at most {WHO_LIMIT} characters")
    return person_of(request).name or given.strip() or OPERATOR
