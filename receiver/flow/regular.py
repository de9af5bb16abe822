"""Files in folders that others may write to: what lies under a name can be something else than a file."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """The file, opened for reading. Raises OSError, at once, for what is none.

    To open a pipe waits until somebody writes to it, which may be never; a device may never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a file", str(path))
