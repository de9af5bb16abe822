"""How a route is written down, and what a handler is given; OpenAPI and contract mode read the same table."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from llamacloud_sandbox.refused import Refused, invalid, invalid_fields

if TYPE_CHECKING:
    from llamacloud_sandbox.parts import Parts

M = TypeVar("M", bound=BaseModel)
JSON_BODY_LIMIT = 4 * 1024 * 1024  # bytes; ours: no limit is published for JSON bodies


class Json(Response):
    """A JSON answer; `None` stays `null`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class Nothing(BaseModel):
    """A request without fields of its own."""


class Scope(BaseModel):
    """The two query parameters that every operation takes."""

    project_id: str | None = None
    organization_id: str | None = None


@dataclass(frozen=True)
class Call:
    """One authenticated request, with the parts of the sandbox."""

    request: Request
    parts: "Parts"
    key: str

    @property
    def project_id(self) -> str:
        """The project asked for, or else the key's own (each key has one, and any other may be named)."""
        return self.request.query_params.get("project_id") or own_project(self.key)

    @property
    def user_id(self) -> str:
        """A user for the `user_id` of jobs: one per key."""
        return own_user(self.key)

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    def query(self, model: type[M]) -> M:
        """The query parameters, checked; unknown ones are ignored. Raises Refused (422)."""
        given = self.request.query_params
        values = {
            name: given.getlist(name) if _is_list(model, name) else given[name]
            for name in model.model_fields
            if name in given
        }
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise invalid_fields("query", error) from error

    async def body(self, model: type[M]) -> M:
        """The JSON body, checked. Raises Refused (413, 422)."""
        raw = await self.raw(JSON_BODY_LIMIT)
        try:
            return model.model_validate_json(raw or b"null")
        except ValidationError as error:
            raise invalid_fields("body", error) from error
        except ValueError as error:  # e.g. bytes that are no UTF-8
            raise invalid(["body"], "Input should be valid JSON", "json_invalid") from error

    async def raw(self, limit: int) -> bytes:
        """The body's bytes. Raises Refused (413) past `limit` bytes."""
        chunks, size = [], 0
        async for chunk in self.request.stream():
            size += len(chunk)
            if size > limit:
                raise Refused(413, f"Request body exceeds {limit} bytes.")
            chunks.append(chunk)
        return b"".join(chunks)


@lru_cache(maxsize=1024)
def own_project(key: str) -> str:
    """The project that a key belongs to: always the same id for the same key."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"project of {key}"))


@lru_cache(maxsize=1024)
def own_user(key: str) -> str:
    """The user that a key belongs to: always the same id for the same key."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"user of {key}"))


Handler = Callable[[Call], Awaitable[Response]]
Example = Callable[[], Any]


@dataclass(frozen=True)
class Endpoint:
    """One operation: where it lies, what it takes, what a good answer looks like."""

    method: str
    path: str
    handler: Handler
    status: int
    example: Example
    body: type[BaseModel] | None = None
    query: type[BaseModel] = Scope
    multipart: tuple[str, ...] = ()  # the fields of a form; the first one is the file


@dataclass
class Routes:
    """A table of endpoints; each routes file has its own, and app.py joins them."""

    endpoints: list[Endpoint] = field(default_factory=list)

    def on(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        example: Example = lambda: None,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] = Scope,
        multipart: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Register the decorated handler for this method and path."""

        def register(handler: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, path, handler, status, example, body, query, multipart))
            return handler

        return register


def iso(seconds: float | None) -> str | None:
    """An ISO 8601 time in UTC, as the API writes times."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same mapping without its null entries."""
    return {name: value for name, value in values.items() if value is not None}


def _is_list(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    options = getattr(annotation, "__args__", ())
    return get_origin(annotation) is list or any(get_origin(option) is list for option in options)
