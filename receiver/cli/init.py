"""mailroom init: writes the first mailroom.yaml and .env, both checked."""

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click

from receiver.cli import mending
from receiver.cli.output import say
from receiver.config.first_files import EXAMPLE_RULES, Answers, env_text, first_settings, table_text
from receiver.core.errors import Misconfigured
from receiver.core.forms import NO_WEBHOOKS, Wrong
from receiver.settings import Settings

TABLE, ENV = Path("mailroom.yaml"), Path(".env")
LOAD = "set -a; . ./.env; set +a"
SECRET_BYTES = 32
DESTINATION = "folder://./filed/"
EXAMPLES = " and ".join(EXAMPLE_RULES)
PLACES = ("folder://", "s3://")
"""Destinations that keep types apart by a prefix."""
NEEDED = {"api_key": "the environment variable LLAMA_CLOUD_API_KEY", "public_url": "--public-url"}
"""Answer -> how to give it without a terminal."""


@click.command(short_help="Write a first mailroom.yaml and .env.")
@click.option("--public-url", metavar="URL", help="URL at which LlamaCloud can reach the receiver; none if it cannot.")
@click.option("--base-url", metavar="URL", help="LlamaCloud's base URL, if it is not the usual one.")
@click.option(
    "--to", "destination", metavar="URL", help=f"Where documents go: a folder or bucket.  [default: {DESTINATION}]"
)
@click.option("--rule", "rules", multiple=True, metavar="TYPE=TEXT", help="A type and its description. Repeatable.")
def init(public_url: str | None, base_url: str | None, destination: str | None, rules: tuple[str, ...]) -> None:
    """Write a checked mailroom.yaml, and an .env with new secrets, in the current folder.

    On a terminal it asks for answers that are not given as options. The API key is asked for, or taken from the
    variable LLAMA_CLOUD_API_KEY. It overwrites nothing, and writes both files only if both are valid.
    """
    _refuse_existing()
    given = {
        "api_key": os.environ.get("LLAMA_CLOUD_API_KEY"),
        "base_url": os.environ.get("LLAMA_CLOUD_BASE_URL") if base_url is None else base_url,
        "public_url": public_url,
        "destination": destination,
    }
    answers = _asked(given, _rules(rules)) if mending.at_a_terminal() else _unasked(given, _rules(rules))
    variables = first_settings(answers, lambda: secrets.token_urlsafe(SECRET_BYTES))
    table, env = table_text(answers), _env_text(variables)
    try:
        _check(table, variables)
    except Misconfigured as error:
        raise Misconfigured(f"nothing was written, because this would be wrong:\n{error}", fix=error.fix) from error
    _write({TABLE: table, ENV: env})
    say(f"wrote {TABLE} and {ENV} ({ENV} holds the API key and new secrets: only you can read it)")
    run = _run(answers.public_url)
    say(f"next:\n  {LOAD}\n  mailroom {run}\n  mailroom doctor   # in another terminal, after the first of these lines")


def _run(public_url: str) -> str:
    """The command that receives, at the port of a URL on this machine; elsewhere a proxy or tunnel chooses the port."""
    if public_url == NO_WEBHOOKS:
        return "listen"
    url = urlsplit(public_url)
    here = url.hostname in {"127.0.0.1", "localhost"} and url.port
    return f"serve --port {url.port}" if here else "serve"


def _refuse_existing() -> None:
    for path in (TABLE, ENV):
        if os.path.lexists(path):
            raise Misconfigured(
                f"{path} exists already, and is not overwritten; nothing was written",
                fix="run `mailroom init` in another folder, or move the file aside",
            )


def _rules(given: tuple[str, ...]) -> dict[str, str]:
    rules: dict[str, str] = {}
    for text in given:
        name, equals, description = (part.strip() for part in text.partition("="))
        if not (name and equals and description):
            raise click.BadParameter(f"{text!r} is not TYPE=TEXT", param_hint="--rule")
        if name in rules:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="--rule")
        rules[_type(name)] = description
    return rules


def _type(name: str) -> str:
    from receiver.config.text import rule_type

    try:
        return rule_type(name)
    except Wrong as wrong:
        raise click.BadParameter(f"the type {wrong}; {wrong.fix}", param_hint="--rule") from None


def _unasked(given: Mapping[str, str | None], rules: Mapping[str, str]) -> Answers:
    if missing := [how for name, how in NEEDED.items() if not given[name]]:
        raise click.UsageError(f"there is no terminal to ask on: give {' and '.join(missing)}")
    return _answers({"destination": DESTINATION} | {name: text for name, text in given.items() if text}, rules)


