"""mailroom webhooks: syncs LlamaCloud's saved webhook configurations with ours, and rotates secrets."""

import click

from receiver.cli.webhooks.rotate import rotate
from receiver.cli.webhooks.saved import apply, drift, show_all

webhooks = click.Group(
    "webhooks",
    commands=[show_all, apply, drift, rotate],
    short_help="Sync saved webhook configurations; rotate secrets.",
    help="Sync LlamaCloud's saved webhook configurations with ours, and rotate secrets.",
)
