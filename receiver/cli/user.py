"""The user's name, which is recorded with a person's decision."""

import getpass
import os


def user_name() -> str:
    """The user's name; ``uid 1000670000`` where the user has none, as in containers that run under any id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"