def _asked(given: Mapping[str, str | None], rules: Mapping[str, str]) -> Answers:
    """The answers that are not given. Each is checked at once, and asked for again, not when all have been typed."""
    usual = Settings().llama_cloud_base_url
    ask = {
        "api_key": partial(click.prompt, "LlamaCloud API key", hide_input=True, value_proc=_as("LLAMA_CLOUD_API_KEY")),
        "base_url": partial(
            click.prompt, "LlamaCloud's address", default=usual, value_proc=_as("LLAMA_CLOUD_BASE_URL")
        ),
        "public_url": partial(
            click.prompt,
            "URL at which LlamaCloud can reach this receiver (https://…, or none)",
            value_proc=_as("MAILROOM_PUBLIC_URL"),
        ),
        "destination": partial(click.prompt, "Where documents go", default=DESTINATION, value_proc=_destination),
    }
    texts = {name: given[name] or question() for name, question in ask.items()}
    return _answers(texts, rules or _asked_rules())


def _as(variable: str) -> Callable[[str], str]:
    """Checks an answer as the value of this variable."""

    def checked(text: str) -> str:
        from receiver.read_settings import from_environ

        try:
            from_environ({variable: text})
        except Misconfigured as error:
            raise click.UsageError(f"{error}; {error.fix}" if error.fix else str(error)) from None
        return text

    return checked


def _asked_rules() -> dict[str, str]:
    rules: dict[str, str] = {}
    say(f"Types of documents, one at a time; Enter ends the list. An empty list means {EXAMPLES}.")
    while name := click.prompt(
        "Type", default="", show_default=False, value_proc=lambda text: text and _type(text.strip())
    ):
        rules[name] = click.prompt(f"Description of {name}", value_proc=partial(_description, name))
    return rules


def _description(name: str, text: str) -> str:
    from receiver.config import parse

    given = Answers(api_key="", base_url="", public_url="", destination=DESTINATION, rules={name: text})
    try:
        parse(table_text(given), {})
    except Misconfigured as error:
        raise click.UsageError(str(error)) from None
    return text


def _answers(texts: Mapping[str, str], rules: Mapping[str, str]) -> Answers:
    base_url = texts.get("base_url", "").rstrip("/")
    return Answers(
        api_key=texts["api_key"],
        base_url="" if base_url == Settings().llama_cloud_base_url else base_url,
        public_url=texts["public_url"],
        destination=_destination(texts["destination"]),
        rules=rules or EXAMPLE_RULES,
    )


def _destination(text: str) -> str:
    scheme = next((scheme for scheme in PLACES if text.startswith(scheme)), None)
    # A bare s3:// would make a bucket of each type's name, and those belong to other people.
    if scheme is None or not text.removeprefix(scheme).strip("/"):
        raise click.BadParameter(
            f"{text!r} is not a folder or bucket: write folder://./filed/ or s3://bucket/prefix/, "
            "and add queues and other destinations to mailroom.yaml later",
            param_hint="--to",
        )
    return text


def _env_text(variables: Mapping[str, str]) -> str:
    try:
        return env_text(variables)
    except Wrong as wrong:
        raise Misconfigured(str(wrong), fix=wrong.fix) from None


def _check(table: str, variables: Mapping[str, str]) -> None:
    """Raises Misconfigured for files that `serve` would refuse."""
    from receiver.bootstrap import own_places
    from receiver.config import parse
    from receiver.load_app import load_destinations, refuse_unworkable
    from receiver.operations.check_config import check_config
    from receiver.read_settings import from_environ

    settings = from_environ(variables)
    settings.webhook_secrets()
    refuse_unworkable(settings, variables)
    config = parse(table, variables, path=TABLE)
    problems = check_config(config, load_destinations(settings), adopted=settings.adopt, own=own_places(settings))
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise Misconfigured("\n".join(map(config.line, errors)))


def _write(files: Mapping[Path, str]) -> None:
    """Writes all files or none. The one with secrets is readable by its owner alone.

    The table has none, and the user of a service or of a container must read it.
    """
    written: list[Path] = []
    try:
        for path, text in files.items():
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            written.append(path)
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(text)
                if path == TABLE:
                    path.chmod(0o644)  # whatever the umask: commands set their own
    except OSError as error:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise Misconfigured(f"cannot write {error.filename or path}: {error.strerror}; nothing was written") from error
