"""scripts/chaos: one run, its figures, and exit 1 when a promise was broken."""

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from tests.chaos.boundaries import BOUNDARIES, BOUNDARIES_ON_AWS
from tests.chaos.run import Plan, Report, run

SHOWN = 20
"""Findings of one kind that are printed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--seed", default=1, help="The same seed gives the same mail, faults and order of kills.")
@click.option("--documents", default=300, type=click.IntRange(50), help="At least so many documents are handed in.")
@click.option("--minutes", default=5.0, type=click.FloatRange(0.5), help="When it is over at the latest.")
@click.option("--only", multiple=True, metavar="BOUNDARY", help="Kill at this boundary only; --list names them.")
@click.option("--kill-every", default=6.0, type=click.FloatRange(0.5), help="Seconds between two kills at random.")
@click.option("--clock-steps", is_flag=True, help="Wall clocks jump by up to an hour, and come back.")
@click.option(
    "--downtime", default=0.0, type=click.FloatRange(0), help="Seconds down, at most, after a kill at random."
)
@click.option("--by-id", default=0.0, type=click.FloatRange(0, 1), help="The share submitted by an id of LlamaCloud's.")
@click.option("--no-webhooks", is_flag=True, help="Every webhook is dropped: all is found by the sweep.")
@click.option("--aws", is_flag=True, help="Two receivers and two workers, on DynamoDB and SQS.")
@click.option("--app", default=Plan.app, help="The composition root.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep store and logs in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--list", "listing", is_flag=True, help="Name the boundaries and exit.")
def command(
    *, seed: int, documents: int, minutes: float, only: tuple[str, ...], kill_every: float, clock_steps: bool,
    downtime: float, by_id: float, no_webhooks: bool, aws: bool, app: str, keep: Path | None, as_json: bool,
    listing: bool,
) -> None:  # fmt: skip
    """Run the real processes under fault, kill them at every I/O boundary, and count what became of each document."""
    known = BOUNDARIES_ON_AWS if aws else BOUNDARIES
    if listing:
        click.echo("\n".join(known))
        return
    if unknown := [item for item in only if item not in known]:
        raise click.UsageError(f"there is no boundary {unknown[0]!r}; --list names them")
    boundaries = only or known
    plan = Plan(
        seed=seed, documents=documents, minutes=minutes, boundaries=boundaries, webhooks=not no_webhooks, aws=aws,
        app=app, clock_steps=clock_steps, downtime_seconds=downtime,
        by_id=by_id, random_kill_seconds=kill_every, seconds=max(documents / 25, len(boundaries) / 2),
    )  # fmt: skip
    folder = keep or Path(tempfile.mkdtemp(prefix="mailroom-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    report = asyncio.run(_run(plan, folder))
    click.echo(json.dumps(asdict(report)) if as_json else told(report))
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if report.good else 1)


async def _run(plan: Plan, folder: Path) -> Report:
    """The run; SIGTERM ends it as Ctrl-C does, and all that it started with it."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(plan, folder)


def told(report: Report) -> str:
    """The report in words."""
    verdict = report.verdict
    lines = [
        " / ".join(f"{name.replace('_', ' ')} {count}" for name, count in verdict.counts().items()),
        f"doubled where that may be {verdict.doubled_messages}, at most {verdict.bound} allowed",
        f"{report.by_id} submitted by their id at LlamaCloud",
        f"killed at {len(report.kills)} boundaries and {report.random_kills} times at random",
        report.placed,
        f"clocks set wrongly {report.clock_steps} times",
        f"down for {report.down_seconds:.0f} s in all, {report.together} times all at once",
        f"{report.seconds:.0f} s, of these {report.storm_seconds:.0f} s of storm",
        f"faults of AWS {_listed(report.aws_faults)}",
        f"faults of LlamaCloud {_listed(report.llamacloud_faults)}",
    ]
    if report.unreached:
        lines.append(f"not reached: {', '.join(report.unreached)}")
    for fault, findings in verdict.findings.items():
        lines += [f"{fault}: {item}" for item in findings[:SHOWN]]
    return "\n".join(lines)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()) or "none"


if __name__ == "__main__":
    command()
