"""Scratch folders, for documents that are too large to process in memory.

A folder is removed when its block ends. If the process is killed, the folder stays, and is later found by its name,
which contains the id of the process.
"""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mailroom-scratch-"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the duration of the block."""
    with tempfile.TemporaryDirectory(prefix=_prefix()) as folder:
        yield Path(folder)


def scratch_folder() -> Path:
    """A folder that the caller removes."""
    return Path(tempfile.mkdtemp(prefix=_prefix()))


def _prefix() -> str:
    return f"{PREFIX}{os.getpid()}-"


def clear_scratch(*, before: float) -> int:
    """Removes folders of dead processes that were made before this time. Returns how many.

    The age is for containers that share a disk, and do not see each other's processes.
    """
    cleared = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or another process was faster
            if folder.stat().st_mtime < before and not _lives(folder.name):
                shutil.rmtree(folder)
                cleared += 1
    return cleared


def clear_all_scratch() -> None:
    """Removes all scratch folders; for use where no other process can have one."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _lives(name: str) -> bool:
    found = re.match(rf"{PREFIX}(\d+)-", name)
    try:
        os.kill(int(found[1]) if found else 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
