"""Secrets that a setting points to instead of containing them: ``secretsmanager:NAME``, ``secretsmanager:NAME#KEY``,
``ssm:/path``. KEY picks one value of a secret that is a JSON object.

Each is cached for some minutes, so that a new value is used without a restart. If it cannot be read again, the old
value stays in use: a receiver that stops loses more than one that rotates late.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from receiver.core.errors import Misconfigured
from receiver.log import log_line

PREFIXES = ("secretsmanager:", "ssm:")
TTL_SECONDS = 300.0
"""Maximum age of a value. It bounds how late a rotation is noticed, and costs one request per secret and interval."""

log = logging.getLogger("mailroom.secrets")


def points(value: str) -> bool:
    """Whether this setting points to a secret."""
    return value.startswith(PREFIXES)


class SecretCache:
    """Reads and caches secrets. ``ask`` returns a secret's text by its kind (secretsmanager, ssm) and name."""

    def __init__(
        self,
        ask: Callable[[str, str], str],
        *,
        clock: Callable[[], float] = time.time,
        ttl_seconds: float = TTL_SECONDS,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._ttl = ttl_seconds
        self._kept: dict[str, tuple[float, str]] = {}

    def read(self, pointer: str) -> str:
        """The value that this points to. Raises Misconfigured if it cannot be read and never was."""
        source, _, key = pointer.partition("#")
        text = self._text(source)
        return _picked(text, key, source) if key else text

    def age(self) -> float:
        """Seconds since the oldest value was read; 0 if there is none."""
        return max((self._clock() - at for at, _ in self._kept.values()), default=0.0)

    def expire(self) -> None:
        """Makes the next access to each value read it again."""
        self._kept = {source: (float("-inf"), text) for source, (_, text) in self._kept.items()}

    def _text(self, source: str) -> str:
        at, text = self._kept.get(source, (float("-inf"), None))
        now = self._clock()
        if text is not None and 0 <= now - at < self._ttl:  # a clock that was set back does not extend it
            return text
        kind, _, name = source.partition(":")
        try:
            fresh = self._ask(kind, name)
        except Exception as error:
            if text is None:
                raise _refused(source, error) from error
            log_line(log, logging.ERROR, "secret.stale", secret=source, error=str(error))
            fresh = text
        self._kept[source] = (now, fresh)
        return fresh


def _refused(source: str, error: Exception) -> Misconfigured:
    from botocore.exceptions import ClientError

    from receiver.aws.errors import unsent
    from receiver.core.connection_fault import connection_fault

    if isinstance(error, unsent()):
        reason = f"AWS cannot be reached: {connection_fault(error)}"
        fix = "check the AWS region, AWS_ENDPOINT_URL, and this machine's network, proxy and DNS"
    else:
        answered = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        reason = " ".join(filter(None, (answered.get("Code"), answered.get("Message")))) or str(error)
        fix = "create it, or give the role permission to read it"
    return Misconfigured(f"the secret {source} cannot be read: {reason}", fix=fix)


def ask_aws(kind: str, name: str) -> str:
    """The secret's text from AWS. Raises what the client raises."""
    from receiver.aws.client import JsonClient

    client = JsonClient(kind)
    try:
        return secret_text(client, kind, name)
    finally:
        client.close()


def secret_text(client: Any, kind: str, name: str) -> str:
    """The secret's text from this client of the service ``kind``."""
    if kind == "ssm":
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    return str(client.get_secret_value(SecretId=name)["SecretString"])


VAULT = SecretCache(ask_aws)
"""The process's cache: settings may be read often, but AWS is only asked once per TTL_SECONDS."""


class RevealedEnviron(Mapping[str, str]):
    """The environment for ``env:NAME`` in mailroom.yaml: a pointer is resolved when its variable is read.

    Reading one raises Misconfigured if the secret does not exist.
    """

    def __init__(self, environ: Mapping[str, str], vault: SecretCache = VAULT) -> None:
        self._environ, self._vault = environ, vault

    def __getitem__(self, name: str) -> str:
        text = self._environ[name]
        return self._vault.read(text) if points(text) else text

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def __contains__(self, name: object) -> bool:
        return name in self._environ


def _picked(text: str, key: str, source: str) -> str:
    try:
        values: dict[str, Any] = json.loads(text)
        value = values[key]
    except (ValueError, KeyError, TypeError):
        raise Misconfigured(f"the secret {source} is not a JSON object with the key {key}") from None
    return value if isinstance(value, str) else json.dumps(value)
