"""The command line: one file per command, each imported only when it is called.

Exit codes: 0 ok, 1 failed, 2 usage or configuration; 141 if the reader of the output closed the pipe, as in any program
that SIGPIPE ends.
"""

import contextlib
import importlib
import os
import sys
from typing import Any

import click

from receiver import __version__
from receiver.cli.output import OutputLost, ReaderGone, open_streams, say, write_no_more, write_whole
from receiver.core.errors import MailroomError, Misconfigured
from receiver.environment import one_of

COMMANDS = {
    "demo": "handlers.demo.command:demo",
    "init": "receiver.cli.init:init",
    "serve": "receiver.cli.serve:serve",
    "worker": "receiver.cli.worker:worker",
    "submit": "receiver.cli.submit:submit",
    "watch": "receiver.cli.watch:watch",
    "documents": "receiver.cli.documents:documents",
    "events": "receiver.cli.events:events",
    "tasks": "receiver.cli.tasks:tasks",
    "review": "receiver.cli.review:review",
    "correct": "receiver.cli.correct:correct",
    "recut": "receiver.cli.recut:recut",
    "replay": "receiver.cli.replay:replay",
    "resubmit": "receiver.cli.resubmit:resubmit",
    "unlock": "receiver.cli.unlock:unlock",
    "replace": "receiver.cli.replace:replace",
    "dismiss": "receiver.cli.dismiss:dismiss",
    "verify": "receiver.cli.verify:verify",
    "alerts": "receiver.cli.alerts:alerts",
    "routes": "receiver.cli.routes:routes",
    "config": "receiver.cli.config:config",
    "balance": "receiver.cli.balance:balance",
    "calibration": "receiver.cli.calibration:calibration",
    "costs": "receiver.cli.costs:costs",
    "sweep": "receiver.cli.sweep:sweep",
    "pause": "receiver.cli.pause:pause",
    "resume": "receiver.cli.pause:resume",
    "backup": "receiver.cli.backup:backup",
    "restore": "receiver.cli.backup:restore",
    "doctor": "receiver.cli.doctor:doctor",
    "webhooks": "receiver.cli.webhooks:webhooks",
    "trigger": "receiver.cli.trigger:trigger",
    "sandbox": "receiver.cli.sandbox:sandbox",
}
"""Command -> its module and function. The demo belongs to the application, so it is only named here."""


OWNER_ONLY = 0o077
GROUP_MASKS = {"read": 0o027, "write": 0o007}
"""MAILROOM_GROUP_ACCESS -> the umask of this process."""
READER_GONE = 128 + 13
"""The exit code that a shell reports for a program that SIGPIPE ended."""


class Commands(click.Group):
    """Finds commands in COMMANDS, in that order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolves the command. For a wrong name, suggests a near one; click would import all commands for that."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Handles a closed pipe here, before click turns it into a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mailroom")
def cli() -> None:
    """Receive documents, have LlamaCloud classify and split them, and deliver each to its destination."""


def main() -> None:
    """Runs the command line and turns our errors into one clear message and an exit code."""
    open_streams()
    write_whole()
    try:
        os.umask(GROUP_MASKS.get(one_of(os.environ, "group_access"), OWNER_ONLY))
        cli(prog_name="mailroom")
    except OutputLost as error:
        with contextlib.suppress(OutputLost):
            say(f"mailroom: {error}", err=True)
        write_no_more()
        sys.exit(1)
    except Misconfigured as error:
        sys.exit(_say(error, code=2))
    except MailroomError as error:
        sys.exit(_say(error, code=1))
    except ReaderGone:
        write_no_more()
        sys.exit(READER_GONE)


def _say(error: MailroomError, *, code: int) -> int:
    say(f"mailroom: {error}", err=True)
    if error.fix:
        say(f"  fix: {error.fix}", err=True)
    return code
