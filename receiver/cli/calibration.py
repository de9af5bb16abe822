"""mailroom calibration: how often LlamaCloud was right, by type, and the thresholds that this suggests."""

import click

from receiver.cli.listing import MOMENT
from receiver.cli.mending import JSON
from receiver.cli.numbers import Number
from receiver.cli.operating import operate
from receiver.cli.operations import Shown
from receiver.cli.output import print_json, say, table
from receiver.core.calibration import TARGET


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

    found = operate(lambda it: it.calibration(since=since, target=target))
    if as_json:
        print_json(found)
        return
    columns = ("LlamaCloud said", "threshold", "at or above it", "below it", "corrected to", "suggested", "because")
    table(columns, [_row(item) for item in found["types"]])
    for item in found["types"]:
        if (number := item["suggested"]) is not None:
            say(f"to see what that changes: mailroom routes backtest --min-confidence {item['type']}={number:.2f}")
    if not found["complete"]:
        say(f"only the newest {found['documents']} documents were read: narrow it down with --since", err=True)


def _row(item: Shown) -> tuple[str, ...]:
    became = ", ".join(f"{name} ({count})" for name, count in item["became"].items())
    threshold, suggested = ("" if item[name] is None else f"{item[name]:.2f}" for name in ("threshold", "suggested"))
    above, below = _words(item["above"]), _words(item["below"])
    return item["type"] or "no match", threshold, above, below, became, suggested, item["because"]


def _words(found: Shown) -> str:
    counts = {
        f"of {found['checked']} checked right": found["right"] if found["checked"] else None,
        "not corrected": found["uncorrected"] or None,
        "waiting": found["waiting"] or None,
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count is not None) or "-"
