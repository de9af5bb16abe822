"""mailroom sandbox: passes its arguments to the LlamaCloud-compatible server, which is a separate distribution."""

import importlib
from importlib.util import find_spec

import click

from receiver.core.errors import Misconfigured

PACKAGE = "llamacloud_sandbox"


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Run the LlamaCloud-compatible sandbox server.",
)
@click.pass_context
def sandbox(ctx: click.Context) -> None:
    """Run the LlamaCloud-compatible sandbox server, to test without an account.

    It needs an extra: pip install 'llamacloud-mailroom[sandbox]'. `mailroom sandbox --help` shows its options.
    """
    if find_spec(PACKAGE) is None:
        raise Misconfigured(
            "the sandbox is not installed (llamacloud-sandbox)",
            fix="pip install 'llamacloud-mailroom[sandbox]' (it is on no package index yet: add --find-links FOLDER, "
            "with the wheels that you built); in a checkout: pip install ./sandbox",
        )
    raise SystemExit(importlib.import_module(f"{PACKAGE}.__main__").main(ctx.args, prog_name=ctx.command_path))
