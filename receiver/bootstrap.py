"""Makes the application's parts from the settings. The scheme of a URL selects the adapter to import."""

import hmac
import os
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING

from receiver.core.errors import Misconfigured
from receiver.core.links import ContentLinks
from receiver.core.retention import Retention
from receiver.core.timers import visibility
from receiver.metrics import SummingMeter
from receiver.pipeline.receive import ReceiverDependencies
from receiver.ports import Clock, Spool, Store, TaskQueue
from receiver.secret_rules import refuse_other_proofs, secret_list
from receiver.settings import Secret, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from receiver.cloud.client import LlamaCloud
    from receiver.config import Config
    from receiver.core.operators import Operators
    from receiver.core.route import RouteTable
    from receiver.pipeline.context import Context, WebhookTerms
    from receiver.ports import AlertChannel

USUAL = Retention()
_PAGE = b"mailroom operator's page"
"""What the keys of the page are derived for: whoever has a link or a token of another kind has no session."""


@dataclass(slots=True)
class OperatorAccess:
    """What opens the operator's side; it is exchanged when secrets rotate."""

    token: Secret
    """MAILROOM_ADMIN_TOKEN."""
    operators: "Operators"
    keys: tuple[bytes, ...]
    """Sign the page's sessions and its links: the first one signs, all are accepted."""

    @classmethod
    def of(cls, settings: Settings) -> "OperatorAccess":
        """What these settings say. Without a secret of ours, a random key: sessions then end with the process."""
        ours = secret_list("MAILROOM_TOKEN_SECRETS", settings.token_secrets.reveal())
        token = settings.operator_token()
        secrets = ours or (token.reveal().encode() or token_bytes(32),)
        keys = tuple(hmac.digest(secret, _PAGE, "sha256") for secret in secrets)
        return cls(token, settings.known_operators(), keys)

    @property
    def closed(self) -> bool:
        """Whether nobody can sign in with a token."""
        return not self.token and not self.operators.entries


