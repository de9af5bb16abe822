"""JSON of the operator's API: bodies within limits, and responses that are never cached."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from receiver.core.errors import Malformed
from receiver.http.problems import TooSlow

BODY_LIMIT = 64 * 1024
BODY_SECONDS = 10.0


async def object_of(request: Request, *, empty: bool = False) -> dict[str, Any]:
    """The body, a JSON object. With ``empty``, an absent body is an empty object. Raises Malformed, TooSlow."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(request)
        if empty and not body:
            return {}
        return msgspec.json.decode(body, type=dict[str, Any])
    except TimeoutError:
        raise TooSlow("the body did not arrive in time") from None
    except ClientDisconnect:
        raise Malformed("the body is truncated") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("the body is not a JSON object") from error


def version_of(body: dict[str, Any]) -> int | None:
    """The version of the document that the person saw; None if the body does not name one. Raises Malformed."""
    version = body.get("version")
    if "version" in body and (not isinstance(version, int) or isinstance(version, bool)):
        raise Malformed("version is the number that the document had when it was read")
    return version


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Malformed(f"the body is over {BODY_LIMIT} bytes")
    return body


def json_response(shown: dict[str, Any], status: int = 200) -> Response:
    """A JSON response, never cached."""
    return JSONResponse(shown, status, headers={"cache-control": "no-store"})
