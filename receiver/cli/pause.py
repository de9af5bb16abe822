"""mailroom pause and resume: hold a destination, or all submission; the backlog is kept."""

import click

from receiver.bootstrap import App
from receiver.cli.output import say
from receiver.cli.running import with_app
from receiver.core.naming import place
from receiver.pipeline import pause as pausing


@click.command(short_help="Hold deliveries to a place, submission, or results.")
@click.argument("what")
def pause(what: str) -> None:
    """Hold deliveries to WHAT (s3://bucket, sqs://queue, …), `submission`, or `results`. Nothing is lost; it waits."""
    with_app(lambda app: _set(app, what, pausing.FOR_EVER))
    say(f"{_place(what)} is paused; mailroom resume {_place(what)} goes on")


@click.command()
@click.argument("what")
def resume(what: str) -> None:
    """Go on with WHAT: what waits is taken up within a minute."""
    with_app(lambda app: _set(app, what, 0.0))
    say(f"{_place(what)} goes on")


def _place(what: str) -> str:
    if what in {pausing.SUBMISSION, pausing.RESULTS}:
        return what
    if "://" not in what:
        raise click.UsageError(
            f"{what!r} is nothing to pause: give s3://bucket, sqs://queue, …, `submission` or `results`"
        )
    return place(what)


async def _set(app: App, what: str, until: float) -> None:
    await app.context.store.apply(await pausing.pause(_place(what), until, app.context))
