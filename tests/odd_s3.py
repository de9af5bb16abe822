"""A small store that speaks as much of S3 as a delivery asks for, and has the ways of stores that are not AWS's."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from receiver.aws.boto import Aws
from tests.servers import serve

PAGE = b"<html><body>Sign in to the guest network</body></html>"


@dataclass
class OddS3:
    """One bucket in memory. Its oddities are set by the test, and change as it goes."""

    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each PUT, by key."""
    no_tags: bool = False
    """501 for a write with tags."""
    no_conditions: bool = False
    """501 for a conditional write."""
    careless: bool = False
    """Conditions are ignored."""
    writes_if_match: bool = False
    """``If-Match`` on a key that is not there writes it."""
    no_delete: bool = False
    """403 for a deletion."""
    gets: list[str] = field(default_factory=list)
    """What the next answers to GET are: ``half`` a body as if it were all, or a ``page`` of somebody else's."""
    aws: Aws = field(init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = request.url.path.lstrip("/").partition("/")[2]
        answer = {"PUT": self._put, "GET": self._get, "HEAD": self._head, "DELETE": self._delete}[request.method]
        await (await answer(key, request))(scope, receive, send)

    async def _put(self, key: str, request: Request) -> Response:
        body, given = await request.body(), request.headers
        if self.no_tags and "x-amz-tagging" in given:
            return _error(501, "NotImplemented", "<Header>x-amz-tagging</Header>")
        if self.no_conditions and ("if-none-match" in given or "if-match" in given):
            return _error(501, "NotImplemented", "<Header>If-None-Match</Header>")
        if not self.careless:
            if "if-none-match" in given and key in self.objects:
                return _error(412, "PreconditionFailed")
            if "if-match" in given and not self.writes_if_match:
                return _error(412 if key in self.objects else 404, "NoSuchKey")
        self.objects[key], self.headers[key] = body, dict(given)
        return Response(headers={"ETag": _etag(body)})

    async def _get(self, key: str, _: Request) -> Response:
        odd = self.gets.pop(0) if self.gets else ""
        if odd == "page":
            return Response(PAGE, media_type="text/html")
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        body = self.objects[key]
        return Response(body[: len(body) // 2] if odd == "half" else body, headers={"ETag": _etag(body)})

    async def _head(self, key: str, _: Request) -> Response:
        if key not in self.objects:
            return Response(status_code=404)
        body = self.objects[key]
        return Response(headers={"ETag": _etag(body), "Content-Length": str(len(body))})

    async def _delete(self, key: str, _: Request) -> Response:
        if self.no_delete:
            return _error(403, "AccessDenied")
        self.objects.pop(key, None)
        return Response(status_code=204)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _error(status: int, code: str, more: str = "") -> Response:
    return Response(f"<Error><Code>{code}</Code><Message>no</Message>{more}</Error>", status, media_type="text/xml")


@contextmanager
def odd_s3() -> Iterator[OddS3]:
    """The store over HTTP, and ``aws`` to talk to it."""
    store = OddS3()
    with serve(store) as url:
        store.aws = Aws(
            attempts=1,
            endpoint_url=url,
            credentials={"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"},
        )
        yield store
        store.aws.close()
