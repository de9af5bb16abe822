"""``mailroom routes``: checks the table, and explains where a result would go. The backtest is in backtest.py."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from receiver.cli import output
from receiver.cli.backtest import backtest
from receiver.cli.given_file import given_text
from receiver.cli.paths import Given, config_from
from receiver.cli.shadow import shadow, shadow_of
from receiver.core.quantity import quantity
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron

if TYPE_CHECKING:
    from receiver.config import Config
    from receiver.core.explain import Explanation
    from receiver.core.pointer_preview import Pointing
    from receiver.core.problem import Problem
    from receiver.ports import Destination
    from receiver.settings import Settings

config_option = click.option(
    "--config", "config_path", type=Given(), metavar="PATH", help="The file to use instead of MAILROOM_CONFIG."
)
RESULT_BYTES = 4 * 1024 * 1024
"""Maximum size of a result that is explained."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def routes() -> None:
    """Check the routing table; explain where a result would go."""


@routes.command()
@config_option
@click.option("--offline", is_flag=True, help="Skip checks that need AWS or other services.")
@json_option
def check(config_path: Path | None, offline: bool, as_json: bool) -> None:
    """Check mailroom.yaml for errors.

    It finds types without a row, rows that can never match, templates that could leave their prefix, alert channels
    that cannot work and, unless --offline, missing buckets, queues and topics. It shows what the messages of each row
    will point to. Unless you give --config, it then checks the shadow table of MAILROOM_SHADOW_CONFIG. Exit code 1 if
    there are errors; warnings alone exit 0.
    """
    from receiver.load_app import load_destinations

    settings = from_environ()
    config, destinations = _config(config_path), load_destinations(settings)
    checked = [_checked(config, destinations, settings, offline=offline)]
    if settings.shadow_config and config_path is None:
        from receiver.operations.check_config import unlike

        beside = shadow_of(settings)
        found, pointers = _checked(beside, destinations, settings, offline=offline)[1:]
        checked.append((beside, [*found, *unlike(beside, config)], pointers))
    _report(checked, as_json=as_json)


Checked = tuple["Config", "Sequence[Problem]", "Sequence[Pointing]"]
"""A file, its problems, and what its messages point to."""


def _checked(
    config: "Config", destinations: "Mapping[str, Destination]", settings: "Settings", *, offline: bool
) -> Checked:
    import asyncio

    from receiver.bootstrap import own_places
    from receiver.cli.channel_check import live_channel_problems, opened_channels
    from receiver.core.pointer_preview import warnings
    from receiver.load_app import channel_opener
    from receiver.operations.check_config import check_config

    sources, own = settings.source_places(), own_places(settings)
    problems = check_config(config, destinations, adopted=settings.adopt, sources=sources, own=own)
    pointers = _pointers(config, destinations, linked=bool(settings.documents_url))
    problems += warnings(pointers)
    channels, wrong = opened_channels(config.alerts, channel_opener(settings))
    problems += wrong
    if not offline:
        problems += asyncio.run(live_problems(config, destinations, known=problems))
        problems += asyncio.run(live_channel_problems(channels))
    return config, problems, pointers


def _config(path: Path | None) -> "Config":
    from receiver.config import load

    return load(path or from_environ().config, RevealedEnviron(os.environ), variable=config_from(path))


def _pointers(config: "Config", destinations: "Mapping[str, Destination]", *, linked: bool) -> "list[Pointing]":
    from receiver.core.pointer_preview import pointings

    def holds(target: Any) -> bool:
        destination = destinations.get(target.scheme)
        return destination is not None and destination.holds_bytes

    return list(pointings(config.table, holds, linked=linked))


async def live_problems(
    config: "Config", destinations: "Mapping[str, Destination]", *, known: "Sequence[Problem]" = ()
) -> "list[Problem]":
    """The problems that destinations report. Each place is asked once, all concurrently.

    A target that is already ``known`` to be wrong is not checked.
    """
    import asyncio

    from receiver.core.check import ways
    from receiver.core.problem import Problem

    wrong = {problem.where for problem in known if problem.severity == "error"}
    asked = [
        (f"{where}.to[{place}]", name, target)
        for where, name, targets in ways(config.table)
        for place, target in enumerate(targets)
        if f"{where}.to[{place}]" not in wrong
    ]
    if config.archive and "retention.archive" not in wrong:
        asked.append(("retention.archive", "", config.archive))
    answers = await asyncio.gather(*(destinations[to.url.partition(":")[0]].probe(to) for _, _, to in asked))
    return [
        Problem(severity="error", where=where, message=fault, route=name)
        for (where, name, _), faults in zip(asked, answers, strict=True)
        for fault in faults
    ]


def _report(checked: "Sequence[Checked]", *, as_json: bool) -> None:
    if as_json:
        data = [_checked_as_data(*item) for item in checked]
        output.print_json(data[0] | ({"shadow": data[1]} if len(data) > 1 else {}))
    else:
        for item in checked:
            _print_checked(*item)
    if any(problem.severity == "error" for _, problems, _ in checked for problem in problems):
        raise click.exceptions.Exit(1)


