"""The stage's own settings and routing table, checked as its functions would read them: in their environment.

    python -m scripts.deploying.stage_check TABLE [--shadow FILE] [--module PATH …] < ENVIRONMENT.json

It asks nobody. It prints as JSON what is wrong, and which places outside the stack the table names. A process of its
own, because own modules are imported and destinations read variables where they are made.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handlers.destinations import options as options_
from receiver.bootstrap import own_places
from receiver.cli.channel_check import opened_channels
from receiver.combinations import refuse_combinations
from receiver.config import Config, load
from receiver.core.check import ways
from receiver.core.errors import Misconfigured
from receiver.core.plan import Target
from receiver.core.problem import Problem, an_error
from receiver.load_app import WrongApp, channel_opener, load_destinations
from receiver.operations.check_config import check_config, unlike
from receiver.read_settings import from_environ
from receiver.settings import Settings

REACHING = ("role", "external_id", "endpoint", "kms_key")
"""Options of a target that say which rights it needs; others may be secrets."""
TOLD = ("sns:", "events:")
"""Channels that need rights; others may be secrets."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--shadow", type=Path)
    parser.add_argument("--module", type=Path, action="append", default=[])
    options = parser.parse_args(arguments)
    os.environ.update(json.load(sys.stdin))
    # The zips have the tables under fixed names; a composition root that reads them itself finds them here.
    os.environ["MAILROOM_CONFIG"] = str(options.table)
    if options.shadow:
        os.environ["MAILROOM_SHADOW_CONFIG"] = str(options.shadow)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what own modules print is no answer
    sys.path[:0] = sorted({str(path.resolve().parent) for path in options.module})
    try:
        said = checked(options.table, options.shadow)
    except Misconfigured as error:
        setting = "app" if isinstance(error, WrongApp) else ""
        said = {"problems": [_problem("error", str(error), fix=error.fix, setting=setting)], "places": []}
    with answer:
        json.dump(said, answer)


def checked(path: Path, shadow: Path | None) -> dict[str, Any]:
    """Everything that can be said without asking anybody. Raises Misconfigured for what cannot be read at all."""
    settings = from_environ()
    settings.webhook_secrets()
    settings.operator_token()
    refuse_combinations(settings, os.environ)
    config = load(path, os.environ)
    problems = [(config, item) for item in _problems(config, settings)]
    if shadow is not None:
        beside = load(shadow, os.environ, variable="shadow")
        problems += [(beside, item) for item in [*_problems(beside, settings), *unlike(beside, config)]]
    texts = [_problem(item.severity, table.line(item)) for table, item in problems]
    return {"problems": texts, "places": [*_targets(config), *_channels(config)]}


def _problem(severity: str, text: str, *, fix: str = "", setting: str = "") -> dict[str, str]:
    """``setting`` is the setting of mailroom.deploy.yaml that is wrong, if it is known."""
    return {"severity": severity, "text": text, "fix": fix, "setting": setting}


def _problems(config: Config, settings: Settings) -> list[Problem]:
    destinations = load_destinations(settings)
    sources, own = settings.source_places(), own_places(settings)
    found = check_config(config, destinations, adopted=settings.adopt, sources=sources, own=own)
    return [*found, *opened_channels(config.alerts, channel_opener(settings))[1]]


def _targets(config: Config) -> Iterator[dict[str, Any]]:
    for where, _, targets in ways(config.table):
        for at, target in enumerate(targets):
            yield _named(config, f"{where}.to[{at}]", target)
    if config.archive is not None:
        yield {**_named(config, "retention.archive", config.archive), "used_by": "sweep"}


def _named(config: Config, where: str, target: Target) -> dict[str, Any]:
    given = options_.given(target.options, os.environ)
    reached = {name: given[name] for name in REACHING if name in given}
    return {"where": _line(config, where), "url": target.url, "options": reached}


def _channels(config: Config) -> Iterator[dict[str, Any]]:
    for rule in config.alerts:
        if rule.channel.startswith(TOLD):
            yield {"where": _line(config, rule.where), "url": rule.channel, "options": {}}


def _line(config: Config, place: str) -> str:
    return f"{config.path}:{config.line_of(an_error(place, ''))}"


if __name__ == "__main__":
    main(sys.argv[1:])
