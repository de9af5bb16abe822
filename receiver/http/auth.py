"""The operator's token: who may look, take in and decide. Compared in constant time, over bytes."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from receiver.settings import Secret

Endpoint = Callable[[Request], Awaitable[Response]]


def operator_only(token: Secret, endpoint: Endpoint) -> Endpoint:
    """The endpoint, closed to all who do not bring the token; to all when there is none."""

    async def checked(request: Request) -> Response:
        _check(token, request)
        return await endpoint(request)

    return checked


def _check(token: Secret, request: Request) -> None:
    if not token:
        raise HTTPException(403, "the operator's API is closed: no MAILROOM_ADMIN_TOKEN is set")
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    scheme, _, value = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    right = hmac.compare_digest(value.strip(), token.reveal().encode())
    if scheme.lower() != b"bearer" or not right:
        said = "send MAILROOM_ADMIN_TOKEN as a bearer token" if not given else "this token does not open the API"
        raise HTTPException(401, said, headers={"www-authenticate": 'Bearer realm="mailroom"'})
