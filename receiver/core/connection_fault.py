"""Why nobody answered: the reason inside a library's error, in plain words."""

import os
import socket
from collections.abc import Iterator


def connection_fault(error: BaseException) -> str:
    """The reason why a connection failed, without the library's own words: they name classes, and may hold a secret."""
    from ssl import SSLCertVerificationError, SSLError

    for cause in _causes(error):
        if isinstance(cause, SSLCertVerificationError):
            return f"its TLS certificate is not valid: {cause.verify_message}"
        if isinstance(cause, SSLError):
            return "it does not speak TLS there"
        if isinstance(cause, socket.gaierror):
            return "its host name is unknown"
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return "no answer in time"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return "the connection broke off"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors that led to this one, the first of them first."""
    left, seen = [error], list[BaseException]()
    while left:
        item = left.pop(0)
        if item not in seen:
            seen.append(item)
            left += item.exceptions if isinstance(item, BaseExceptionGroup) else ()
            left += [cause for cause in (item.__cause__, item.__context__) if cause is not None]
    return reversed(seen)
