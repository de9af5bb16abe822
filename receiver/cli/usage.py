"""Reports wrong usage like every other error: what is wrong, and what to do."""

import os
from collections.abc import Sequence

import click

from receiver.cli.output import say
from receiver.core.errors import Misconfigured


def say_error(message: str, fix: str) -> None:
    """The one form of an error on the command line."""
    say(f"mailroom: {message}", err=True)
    if fix:
        say(f"  fix: {fix}", err=True)


def say_usage_error(error: click.ClickException) -> None:
    """What is wrong with the words that were given, and where the right ones are listed."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    message = error.format_message()
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    say_error(f"{message[:1].lower()}{message[1:]}".rstrip("."), f"see {ctx.command_path} --help" if ctx else "")


def refuse_strange_bytes(arguments: Sequence[str]) -> None:
    """Raises Misconfigured for an argument that is not text. A file may have such a name."""
    for place, argument in enumerate(arguments, 1):
        if not _is_text(argument) and not os.path.lexists(argument):
            shown = argument.encode(errors="replace").decode()
            raise Misconfigured(
                f"argument {place}, {shown}, is not UTF-8 text, and no file has this name",
                fix="type it again; check the terminal's encoding",
            )


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