@dataclass(frozen=True, kw_only=True)
class App:
    """The application with all its parts, as ``build(settings)`` of the composition root returns it."""

    settings: Settings
    context: "Context"
    receiver: ReceiverDependencies | None
    """None if no event is to be received (a command that only reads)."""
    feeds: "tuple[Callable[[App], Coroutine[None, None, None]], ...]" = ()
    """Pollers of sources that send nothing by themselves. Each runs beside the worker until it is cancelled."""
    read_table: "Callable[[], tuple[Config, Mapping[str, AlertChannel]]] | None" = None
    """Reads mailroom.yaml again, with its alert channels. Raises Misconfigured for one that a start would refuse.
    None if the table does not come from a file."""
    read_shadow: "Callable[[], RouteTable] | None" = None
    """The same for the shadow table. None without one."""
    access: OperatorAccess = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", OperatorAccess.of(self.settings))

    @asynccontextmanager
    async def opened(self) -> "AsyncIterator[App]":
        """The application during the block; what it opened is closed afterwards."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.context.store.close)
            stack.push_async_callback(self.context.queue.close)
            stack.push_async_callback(self.context.cloud.close)
            stack.callback(self.context.copies.close)
            yield self


def open_store(settings: Settings, *, clock: Clock = time.time) -> Store:
    """The store that MAILROOM_STORE names. It connects at its first use."""
    scheme, rest = _scheme(settings.store, "MAILROOM_STORE", "sqlite:///mailroom.db, memory:// or dynamodb://table")
    if scheme == "memory":
        from receiver.store.memory import MemoryStore

        return MemoryStore(clock=clock)
    if scheme == "sqlite":
        from receiver.store.sqlite.store import SqliteStore

        return SqliteStore(sqlite_file(settings), clock=clock)
    if scheme == "dynamodb":
        from receiver.store.dynamodb.store import DynamoStore

        return DynamoStore(rest, clock=clock, client=_light_client("dynamodb"))
    raise Misconfigured(
        f"MAILROOM_STORE={settings.store}: this store is not known; use sqlite:///mailroom.db, dynamodb://table or "
        "memory://"
    )


def existing_store(settings: Settings) -> Store:
    """The store for a command that only reads. Raises Misconfigured if there is none: totals of zero would mislead."""
    refuse_missing_store(settings)
    return open_store(settings)


def refuse_missing_store(settings: Settings) -> None:
    """Raises Misconfigured if there is no store: the user is probably in the wrong folder."""
    if settings.store.startswith("sqlite:"):
        from receiver.store.sqlite.integrity import is_lost

        path = sqlite_file(settings)
        if is_lost(path):
            raise Misconfigured(
                f"there is no {path.absolute()}, or it is empty (MAILROOM_STORE={settings.store})",
                fix="change to the folder that `mailroom serve` runs in, or set MAILROOM_STORE to its store",
            )


async def refuse_anothers(store: Store, settings: Settings) -> None:
    """Raises Misconfigured if the spool belongs to another store, because that store was lost, and our totals would
    mislead.

    A store that lost its write-ahead log, and so has only its first commits, is refused, too. This writes nothing.
    """
    from receiver.core.flag import Flag
    from receiver.pipeline.installation import FLAG
    from receiver.store.spool import FolderSpool

    if not settings.store.startswith("sqlite:") or settings.spool.startswith("s3:"):
        return
    if not (owner := FolderSpool(spool_folder(settings)).owner()):
        return
    known = await store.get(Flag, FLAG)
    if known is None or known.value != owner:
        raise anothers(settings)


def anothers(settings: Settings) -> Misconfigured:
    """The error for a spool that holds, or held, the documents of another store."""
    return Misconfigured(
        f"the spool belongs to another store than MAILROOM_STORE={settings.store}",
        fix="name the store that it belongs to, or another spool in MAILROOM_SPOOL; if that store is lost, "
        "restore its last backup: mailroom restore FOLDER; to start with an empty store, move the spool aside",
    )


def open_queue(settings: Settings) -> TaskQueue:
    """The task queue that MAILROOM_QUEUE names."""
    scheme, rest = _scheme(settings.queue, "MAILROOM_QUEUE", "local:// or sqs://name")
    if scheme == "local":
        from receiver.queue.local import LocalQueue

        return LocalQueue()
    if scheme == "sqs":
        from receiver.queue.sqs import SqsQueue

        return SqsQueue(rest, visibility_seconds=visibility(settings.lease_seconds), client=_light_client("sqs"))
    raise Misconfigured(f"MAILROOM_QUEUE={settings.queue}: this queue is not known; use local:// or sqs://name")


def _light_client(service: str) -> Callable[[], object] | None:
    """The client without botocore, for Lambda: it starts faster, and Lambda has credentials in the environment."""
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return None
    from receiver.aws.client import JsonClient

    return partial(JsonClient, service)


def open_spool(settings: Settings) -> Spool:
    """The spool that MAILROOM_SPOOL names, or the folder ``spool`` beside the SQLite file.

    Raises Misconfigured if it has content but the SQLite file is missing or empty: that store was lost.
    """
    from receiver.store.spool import FolderSpool

    spool = FolderSpool(spool_folder(settings))
    if settings.store.startswith("sqlite:"):
        from receiver.store.sqlite.integrity import refuse_lost

        refuse_lost(sqlite_file(settings), spool)
    return spool


def spool_folder(settings: Settings) -> Path:
    """The folder of the spool. Raises Misconfigured if the spool is not on this machine."""
    if settings.spool:
        scheme, rest = _scheme(settings.spool, "MAILROOM_SPOOL", "folder:///path")
        if scheme != "folder":
            raise Misconfigured(f"MAILROOM_SPOOL={settings.spool}: this spool is not known; use folder:///path")
        return Path(rest)
    beside = sqlite_file(settings).parent if settings.store.startswith("sqlite:") else Path()
    return beside / "spool"


def own_places(settings: Settings) -> dict[str, str]:
    """Variable -> the URL that it names for Mailroom's own use, where no document may be delivered."""
    spool = settings.spool or f"folder://{spool_folder(settings).absolute()}"
    address = settings.webhook_url if settings.public_url else ""
    named = {
        "MAILROOM_SPOOL": spool,
        "MAILROOM_QUEUE": settings.queue,
        "MAILROOM_INBOX": settings.inbox,
        "MAILROOM_PUBLIC_URL": address,
    }
    return {variable: url for variable, url in named.items() if url}


