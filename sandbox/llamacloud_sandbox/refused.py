"""The one error the routes raise: an answer other than 2xx, in the shape of the vendor's (FastAPI's) error bodies."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError


class Refused(Exception):
    """An answer `{"detail": …}` with this status; `detail` is a text, or for 422 a list of `{loc, msg, type}`."""

    def __init__(
        self, status: int, detail: str | Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def invalid(where: Sequence[str | int], message: str, kind: str = "value_error") -> Refused:
    """The 422 for one wrong field, e.g. `invalid(["body", "rules"], "…")`."""
    return Refused(422, [{"loc": list(where), "msg": message, "type": kind}])


def invalid_fields(where: str, error: ValidationError) -> Refused:
    """The 422 for everything that pydantic found wrong in the `body` or the `query`."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Refused(422, [{"loc": [where, *each["loc"]], "msg": each["msg"], "type": each["type"]} for each in found])


def conflict(detail: str) -> Refused:
    """A 409 which tells the vendor's SDK not to retry it (it would, five times, for 13 seconds)."""
    return Refused(409, detail, {"x-should-retry": "false"})
