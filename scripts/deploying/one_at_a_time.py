"""One deployment at a time from one folder: osls builds every stage in .serverless, and two would mix their files."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Waits until no other process holds this file, and says so; holds it for the duration of the block."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another deployment from this folder is under way; waiting for its end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
