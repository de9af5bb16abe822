"""The user's name, which is recorded with a person's decision."""

import getpass
import os


def user_name() -> str:
    """The user's name; ``uid 1000670000`` for a user without a name, as in containers with arbitrary user ids."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"
