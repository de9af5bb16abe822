"""Reads a file that was delivered to a folder again, and its manifest."""

import errno
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from receiver.core.delivery_request import StoredCopy
from receiver.core.errors import AccessDenied, DeliveryConflict, MailroomError
from receiver.pipeline.regular_file import NO_FILE, open_regular, sha256_and_size

MANIFEST_BYTES = 16 * 1024 * 1024
"""Of a manifest that is read."""
R = TypeVar("R")


def read_stored_file(path: Path, manifest: Path, *, is_stopped: Callable[[], bool]) -> StoredCopy:
    """What is there; ``is_stopped`` is asked now and then whether to give up.

    Raises AccessDenied for what this process may not read, DeliveryConflict for what is no file or cannot be read.
    """
    digest, size = _of(path, lambda file: sha256_and_size(file, is_stopped)) or ("", 0)
    try:
        beside = _of(manifest, lambda file: file.read(MANIFEST_BYTES))
    except MailroomError as error:
        return StoredCopy(sha256=digest, size=size, manifest_error=error)
    return StoredCopy(sha256=digest, size=size, manifest=beside)


def _of(path: Path, read: Callable[[BufferedReader], R]) -> R | None:
    """What ``read`` returns for the file; None where there is none."""
    try:
        with open_regular(path) as file:
            return read(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.strerror == NO_FILE:
            raise DeliveryConflict(f"{path} is not a file", fix="look what it is, and who put it there") from error
        reason = f"{path} cannot be read: {error.strerror}"
        if error.errno in (errno.EACCES, errno.EPERM):
            raise AccessDenied(reason, fix="give the user who runs this command permission to read it") from error
        raise DeliveryConflict(reason, fix="look what is there, and at the file system that it is on") from error