def open_cloud(settings: Settings, store: Store | None = None) -> "LlamaCloud":
    """LlamaCloud. Its limits are shared with all processes on this ``store``. Raises Misconfigured without a key."""
    from receiver.cloud.client import LlamaCloud
    from receiver.cloud.pacing import JOB_RATE, REQUEST_RATE, UPLOAD_RATE
    from receiver.cloud.project import ProjectScope
    from receiver.cloud.shared_budget import SharedBudget

    if not settings.llama_cloud_api_key:
        raise Misconfigured("LLAMA_CLOUD_API_KEY is not set; only `mailroom demo` works without it")
    scope = ProjectScope(
        project_id=settings.llama_cloud_project_id, organization_id=settings.llama_cloud_organization_id
    )
    project = settings.llama_cloud_project_id or "of the key"
    return LlamaCloud(
        settings.llama_cloud_base_url,
        settings.llama_cloud_api_key.reveal(),
        scope,
        job_rate=JOB_RATE._replace(limit=settings.job_limit),
        upload_rate=UPLOAD_RATE._replace(limit=settings.upload_limit),
        request_rate=REQUEST_RATE._replace(limit=settings.request_limit),
        budget=SharedBudget(store, project, token_hex(8)) if store is not None else None,
    )


def open_receiver(
    settings: Settings,
    store: Store,
    queue: TaskQueue,
    meter: SummingMeter,
    *,
    clock: Clock = time.time,
    retention: Retention = USUAL,
) -> ReceiverDependencies:
    """What the receiver needs. Raises Misconfigured without a secret, unless the settings allow unverified events."""
    return ReceiverDependencies(
        store=store,
        queue=queue,
        secrets=settings.webhook_secrets(),
        clock=clock,
        meter=meter,
        late_after=settings.late_after or None,
        keep_seconds=retention.events_seconds,
    )


def webhook_terms(settings: Settings) -> "WebhookTerms":
    """The terms of webhooks at LlamaCloud, with the first secret of each kind."""
    from receiver.pipeline.context import WebhookTerms

    if not settings.public_url:
        raise Misconfigured(
            "MAILROOM_PUBLIC_URL is not set: LlamaCloud needs the receiver's URL, like https://mail.example.com",
            fix="set it; where LlamaCloud cannot reach this machine, set it to none, and run `mailroom listen`",
        )
    lock = settings.webhook_secrets()
    return WebhookTerms(
        url=settings.webhook_url,
        headers={name: values[0] for name, values in settings.headers().items()},
        token_secret=lock.token_secrets[0] if lock.token_secrets else b"",
        signing_secret=lock.signing_secrets[0].decode() if lock.signing_secrets else "",
    )


def open_links(settings: Settings) -> ContentLinks | None:
    """The maker of links to documents; None without MAILROOM_DOCUMENTS_URL, which says who serves them."""
    if not settings.documents_url:
        return None
    return ContentLinks(
        base=settings.documents_url, days=settings.link_days, secrets=tuple(settings.webhook_secrets().token_secrets)
    )  # fmt: skip


def renew(app: App, settings: Settings) -> None:
    """Uses the secrets of these settings from now on. Raises Misconfigured, and then changes nothing."""
    lock, fresh, access = settings.webhook_secrets(), webhook_terms(settings), OperatorAccess.of(settings)
    refuse_other_proofs(app.settings.webhook_secrets(), lock)
    if app.access.token and not access.token:
        raise Misconfigured("MAILROOM_ADMIN_TOKEN is missing", fix="restore it, or restart without it")
    app.context.cloud.renew(settings.llama_cloud_api_key.reveal())
    app.context.webhook_terms.take(fresh)
    app.access.token, app.access.operators, app.access.keys = access.token, access.operators, access.keys
    if app.context.links is not None:
        app.context.links.take(tuple(lock.token_secrets))
    if app.receiver is not None:
        app.receiver.secrets = lock


def spread() -> float:
    """A random number in 0..1, for jitter."""
    return random.random()  # noqa: S311  jitter needs no secrecy


def sqlite_file(settings: Settings) -> Path:
    """The file of a SQLite store. As in other SQLite URLs, ``sqlite:///mailroom.db`` is relative and
    ``sqlite:////var/mailroom.db`` is absolute."""
    return Path(settings.store.partition("://")[2].removeprefix("/") or "mailroom.db")


def _scheme(url: str, variable: str, examples: str) -> tuple[str, str]:
    scheme, found, rest = url.partition("://")
    if not found:
        raise Misconfigured(f"{variable}={url} is not a URL; use {examples}")
    return scheme, rest
