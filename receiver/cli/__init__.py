"""The command line: one file per command, each imported only when it is called.

Exit codes: 0 ok, 1 failed, 2 usage or configuration; 141 if the reader of the output closed the pipe, as in any program
that SIGPIPE ends.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any, NoReturn

import click

from receiver import __version__
from receiver.cli.output import OutputLost, ReaderGone, open_streams, say, write_no_more, write_whole
from receiver.cli.usage import refuse_strange_bytes, say_error, say_usage_error
from receiver.core.errors import MailroomError, Misconfigured
from receiver.read_settings import one_of

COMMANDS = {
    "demo": "handlers.demo.command:demo",
    "init": "receiver.cli.init:init",
    "serve": "receiver.cli.serve:serve",
    "worker": "receiver.cli.worker:worker",
    "listen": "receiver.cli.listen:listen",
    "submit": "receiver.cli.submit:submit",
    "watch": "receiver.cli.watch:watch",
    "documents": "receiver.cli.documents:documents",
    "events": "receiver.cli.events:events",
    "logs": "receiver.cli.logs:logs",
    "tasks": "receiver.cli.tasks:tasks",
    "review": "receiver.cli.review:review",
    "correct": "receiver.cli.correct:correct",
    "recut": "receiver.cli.recut:recut",
    "replay": "receiver.cli.replay:replay",
    "resubmit": "receiver.cli.resubmit:resubmit",
    "reclassify": "receiver.cli.reclassify:reclassify",
    "unlock": "receiver.cli.unlock:unlock",
    "replace": "receiver.cli.replace:replace",
    "dismiss": "receiver.cli.dismiss:dismiss",
    "verify": "receiver.cli.verify:verify",
    "alerts": "receiver.cli.alerts:alerts",
    "routes": "receiver.cli.routes:routes",
    "config": "receiver.cli.config:config",
    "operators": "receiver.cli.operators:operators",
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


HELP = frozenset({"-h", "--help"})
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
            name, command, rest = super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from error
        if name is not None and not HELP.intersection(rest):
            _refuse_server(name, ctx.params.get("server"))
        return name, command, rest

    def main(  # type: ignore[override]  # it always ends the process; nobody calls it otherwise
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any
    ) -> NoReturn:
        """click's own, with wrong usage told as all other errors are."""
        try:
            code = super().main(args, prog_name, standalone_mode=False, **more)
        except click.ClickException as error:
            say_usage_error(error)
            code = error.exit_code
        except click.Abort:
            say("aborted", err=True)
            code = 1
        sys.exit(code if isinstance(code, int) else 0)  # click returns the code of its own Exit

    def invoke(self, ctx: click.Context) -> Any:
        """Handles a closed pipe here, before click turns it into a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mailroom")
@click.option(
    "--server", metavar="URL", help="Work through the operator's API of this server; MAILROOM_SERVER by default."
)
def cli(server: str | None) -> None:
    """Receive documents, have LlamaCloud classify and split them, and deliver each to its destination."""


def import_own(package: str) -> None:
    """Imports the package beside ours, before another one of that name on PYTHONPATH could be taken for it."""
    spec = PathFinder.find_spec(package, [str(Path(__file__).parents[2])])
    if package not in sys.modules and spec is not None and spec.loader is not None:
        sys.modules[package] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


def _refuse_server(command: str, given: str | None) -> None:
    """Raises Misconfigured for a command that does not work through the server that is given."""
    if given == "":
        raise click.UsageError("--server is empty: give a URL such as https://mailroom.example.com")
    url = given or one_of(os.environ, "server")
    if url:
        from receiver.cli.server import refuse_without_store

        refuse_without_store(command, explicit=given is not None, url=url)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and turns our errors into one clear message and an exit code."""
    open_streams()
    write_whole()
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        os.umask(GROUP_MASKS.get(one_of(os.environ, "group_access"), OWNER_ONLY))
        refuse_strange_bytes(given)
        import_own("handlers")
        cli(given, prog_name="mailroom")
    except OutputLost as error:
        with contextlib.suppress(OutputLost):
            say(f"mailroom: {error}", err=True)
        write_no_more()
        sys.exit(1)
    except MailroomError as error:
        say_error(str(error), error.fix)
        sys.exit(2 if isinstance(error, Misconfigured) else 1)
    except ReaderGone:
        write_no_more()
        sys.exit(READER_GONE)
