"""mailroom pause and resume: hold deliveries to a destination, submission, or results. Work is queued."""

import click

from receiver.cli.operating import mend
from receiver.cli.output import say
from receiver.core.errors import Malformed
from receiver.pipeline import pause as pausing


@click.command(short_help="Pause deliveries to a destination, submission, or results.")
@click.argument("what")
def pause(what: str) -> None:
    """Pause deliveries to WHAT (s3://bucket, sqs://queue, …), `submission`, or `results`. Work is queued, not lost."""
    place = _place(what)
    mend(lambda it: it.pause(place, resume=False))
    say(f"{place} is paused; to resume: mailroom resume {place}")


@click.command()
@click.argument("what")
def resume(what: str) -> None:
    """Resume WHAT; queued work restarts within a minute."""
    place = _place(what)
    mend(lambda it: it.pause(place, resume=True))
    say(f"{place} is resumed")


def _place(what: str) -> str:
    try:
        return pausing.pausable(what)
    except Malformed as error:
        raise click.UsageError(str(error)) from error
