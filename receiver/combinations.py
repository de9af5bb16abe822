"""Checks combinations: settings that are valid, but cannot work together or on this machine.

The check runs before the application is built. Commands that only read the store skip it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from receiver.aws import variables
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong, misconfigured, refuse_in_clear
from receiver.settings import Settings


def refuse_combinations(settings: Settings, environ: Mapping[str, str]) -> None:
    """Raises Misconfigured, which names each setting that does not fit the others."""
    if faults := list(_faults(settings, environ)):
        raise misconfigured(faults)


def _faults(settings: Settings, environ: Mapping[str, str]) -> Iterator[Wrong]:
    checks: tuple[Callable[[Settings], None], ...] = (
        *(partial(_in_clear, variable) for variable in IN_CLEAR),
        _links,
        _queue_and_inbox,
        _sign_in,
        _spool_of_one_machine,
        _store_file,
        _spool_folder,
        partial(_region, environ),
    )
    for check in checks:
        try:
            check(settings)
        except Wrong as wrong:
            yield wrong
    yield from variables.variable_faults(environ)


IN_CLEAR = {
    "MAILROOM_PUBLIC_URL": ("headers and tokens", "put TLS in front and write https://"),
    "LLAMA_CLOUD_BASE_URL": ("the API key and all documents", "write https://"),
    "MAILROOM_DOCUMENTS_URL": ("documents and links to them", "put TLS in front and write https://"),
}
"""Variable -> what http:// would send there unencrypted, and what to do instead."""


def _in_clear(variable: str, settings: Settings) -> None:
    url: str = getattr(settings, variable.removeprefix("MAILROOM_").lower())
    what, instead = IN_CLEAR[variable]
    try:
        refuse_in_clear(url, what, instead, allowed=settings.allow_http)
    except Wrong as wrong:
        raise Wrong(f"{variable}={url} {wrong}", wrong.fix) from None


def _queue_and_inbox(settings: Settings) -> None:
    if settings.inbox and settings.inbox == settings.queue:
        raise Wrong(
            f"MAILROOM_INBOX={settings.inbox} is also MAILROOM_QUEUE: each would treat the other's messages as invalid",
            "use two queues: the inbox's is the one that the bucket notifies",
        )


def _sign_in(settings: Settings) -> None:
    kind = settings.sign_in.partition(":")[0]
    if kind == "header" and not settings.proxies:
        raise Wrong(
            f"MAILROOM_SIGN_IN={settings.sign_in} without MAILROOM_PROXIES: anybody could send this header",
            "set MAILROOM_PROXIES to the addresses of the proxy",
        )
    if kind and not settings.known_operators().entries:
        raise Wrong(
            f"MAILROOM_SIGN_IN={settings.sign_in}, but MAILROOM_OPERATORS gives nobody a role",
            "mailroom operators add '*@example.com' --role viewer",
        )
    if kind in ("alb", "cloudflare") and find_spec("jwt") is None:
        raise Wrong(
            f"MAILROOM_SIGN_IN={kind}:… checks signatures with PyJWT, which is not installed",
            "pip install 'llamacloud-mailroom[sso]'",
        )
    if settings.proxies and not kind:
        raise Wrong("MAILROOM_PROXIES is set, but MAILROOM_SIGN_IN is not: no header is read", "set both, or neither")


def _links(settings: Settings) -> None:
    if settings.documents_url and not settings.token_secrets:
        raise Wrong("MAILROOM_DOCUMENTS_URL is set, but no secret signs the links", "set MAILROOM_TOKEN_SECRETS")
    if settings.documents_url and not settings.operator_address:
        raise Wrong(
            "MAILROOM_DOCUMENTS_URL is set, but MAILROOM_OPERATOR_ADDRESS is empty: nothing serves the links",
            "set MAILROOM_OPERATOR_ADDRESS, or unset MAILROOM_DOCUMENTS_URL",
        )


def _spool_of_one_machine(settings: Settings) -> None:
    if settings.store.startswith("dynamodb:") and not settings.spool:
        raise Wrong(
            f"MAILROOM_STORE={settings.store} is shared by machines, but the default spool is a folder on this one: "
            "other machines could not read its bytes",
            "MAILROOM_SPOOL=s3://bucket/prefix/, or folder:///… if all processes share that folder",
        )


def _store_file(settings: Settings) -> None:
    scheme, _, rest = settings.store.partition("://")
    if scheme != "sqlite":
        return
    path = Path(rest.removeprefix("/") or "mailroom.db").absolute()
    try:
        there = path.exists()
    except OSError as error:  # the name is too long, or the folder is not accessible
        raise Wrong(f"MAILROOM_STORE={settings.store}: {error.strerror}", "use a valid path") from None
    if there and not path.is_dir() and not path.is_file():
        raise Wrong(f"MAILROOM_STORE={settings.store}: {path} is not a regular file", "use an existing or a new file")
    if path.is_dir():
        raise Wrong(f"MAILROOM_STORE={settings.store}: {path} is a folder", "name a file in it")
    if not path.parent.is_dir():
        raise Wrong(f"MAILROOM_STORE={settings.store}: there is no folder {path.parent}", f"mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK) or (there and not os.access(path, os.W_OK)):
        raise Wrong(
            f"MAILROOM_STORE={settings.store}: {path} cannot be written by this user",
            f"chown or chmod {path.parent} and what is in it; SQLite creates files beside the database",
        )


def _spool_folder(settings: Settings) -> None:
    scheme, _, rest = settings.spool.partition("://")
    if scheme != "folder":
        return
    path = Path(rest).absolute()
    there = next(item for item in (path, *path.parents) if item.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Wrong(
            f"MAILROOM_SPOOL={settings.spool}: {there} is not a folder that this user can write to",
            "use a folder, or fix its permissions",
        )


def _region(environ: Mapping[str, str], settings: Settings) -> None:
    """Checked here because without a region AWS's clients fail with an error of their own."""
    on_aws = {
        "MAILROOM_STORE": settings.store.startswith("dynamodb:"),
        "MAILROOM_QUEUE": settings.queue.startswith("sqs:"),
        "MAILROOM_SPOOL": settings.spool.startswith("s3:"),
        "MAILROOM_INBOX": bool(settings.inbox),
    }
    asked = [name for name, there in on_aws.items() if there]
    if not asked:
        return
    from receiver.aws.environment import region_of

    try:
        region_of(environ)
    except Misconfigured as error:
        raise Wrong(f"{asked[0]} is on AWS, and {error}", error.fix) from None
