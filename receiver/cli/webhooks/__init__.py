"""mailroom webhooks: synchronises LlamaCloud's saved webhook configurations with ours, and rotates secrets."""

import click

from receiver.cli.webhooks.rotate import rotate
from receiver.cli.webhooks.saved import apply, drift, show_all

webhooks = click.Group(
    "webhooks",
    commands=[show_all, apply, drift, rotate],
    short_help="Keep saved webhook configurations in step; rotate secrets.",
    help="Keep LlamaCloud's saved webhook configurations in step with ours, and rotate secrets.",
)
