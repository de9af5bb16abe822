"""``mailroom operators``: who may sign in on the operator's side, in the file that MAILROOM_OPERATORS_FILE names."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from receiver.cli.output import print_json, say, table
from receiver.cli.paths import Given
from receiver.cli.suggestions import ClosestChoice
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong
from receiver.core.operators import (
    ANY,
    Operator,
    Operators,
    Role,
    hash_token,
    new_token,
    read_operators,
    refuse_name,
    write_operators,
)
from receiver.patient_reader import PatientReader
from receiver.read_settings import refuse_unknown

VARIABLE = "MAILROOM_OPERATORS_FILE"
LIMIT = 64 * 1024
"""Bytes of the file: what a setting may have."""
FILE = click.option("--file", "path", type=Given(), metavar="PATH", help=f"The file to use instead of {VARIABLE}.")


@click.group()
def operators() -> None:
    """List, add and remove the operators of the page and the API.

    A running `mailroom serve` takes changes over within seconds.
    """


@operators.command("list")
@FILE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_operators(path: Path | None, as_json: bool) -> None:
    """List the operators, their roles, and how they sign in."""
    entries = _read(_file(path)).entries.values()
    rows = [(item.name, str(item.role), "token" if item.token_sha256 else "proxy") for item in entries]
    if as_json:
        print_json({"operators": [dict(zip(("name", "role", "signs_in_by"), row, strict=True)) for row in rows]})
    elif rows:
        table(("operator", "role", "signs in by"), rows)
    else:
        say("no operators")


@operators.command()
@click.argument("name")
@click.option("--role", type=ClosestChoice([str(role) for role in Role]), required=True, help="What NAME may do.")
@click.option("--no-token", is_flag=True, help="NAME signs in at a proxy; * and *@example.com stand for all others.")
@click.option("--replace", is_flag=True, help="Give NAME, who is there already, a new token and this role.")
@FILE
def add(name: str, role: str, no_token: bool, replace: bool, path: Path | None) -> None:
    """Add the operator NAME, and print their token. It is shown once; the file has only its SHA-256."""
    with _usage():
        refuse_name(name)
    file, token = _file(path), "" if no_token or name.startswith(ANY) else new_token()
    with _one_at_a_time(file), _usage():
        known = dict(_read(file, missing_ok=True).entries)
        if name in known and not replace:
            raise click.UsageError(f"{name} is there already; --replace gives {name} a new token and this role")
        known[name] = Operator(name=name, role=Role(role), token_sha256=hash_token(token.encode()) if token else "")
        _write(file, known)
    say(f"{name} is {role}, in {file}", err=True)
    if token:
        say(token)


@operators.command()
@click.argument("name")
@FILE
def remove(name: str, path: Path | None) -> None:
    """Remove the operator NAME. Their token and sessions stop working."""
    file = _file(path)
    with _one_at_a_time(file):
        known = dict(_read(file).entries)
        if known.pop(name, None) is None:
            raise click.UsageError(f"there is no operator {name} in {file}; to list them: mailroom operators list")
        _write(file, known)
    say(f"{name} is removed from {file}", err=True)


@contextmanager
def _usage() -> Iterator[None]:
    try:
        yield
    except Wrong as wrong:
        raise click.UsageError(f"it {wrong}; {wrong.fix}") from None


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    """Waits for other commands that change this file: of two at once each would write the list without the other's.

    The lock is on the folder, because the file is replaced. Some network file systems lock no folder: there, nothing
    is waited for.
    """
    try:
        folder = os.open(file.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}", fix="check its folder") from error
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _file(path: Path | None) -> Path:
    refuse_unknown(os.environ)
    given = path or os.environ.get(VARIABLE)
    if not given:
        raise Misconfigured(f"{VARIABLE} is not set", fix="set it to a file like operators.json, or give --file PATH")
    return Path(given)


def _read(file: Path, *, missing_ok: bool = False) -> Operators:
    if missing_ok and not file.exists():
        return Operators({})
    try:
        return read_operators(PatientReader(LIMIT).read(file).decode())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Misconfigured(f"{file} cannot be read: {reason}", fix="mailroom operators add NAME makes it") from error
    except Wrong as wrong:
        raise Misconfigured(f"{file} {wrong}", fix=wrong.fix) from None


def _write(file: Path, entries: dict[str, Operator]) -> None:
    """In one step, so that no reader sees half of it; readable by its user alone, or by the group as before."""
    text = write_operators(entries.values())
    read_operators(text)  # refuses a name that differs from another only in its case
    if len(text.encode()) > LIMIT:
        raise Misconfigured(f"{file} would have more than {LIMIT} bytes", fix="remove operators who left")
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        if file.exists():  # whoever reads it now can read it afterwards: root may write Mailroom's file
            before = file.stat()
            os.chown(beside, before.st_uid, before.st_gid)
            beside.chmod(before.st_mode & 0o660)
        else:
            beside.chmod(0o600)
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Misconfigured(f"{file} cannot be written: {error.strerror}", fix="check its folder") from error
