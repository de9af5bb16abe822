"""``mailroom config``: what is in force, and where each value comes from."""

import os
from pathlib import Path
from typing import Any

import click

from receiver.cli.output import print_json, table
from receiver.cli.paths import Given, config_from
from receiver.read_settings import from_environ, setting_sources
from receiver.secrets import RevealedEnviron
from receiver.settings import Settings


@click.group()
def config() -> None:
    """Show the configuration in force."""


@config.command()
@click.option("--config", "path", type=Given(), metavar="PATH", help="The file to use instead of MAILROOM_CONFIG.")
@click.option("--no-defaults", is_flag=True, help="Leave out what is not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(path: Path | None, no_defaults: bool, as_json: bool) -> None:
    """Show every setting and every value of mailroom.yaml that is in force, and where it comes from.

    A setting comes from its variable, from a file (NAME_FILE), from AWS, or is a default; a value of mailroom.yaml
    comes from a line of it, or is a default. Secrets are only shown as set or not set. Exit code 2 if something cannot
    be read or is wrong.
    """
    from receiver.config.in_force import values_in_force

    settings = from_environ()
    file = Path(path or settings.config)
    shown = [item for item in _settings(settings) if not no_defaults or item["source"] != "default"]
    found = values_in_force(file, RevealedEnviron(os.environ), variable=config_from(path))
    values = [item for item in found if not no_defaults or item.line is not None]
    if as_json:
        print_json({"settings": shown, "file": str(file), "values": [item._asdict() for item in values]})
        return
    table(("setting", "value", "from"), [(item["name"], item["value"], item["source"]) for item in shown])
    rows = [
        (item.place, _text(item.value), "default" if item.line is None else f"{file}:{item.line}") for item in values
    ]
    table((str(file), "value", "from"), rows)


def _settings(settings: Settings) -> list[dict[str, str]]:
    origins = setting_sources(os.environ)
    return [
        {"name": variable, "value": value, "source": origins[variable]}
        for variable, value in settings.summary().items()
    ]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
