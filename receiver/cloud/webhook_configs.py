"""The webhook configurations that LlamaCloud keeps for a project (reference 1.5).

LlamaCloud uses a saved configuration only for jobs that name its id. Mailroom's own jobs have their configuration in
the request; saved ones are for jobs that are created elsewhere.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from receiver.cloud import order, wire
from receiver.cloud.ask import ask_one, ask_pages
from receiver.cloud.refusal import About
from receiver.cloud.transport import Call, Transport
from receiver.core.errors import Malformed, NotServed
from receiver.core.ids import may_be_id
from receiver.core.job import WebhookConfiguration

SAVED = "/api/v1/beta/webhook-configs"
SAVED_PAGED = "/api/v2/webhook-configs"
"""The path since SDK 2.17. Older installations only have the other one, whose list has no pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWebhook:
    """A saved configuration. ``events`` None means all events."""

    id: str
    url: str
    events: tuple[str, ...] | None
    headers: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """In clear text, which anybody with a key of the project can read; or masked (core/masked_value.py)."""
    output_format: str = "string"
    has_secret: bool = False
    created_at: float | None = None
    updated_at: float | None = None


class WebhookConfigs:
    """Lists, creates, changes and deletes saved configurations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self) -> tuple[SavedWebhook, ...]:
        """All of them."""
        paged = Call(method="GET", path=SAVED_PAGED, about=About.ACCOUNT)
        try:
            return tuple(
                [_record(item) async for item in ask_pages(self._transport, wire.Listed[wire.WebhookPayload], paged)]
            )
        except NotServed:
            bare = Call(method="GET", path=SAVED, about=About.ACCOUNT)
            return tuple(
                _record(item) for item in (await ask_one(self._transport, wire.Bare[wire.WebhookPayload], bare)).root
            )

    async def create(self, registration: WebhookConfiguration) -> SavedWebhook:
        """The new configuration. The request is not repeated, because that could save it twice."""
        return await self._write("POST", SAVED, registration)

    async def update(self, config_id: str, registration: WebhookConfiguration) -> SavedWebhook:
        """The changed configuration. Fields that the registration leaves empty stay, such as the secret."""
        return await self._write("PUT", _path(config_id), registration)

    async def delete(self, config_id: str) -> None:
        """Deletes the configuration, if it exists."""
        with suppress(NotServed):
            await self._transport.send(Call(method="DELETE", path=_path(config_id), about=About.ACCOUNT))

    async def _write(self, method: str, path: str, registration: WebhookConfiguration) -> SavedWebhook:
        call = Call(
            method=method,
            path=path,
            about=About.ACCOUNT,
            json=order.webhook_body(registration),
            repeatable=method == "PUT",
            hide=order.secrets(registration),
        )
        return _record(await ask_one(self._transport, wire.WebhookPayload, call))


def _path(config_id: str) -> str:
    """The path of a configuration. Raises Malformed if this cannot be an id."""
    if not may_be_id(config_id):
        raise Malformed(f"{config_id!r} is not a valid webhook configuration id")
    return f"{SAVED}/{config_id}"


def _record(saved: wire.WebhookPayload) -> SavedWebhook:
    return SavedWebhook(
        id=saved.id,
        url=saved.webhook_url,
        events=saved.webhook_events,
        headers=saved.webhook_headers or {},
        output_format=saved.webhook_output_format or "string",
        has_secret=saved.has_secret,
        created_at=wire.unix_seconds(saved.created_at),
        updated_at=wire.unix_seconds(saved.updated_at),
    )
