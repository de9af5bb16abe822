"""mailroom sweep: one pass, now."""

from dataclasses import asdict

import click

from receiver.cli.output import print_json
from receiver.cli.running import with_app
from receiver.flow.sweep import sweep as one_pass


@click.command(short_help="Ask about jobs whose event never came; ring for what is due.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sweep(as_json: bool) -> None:
    """Ask LlamaCloud about jobs whose event never came; ring for what is due. `mailroom serve` does it by itself."""
    swept = with_app(lambda app: one_pass(app.tools))
    if as_json:
        print_json(asdict(swept))
    else:
        click.echo(
            f"{swept.overdue} jobs were overdue, {swept.finished} of them go on; "
            f"{swept.rung} tasks were due; forgotten: {swept.purged} records, "
            f"the bytes of {swept.forgotten} documents; removed: {swept.leftovers} unfinished files"
        )
