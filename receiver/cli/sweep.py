"""mailroom sweep: one pass, now."""

from dataclasses import asdict

import click

from receiver.bootstrap import App
from receiver.cli.output import print_json, say
from receiver.cli.running import with_app
from receiver.core.retention import DAY
from receiver.operations.retention import RetentionResult, apply_retention_steadily
from receiver.operations.sweep import SweepResult
from receiver.operations.sweep import sweep as one_pass

EVERY_SECONDS = DAY
"""The interval that retention assumes: a timer runs this command at least once a day."""


@click.command(short_help="Recover missed webhooks, re-enqueue due tasks, and apply retention.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sweep(as_json: bool) -> None:
    """Ask LlamaCloud about jobs whose event is overdue, re-enqueue due tasks, and apply retention.

    `mailroom serve` does this periodically.
    """
    result, tidied = with_app(_sweep)
    if as_json:
        print_json(asdict(result) | asdict(tidied))
        return
    say(
        f"{result.overdue} jobs were overdue, {result.finished} of them recovered; {result.enqueued} tasks "
        f"re-enqueued; expired: {tidied.purged} events, tasks and alerts, the content of {tidied.forgotten} documents, "
        f"the records of {tidied.documents}; removed: {tidied.strays + tidied.leftovers} orphaned files"
    )
    for trouble in tidied.troubles:
        say(f"incomplete: {trouble}", err=True)


async def _sweep(app: App) -> tuple[SweepResult, RetentionResult]:
    return await one_pass(app.context), await apply_retention_steadily(app.context, every_seconds=EVERY_SECONDS)
