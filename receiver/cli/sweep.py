"""mailroom sweep: one pass, now."""

from dataclasses import asdict

import click

from receiver.bootstrap import App
from receiver.cli.output import print_json, say
from receiver.cli.running import with_app
from receiver.core.retention import DAY
from receiver.flow.retention import Tidied, tidy_in_pace
from receiver.flow.sweep import Swept
from receiver.flow.sweep import sweep as one_pass

EVERY_SECONDS = DAY
"""Who calls this command by a timer does so once a day at least."""


@click.command(short_help="Ask about jobs whose event never came; ring for what is due; forget what is over.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sweep(as_json: bool) -> None:
    """Ask LlamaCloud about jobs whose event never came; ring for what is due; forget what is over.

    `mailroom serve` does it by itself.
    """
    swept, tidied = with_app(_sweep)
    if as_json:
        print_json(asdict(swept) | asdict(tidied))
        return
    say(
        f"{swept.overdue} jobs were overdue, {swept.finished} of them go on; {swept.rung} tasks were due; "
        f"forgotten: {tidied.purged} events, tasks and alerts, the bytes of {tidied.forgotten} documents, "
        f"the records of {tidied.documents}; removed: {tidied.strays + tidied.leftovers} files that nobody has"
    )
    for trouble in tidied.troubles:
        say(f"not done: {trouble}", err=True)


async def _sweep(app: App) -> tuple[Swept, Tidied]:
    return await one_pass(app.tools), await tidy_in_pace(app.tools, every_seconds=EVERY_SECONDS)
