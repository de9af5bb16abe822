"""Error replies, all of the form ``{"error": {"code", "message"}}``. Plain data, because Lambda uses it, too."""

import math
from typing import NamedTuple

import msgspec

from receiver.core.errors import Conflict, MailroomError, NotAuthentic, Rejected, TooManyEvents, Transient

RETRY_AFTER_SECONDS = 1.0
"""The default ``Retry-After``, in seconds."""
JSON = b"application/json"


class TooSlow(Rejected):
    """Nothing arrived for too long."""

    code = "too_slow"
    status = 408


class ErrorReply(NamedTuple):
    """An error as an HTTP response."""

    status: int
    code: str
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        """The body, as JSON."""
        return msgspec.json.encode({"error": {"code": self.code, "message": self.message}})


UNAUTHENTIC = ErrorReply(401, "not_authentic", "the request could not be authenticated")
"""The response to every request that fails verification: only our log says which check failed."""
INTERNAL = ErrorReply(500, "internal", "internal error; see Mailroom's log; nothing was stored")


def problem_of(error: MailroomError) -> ErrorReply:
    """The reply to a request that raised this error."""
    if isinstance(error, NotAuthentic):
        return UNAUTHENTIC
    if isinstance(error, TooManyEvents):
        return ErrorReply(error.status, error.code, str(error), _retry_after(error.retry_after))
    if isinstance(error, Rejected):
        return ErrorReply(error.status, error.code, str(error))
    if isinstance(error, Conflict):
        return ErrorReply(409, error.code, f"{error}; reload it and retry")
    if isinstance(error, Transient):
        message = (type(error).__doc__ or error.code).split("\n", 1)[0]  # its message may contain a path of ours
        return ErrorReply(503, error.code, message, _retry_after(error.retry_after or RETRY_AFTER_SECONDS))
    return INTERNAL


def _retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", b"%d" % math.ceil(max(seconds, 1.0))),)
