"""Reads a small text file that a command is given, up to a limit."""

import sys
from pathlib import Path

import click

from receiver.patient_reader import PatientReader


def given_text(path: Path, *, most_bytes: int, hint: str) -> str:
    """The text of the file; of standard input for ``-``. Raises click's BadParameter, naming the file."""
    try:
        if str(path) == "-":
            content = sys.stdin.read(most_bytes)
        else:
            content = PatientReader(most_bytes).read(path).decode("utf-8-sig")
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except ValueError:  # a null byte in the name
        reason = "is not the name of a file"
    else:
        return content
    raise click.BadParameter(f"{path} {reason}", param_hint=hint)
