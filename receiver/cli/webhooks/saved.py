"""mailroom webhooks list, apply, drift."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from receiver import bootstrap
from receiver.cli.output import print_json, say, table
from receiver.cli.running import run
from receiver.cloud.client import LlamaCloud
from receiver.cloud.webhook_configs import SavedWebhook
from receiver.core.errors import Misconfigured
from receiver.core.job import WebhookConfiguration
from receiver.load_app import load_registry
from receiver.operations import saved_webhooks as kept
from receiver.read_settings import from_environ
from receiver.settings import Settings

T = TypeVar("T")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_all(as_json: bool) -> None:
    """List the webhook configurations saved at LlamaCloud."""
    found = with_cloud(lambda cloud, _: cloud.webhook_configs.list())
    rows = [_data(item) for item in found]
    if as_json:
        print_json({"webhooks": rows})
        return
    table(
        ("id", "url", "events", "format", "secret", "headers"),
        [
            (
                item.id,
                item.url,
                "all" if item.events is None else str(len(item.events)),
                item.output_format,
                "yes" if item.has_secret else "NO",
                ", ".join(item.headers),
            )
            for item in found
        ],
    )


@click.command(short_help="Create or update our configuration at LlamaCloud.")
def apply() -> None:
    """Create or update our configuration at LlamaCloud, for jobs that are created elsewhere."""
    say(with_cloud(_apply))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drift(as_json: bool) -> None:
    """Show how the saved configuration differs from ours. Exit 1 if it differs or is missing.

    Values that LlamaCloud masks or never returns are listed as not comparable.
    """
    found = with_cloud(_drift)
    if as_json:
        print_json({"drift": found.differs, "not_comparable": found.untold})
    else:
        say("\n".join(found.differs) if found.differs else "no drift: what can be compared matches ours")
        for item in found.untold:
            say(f"not comparable: {item}; mailroom webhooks apply sets it again")
    raise SystemExit(1 if found.differs else 0)


def with_cloud(work: Callable[[LlamaCloud, Settings], Awaitable[T]]) -> T:
    """Returns what ``work`` returns, called with LlamaCloud and the settings; needs no store and no table."""
    settings = from_environ()

    async def opened() -> T:
        cloud = bootstrap.open_cloud(settings)
        try:
            return await work(cloud, settings)
        finally:
            await cloud.close()

    return run(opened())


def wanted(settings: Settings) -> WebhookConfiguration:
    """The configuration that should be saved. It has no per-job token, because it is for jobs that are not ours."""
    if not settings.gets_webhooks:
        raise Misconfigured("MAILROOM_PUBLIC_URL=none: there is no address to save", fix="set it to the receiver's URL")
    terms = bootstrap.webhook_terms(settings)
    events = load_registry(settings).job_events
    return WebhookConfiguration(
        url=terms.url, headers=terms.headers, signing_secret=terms.signing_secret, events=events
    )


async def _apply(cloud: LlamaCloud, settings: Settings) -> str:
    ours = kept.ours(await cloud.webhook_configs.list(), wanted(settings))
    if ours is None:
        saved = await cloud.webhook_configs.create(wanted(settings))
        return f"saved as {saved.id}: use this id in webhook_configuration_ids of jobs that are created elsewhere"
    await cloud.webhook_configs.update(ours.id, wanted(settings))
    return f"{ours.id} is up to date"


async def _drift(cloud: LlamaCloud, settings: Settings) -> kept.Drift:
    ours = kept.ours(await cloud.webhook_configs.list(), wanted(settings))
    if ours is None:
        return kept.Drift(("nothing is saved for our URL; mailroom webhooks apply saves it",))
    found = kept.drift(ours, wanted(settings))
    return kept.Drift(
        tuple(f"{ours.id}: {item}" for item in found.differs), tuple(f"{ours.id}: {item}" for item in found.untold)
    )


def _data(item: SavedWebhook) -> dict[str, object]:
    return {
        "id": item.id,
        "url": item.url,
        "events": item.events,
        "output_format": item.output_format,
        "has_secret": item.has_secret,
        "headers": sorted(item.headers),
    }