def _checked_as_data(config: "Config", problems: "Sequence[Problem]", pointers: "Sequence[Pointing]") -> dict[str, Any]:
    found = [asdict(problem) | {"line": config.line_of(problem)} for problem in problems]
    data = {"problems": found, "pointers": [asdict(item) for item in pointers]}
    return {"file": str(config.path), "table": config.table.version, **data}


def _print_checked(config: "Config", problems: "Sequence[Problem]", pointers: "Sequence[Pointing]") -> None:
    errors = sum(problem.severity == "error" for problem in problems)
    for first, *others in _by_cause(problems):
        output.say(config.line(first))
        if others:
            output.say(f"  the same in line {' and '.join(str(config.line_of(item)) for item in others)}")
    counts = (
        f"{quantity(errors, 'error')}, {quantity(len(problems) - errors, 'warning')}" if problems else "no problems"
    )
    rows, places = len(config.table.routes), len(config.table.targets())
    named_channels = len({rule.to for rule in config.alerts})
    channels = f", {quantity(named_channels, 'alert channel')}" if named_channels else ""
    output.say(f"{config.path}: {quantity(rows, 'row')} to {quantity(places, 'destination')}{channels}: {counts}")
    if pointers:
        named = [(f"{item.where} ({item.route})" if item.route else item.where, str(item)) for item in pointers]
        output.table(("messages of", "point to"), named)


def _by_cause(problems: "Sequence[Problem]") -> "Iterable[list[Problem]]":
    """The problems in order, grouped if they differ only in their place: missing credentials are one cause, not ten."""
    causes: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        place, _, cause = problem.message.partition(": ")
        causes.setdefault((problem.severity, cause or place), []).append(problem)
    return causes.values()


@routes.command(short_help="Explain where a result would go.")
@click.argument("file", type=Given())
@config_option
@json_option
def explain(file: Path, config_path: Path | None, as_json: bool) -> None:
    """Explain where the result in FILE would go (- reads standard input).

    FILE holds a classify job as LlamaCloud returns it, or just {"type", "confidence"}; it may also have "name",
    "source", "sender", "recipients", "subject", "media_type", "size", "pages", "category", "duplicate" and "metadata"
    of the document, for rows with conditions. Missing keys count as unknown or absent.
    """
    from receiver.cli.result import read_result
    from receiver.core.explain import explain as explained

    now = time.time()
    try:
        text = given_text(file, most_bytes=RESULT_BYTES, hint="FILE")
        result, document = read_result(text, now=now)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(str(error), param_hint="FILE") from error
    config, settings = _config(config_path), from_environ()
    explanation = explained(config.table, result, document, now=now)
    beside = None
    if settings.shadow_config and config_path is None:
        beside = explained(shadow_of(settings).table, result, document, now=now)
    if as_json:
        output.print_json(_as_data(explanation) | ({"shadow": _as_data(beside)} if beside else {}))
    else:
        _print(config, explanation)
        if beside:
            _print_beside(explanation, beside)


def _as_data(explanation: "Explanation") -> dict[str, Any]:
    plan = explanation.plan
    return {
        "way": plan.way,
        "route": plan.route,
        "reason": plan.reason,
        "review": plan.review,
        "to": [
            {"url": target.url, "place": place} | ({"endpoint": target.endpoint} if target.endpoint else {})
            for target, place in zip(plan.to, explanation.places, strict=True)
        ],
        "rows": [asdict(row) for row in explanation.rows],
        "table": plan.table,
    }


_MARKS = {(True, False): "✔", (False, False): "✘", (False, True): "?"}
"""Matched, unknown -> mark."""


def _print(config: "Config", explanation: "Explanation") -> None:
    plan = explanation.plan
    rows = [
        (config.lines.get(f"routes[{place}]", ""), row.route, _MARKS[row.matched, row.unknown], row.why)
        for place, row in enumerate(explanation.rows)
    ]
    output.table(("line", "row", "", "why"), rows, title=str(config.path))
    output.say(f"outcome: {plan.way}" + (f", by row {plan.route}" if plan.route != plan.way else ""))
    output.say(f"why:     {plan.reason}")
    output.say(f"review:  {'yes, a person must decide' if plan.review else 'no'}")
    for target, place in zip(plan.to, explanation.places, strict=True):
        output.say(f"to:      {place}{f' at {target.endpoint}' if target.endpoint else ''}")


def _print_beside(real: "Explanation", beside: "Explanation") -> None:
    """Prints where the shadow table would send the document, if elsewhere."""
    from receiver.core.redecide import alike, what_moves

    same = alike(real.plan, beside.plan)
    output.say(f"shadow:  {'the same' if same else what_moves(real.plan, beside.plan)}")


@routes.command()
def schema() -> None:
    """Print the JSON Schema of mailroom.yaml, for editors."""
    from receiver.config.build import schema as file_schema

    output.print_json(file_schema())


routes.add_command(backtest)
routes.add_command(shadow)
