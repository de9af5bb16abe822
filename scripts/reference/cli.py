"""docs/cli.md, from the commands themselves."""

import click

from receiver.cli import COMMANDS, cli

HEAD = """\
# Commands

<!-- made by scripts/make-docs from the commands' own help -->

One executable, `mailroom`. Exit codes: 0 ok, 1 failed, 2 usage or configuration; 141 when the reader of the
output went away (`mailroom tasks | head`), as for any Unix program. `--json` where data is printed.
"""


def page() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="mailroom", **cli.context_settings)
    parts = [HEAD]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts.append(_section(command, name, context))
    return "\n".join(parts)


def _section(command: click.Command, name: str, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    section = f"## mailroom {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            inner = command.get_command(context, sub)
            assert inner is not None
            section += "\n" + _section(inner, sub, context).replace(f"## mailroom {sub}", f"### mailroom {name} {sub}")
    return section
