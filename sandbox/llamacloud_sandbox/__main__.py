"""`llamacloud-sandbox`, or `python -m llamacloud_sandbox`: the LlamaCloud-compatible server as a program."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from llamacloud_sandbox import __version__
from llamacloud_sandbox.faults import KINDS, Switch, known
from llamacloud_sandbox.options import Options


class WholeNumber(click.IntRange):
    """A range whose error has no word of Python's."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number {_range(self.min, self.max)}", param, ctx)


class Number(click.FloatRange):
    """The same for numbers with a fraction. Neither nan nor infinity is one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = super().convert(value, param, ctx)
        except click.BadParameter:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number {_range(self.min, self.max)}", param, ctx)
        return number


def _range(low: float | None, high: float | None) -> str:
    return f"from {low} to {high}" if high is not None else f"from {low}"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=0, type=WholeNumber(0, 65535), help="Port; 0 takes a free one.")
@click.option("--port-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the port here when ready.")
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
@click.option("--key", "keys", multiple=True, help="An accepted API key; may be repeated. None: any key is accepted.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Folder that survives a restart.")
@click.option("--strict/--contract", "strict", default=True, help="--contract answers the vendor's own tests.")
@click.option("--think", default=0.3, type=Number(min=0), help="Seconds a job takes besides its work.")
@click.option("--instant", is_flag=True, help="The same as --think 0.")
@click.option("--judge", default="lexical", help="lexical, or scripted:FILE.")
@click.option("--ocr", is_flag=True, help="Read scanned pages.")
@click.option("--allow-loopback/--block-private", default=True, help="Whether webhooks may go to private addresses.")
@click.option("--retry-delays", default="1,2", help="Seconds before a webhook's second and third attempt.")
@click.option("--limits/--no-limits", default=True, help="LlamaCloud's rate limits.")
@click.option("--credits", type=Number(min=0), help="A budget of credits; used up: 402.")
@click.option("--daily-cap", type=Number(min=0), help="Credits a day (UTC) and project; reached: 402.")
@click.option("--mask-headers", is_flag=True, help="Show header values of saved webhooks masked.")
@click.option("--file-lifetime", type=Number(min=0), help="Seconds after which uploaded files expire.")
@click.option("--max-file-mb", default=512, type=WholeNumber(1), help="Largest file.")
@click.option("--workers", default=2, type=WholeNumber(1), help="Threads that read and judge.")
@click.option("--public-url", help="Base of presigned links, instead of the request's Host.")
@click.option("--seed", default=0, help="Seed of the faults.")
@click.option("--fault", "faults", multiple=True, metavar="NAME=CHANCE", help="0..1, or next:N; see --list-faults.")
@click.option("--list-faults", is_flag=True, help="Name the faults and exit.")
@click.version_option(__version__, package_name="llamacloud-sandbox")
def command(**chosen: Any) -> None:
    """A LlamaCloud-compatible server: files, classify, split, saved configurations, and webhooks as documented."""
    if chosen["list_faults"]:
        for name, (meaning, _) in KINDS.items():
            click.echo(f"{name:16} {meaning}")
        return
    _serve(_options(chosen), chosen)


def main(argv: Sequence[str] | None = None, prog_name: str = "llamacloud-sandbox") -> int:
    """The exit code: 0 stopped as asked, 1 could not run, 2 wrong usage."""
    try:
        command.main(args=None if argv is None else list(argv), prog_name=prog_name, standalone_mode=False)
    except click.UsageError as error:
        message = error.format_message().rstrip(".")
        click.echo(f"{prog_name}: {message[:1].lower()}{message[1:]}\n  fix: see {prog_name} --help", err=True)
        return 2
    except (OSError, ValueError) as error:
        click.echo(f"{prog_name}: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 0
    return 0


def _options(chosen: dict[str, Any]) -> Options:
    return Options(
        keys=chosen["keys"],
        state=chosen["state"],
        contract=not chosen["strict"],
        think_seconds=0.0 if chosen["instant"] else chosen["think"],
        judge=chosen["judge"],
        ocr=chosen["ocr"],
        allow_loopback=chosen["allow_loopback"],
        seed=chosen["seed"],
        faults=_faults(chosen["faults"]),
        limits=chosen["limits"],
        credits=chosen["credits"],
        daily_cap=chosen["daily_cap"],
        mask_headers=chosen["mask_headers"],
        file_lifetime_seconds=chosen["file_lifetime"],
        max_file_bytes=chosen["max_file_mb"] * 1024 * 1024,
        workers=chosen["workers"],
        public_url=chosen["public_url"],
        retry_delays=_seconds(chosen["retry_delays"]),
    )


def _seconds(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError as error:
        raise click.UsageError(f"--retry-delays {text}: give seconds like 1,2") from error


def _faults(given: Sequence[str]) -> dict[str, Switch]:
    switches: dict[str, Any] = {}
    for each in given:
        name, _, value = each.partition("=")
        try:
            switches[name] = _switch(value)
        except ValueError as error:
            raise click.UsageError(f"--fault {each}: give NAME=0.2 (from 0 to 1) or NAME=next:3") from error
    try:
        return known(switches)
    except ValueError as error:
        raise click.UsageError(f"--fault: {error}") from error


def _switch(value: str) -> float | dict[str, int]:
    """A chance, or how many times in a row. Raises ValueError."""
    count = value.removeprefix("next:")
    if count != value and (times := int(count)) >= 0:
        return {"next": times}
    if count == value and 0 <= (chance := float(value or 1)) <= 1:
        return chance
    raise ValueError(value)


def _serve(options: Options, chosen: dict[str, Any]) -> None:
    from llamacloud_sandbox.app import create_app  # late: --help needs no server
    from llamacloud_sandbox.server import address, bound, server

    with bound(chosen["host"], chosen["port"]) as listening:
        app = create_app(options)
        url = address(listening)
        port = listening.getsockname()[1]
        if chosen["port_file"] is not None:
            chosen["port_file"].write_text(f"{port}\n")
        ready = json.dumps({"url": url, "port": port}) if chosen["as_json"] else f"sandbox listening on {url}"
        click.echo(ready)
        sys.stdout.flush()
        server(app).run([listening])


if __name__ == "__main__":
    sys.exit(main())
