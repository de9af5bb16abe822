"""Scratch folders: where large documents lie while they are worked on, outside of memory.

Each is removed when its block ends. One whose process was killed stays, and is found by its name and its age.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mailroom-scratch-"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the time of the block."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        yield Path(folder)


def clear_scratch(*, before: float) -> int:
    """Removes scratch folders that nobody has changed since this moment; how many."""
    cleared = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or another process was faster
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)
                cleared += 1
    return cleared
