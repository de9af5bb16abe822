"""Reads the settings that settings.py declares: from the environment, from the files it names, and from AWS.

An error about an invalid value names its variable.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong, misconfigured, refuse_careless
from receiver.core.secret import Secret
from receiver.patient_reader import PatientReader
from receiver.secret_rules import decoded, filled
from receiver.secrets import VAULT, SecretCache, points
from receiver.settings import FORMS, VARIABLES, Settings

LONGEST_SHOWN = 200
"""Characters of a wrong value that an error repeats."""
FILE_LIMIT = 64 * 1024
"""Maximum bytes of a file that holds a setting."""
FILES = PatientReader(FILE_LIMIT)
FIX = "name a regular file that this user can read, with nothing but the value in it"
_DEFAULTS = Settings()
_FIELDS = {variable: name for name, variable in VARIABLES.items()}


def from_environ(environ: Mapping[str, str] | None = None, *, vault: SecretCache = VAULT) -> Settings:
    """The settings from the environment. Raises Misconfigured, which names the variable.

    Any of them may also be given as ``<NAME>_FILE``, the path of a file that holds the value, or as a pointer to AWS:
    ``secretsmanager:NAME#KEY``, ``ssm:/path``, read by ``vault``.
    """
    env = dict(os.environ if environ is None else environ)
    refuse_unknown(env)
    return _converted({name: _read(name, text, vault) for name, text in _given(env)})


def _given(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each given setting, and its text."""
    for name, variable in VARIABLES.items():
        text, path = env.get(variable), env.get(f"{variable}_FILE")
        if text and path:
            raise Misconfigured(f"{variable} and {variable}_FILE are both set", fix="unset one of them")
        if path:
            text = _from_file(f"{variable}_FILE", path)
        if text is not None:
            yield name, text


def setting_sources(env: Mapping[str, str]) -> dict[str, str]:
    """Where each setting comes from, by its variable: ``variable``, ``file PATH``, its place in AWS, or ``default``.

    Raises Misconfigured.
    """
    given = dict(_given(env))
    return {variable: _source(name, given.get(name), env) for name, variable in VARIABLES.items()}


def _source(name: str, text: str | None, env: Mapping[str, str]) -> str:
    if text is None or (not text and getattr(_DEFAULTS, name) in ("", Secret(""))):
        return "default"
    if points(text):
        return text
    path = env.get(f"{VARIABLES[name]}_FILE")
    return f"file {path}" if path else "variable"


def _read(name: str, text: str, vault: SecretCache) -> str:
    """The text itself, or the secret that it points to."""
    if not points(text):
        return text
    try:
        return filled(VARIABLES[name], text, vault.read(text))
    except Misconfigured as error:
        reason = str(error)
        named = reason if reason.startswith(VARIABLES[name]) else f"{VARIABLES[name]}: {reason}"
        raise Misconfigured(named, fix=error.fix) from error


def one_of(environ: Mapping[str, str], name: str) -> str:
    """The unchecked text of one setting, for what must be known before all are read; "" for its default.

    Raises Misconfigured.
    """
    variable = VARIABLES[name]
    env = {item: environ[item] for item in (variable, f"{variable}_FILE") if item in environ}
    return dict(_given(env)).get(name, "")


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raises Misconfigured for a ``MAILROOM_`` variable that is no setting, because it is probably misspelt."""
    for variable in environ:
        if variable.startswith("MAILROOM_") and _plain(variable) not in _FIELDS:
            raise Misconfigured(_unknown(variable, _FIELDS))


def _plain(variable: str) -> str:
    """The name of the setting's variable, without ``_FILE``."""
    return variable.removesuffix("_FILE") if variable.removesuffix("_FILE") in _FIELDS else variable


def _converted(given: Mapping[str, str]) -> Settings:
    if faults := [fault for name, text in given.items() if (fault := _fault(name, text))]:
        raise misconfigured(faults)
    return msgspec.convert(given, type=Settings, strict=False, dec_hook=_secret)


def _fault(name: str, text: str) -> Wrong | None:
    """What is wrong with a value, with the name of its variable; None if it is valid."""
    form, default = FORMS[name], getattr(_DEFAULTS, name)
    if not text and (form.optional or default in ("", Secret(""))):
        return None  # as if it were not given
    try:
        refuse_careless(text, lines=form.lines)
        form.check(text)
    except Wrong as wrong:
        shown = "" if isinstance(default, Secret) else _shown(text)
        return Wrong(f"{VARIABLES[name]}{shown} {wrong}", wrong.fix)
    return None


def _shown(text: str) -> str:
    """An equals sign and the value, for people: on one line, shortened, and without the user of a URL."""
    _, at, rest = text.rpartition("@")
    shown = "".join(c if c.isprintable() else "?" for c in (f"…@{rest}" if at else text))
    return f"={shown[:LONGEST_SHOWN]}{'…' * (len(shown) > LONGEST_SHOWN)}"


def _secret(kind: type, value: object) -> Secret:
    if kind is not Secret:
        raise NotImplementedError(kind)
    return Secret(str(value))


def _from_file(variable: str, path: str) -> str:
    try:
        content = FILES.read(Path(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise Misconfigured(f"{variable}: {path} cannot be read: {reason}", fix=FIX) from None
    return decoded(variable, path, content)


def _unknown(variable: str, known: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(variable, known, n=1, cutoff=0.6)
    return f"{variable} is not a Mailroom setting" + (
        f"; did you mean {close[0]}?" if close else "; see docs/settings.md"
    )
