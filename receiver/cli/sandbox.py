"""mailroom sandbox: the LlamaCloud-compatible server. It is a program of its own; this only hands it the arguments."""

import importlib

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Run the LlamaCloud-compatible server, to try things out.",
)
@click.pass_context
def sandbox(ctx: click.Context) -> None:
    """Run the LlamaCloud-compatible server, to try things out without an account."""
    raise SystemExit(importlib.import_module("sandbox.__main__").main(ctx.args))
