"""mailroom calibration: how often LlamaCloud was right, by type, and the thresholds that this suggests."""

import click

from receiver import show
from receiver.bootstrap import App
from receiver.cli.listing import MOMENT
from receiver.cli.mending import JSON
from receiver.cli.numbers import Number
from receiver.cli.output import print_json, say, table
from receiver.cli.running import with_app
from receiver.core.calibration import TARGET, CalibrationReport, Outcomes, TypeCalibration
from receiver.operations.calibrate import calibrate


@click.command(short_help="Show how often LlamaCloud was right, and thresholds that fit.")
@click.option("--since", type=MOMENT, help="Documents received since: 2026-11-22, 2h, 7d. All by default.")
@click.option(
    "--target", default=TARGET, show_default=True, type=Number(0.5, 1.0),
    help="The share of documents routed without a person that must be right.",
)  # fmt: skip
@JSON
def calibration(since: float | None, target: float, as_json: bool) -> None:
    """Show, for each type, how many of LlamaCloud's results a person found right or wrong, above and below the
    threshold (min_confidence), and the threshold that this suggests.

    What a threshold would have done: mailroom routes backtest --min-confidence TYPE=NUMBER.
    """

    async def work(app: App) -> CalibrationReport:
        return await calibrate(app.context.config.table, app.context.store, target=target, since=since)

    found = with_app(work)
    if as_json:
        print_json(show.calibration(found))
        return
    columns = ("LlamaCloud said", "threshold", "at or above it", "below it", "corrected to", "suggested", "because")
    table(columns, [_row(item) for item in found.types])
    for item in found.types:
        if item.suggested is not None:
            say(f"to see what that changes: mailroom routes backtest --min-confidence {item.type}={item.suggested:.2f}")
    if not found.complete:
        say(f"only the newest {found.documents} documents were read: narrow it down with --since", err=True)


def _row(item: TypeCalibration) -> tuple[str, ...]:
    became = ", ".join(f"{name} ({count})" for name, count in item.became.items())
    threshold = "" if item.threshold is None else f"{item.threshold:.2f}"
    suggested = "" if item.suggested is None else f"{item.suggested:.2f}"
    above, below = _words(item.above), _words(item.below)
    return item.type or "no match", threshold, above, below, became, suggested, item.because


def _words(found: Outcomes) -> str:
    counts = {
        f"of {found.checked} checked right": found.right if found.checked else None,
        "not corrected": found.uncorrected or None,
        "waiting": found.waiting or None,
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count is not None) or "-"
