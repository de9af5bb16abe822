"""mailroom pause and resume: hold deliveries to a destination, submission, or results. Work is queued."""

import click

from receiver.bootstrap import App
from receiver.cli.output import say
from receiver.cli.running import with_app
from receiver.cli.user import user_name
from receiver.core.errors import Malformed
from receiver.pipeline import pause as pausing


@click.command(short_help="Pause deliveries to a destination, submission, or results.")
@click.argument("what")
def pause(what: str) -> None:
    """Pause deliveries to WHAT (s3://bucket, sqs://queue, …), `submission`, or `results`. Work is queued, not lost."""
    with_app(lambda app: _set(app, what, pausing.FOR_EVER))
    say(f"{_place(what)} is paused; to resume: mailroom resume {_place(what)}")


@click.command()
@click.argument("what")
def resume(what: str) -> None:
    """Resume WHAT; queued work restarts within a minute."""
    with_app(lambda app: _set(app, what, 0.0))
    say(f"{_place(what)} is resumed")


def _place(what: str) -> str:
    try:
        return pausing.pausable(what)
    except Malformed as error:
        raise click.UsageError(str(error)) from error


async def _set(app: App, what: str, until: float) -> None:
    await app.context.store.apply(await pausing.pause(_place(what), until, app.context, who=user_name()))
