"""Saved webhook configurations. The signing secret never comes back; the headers do, in clear or (an option) masked."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, iso
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import WebhookList
from llamacloud_sandbox.records import SavedHook
from llamacloud_sandbox.refused import Refused, invalid
from llamacloud_sandbox.shapes import WebhookConfiguration, WebhookCreate

routes = Routes()
CONFIGS = "/api/v1/beta/webhook-configs"
_FIELDS = {  # of the API, and what they are called in a hook
    "webhook_url": "url",
    "webhook_events": "events",
    "webhook_headers": "headers",
    "webhook_output_format": "output_format",
    "webhook_signing_secret": "secret",
}


def example() -> dict[str, Any]:
    """A saved configuration as the API shows it."""
    return {
        "id": "whc-00000000-0000-0000-0000-000000000000",
        "has_secret": False,
        "tenant_id": "project",
        "tenant_type": "project",
        "webhook_url": "https://example.com/webhook",
    }


def example_page() -> dict[str, Any]:
    """A page with one configuration."""
    return {"items": [example()], "next_page_token": None, "total_size": None}


@routes.on("POST", CONFIGS, status=201, example=example, body=WebhookCreate)
async def create(call: Call) -> Response:
    """Save a configuration; jobs name it in `webhook_configuration_ids`."""
    asked = await call.body(WebhookCreate)
    now = call.parts.clock()
    saved = SavedHook(
        id=f"whc-{uuid.uuid4()}",
        project_id=call.project_id,
        hook=asked.hook(),
        output_format=asked.webhook_output_format,
        created_at=now,
        updated_at=now,
    )
    return Json(_shown_by(call, call.parts.state.hooks.put(saved)), 201)


@routes.on("GET", CONFIGS, example=lambda: [example()])
async def list_all(call: Call) -> Response:
    """Every configuration of the project as a bare array, newest first (deprecated by the vendor)."""
    saved = [each for _, each in call.parts.state.hooks.newest() if each.project_id == call.project_id]
    return Json([_shown_by(call, each) for each in saved])


@routes.on("GET", "/api/v2/webhook-configs", example=example_page, query=WebhookList)
async def list_page(call: Call) -> Response:
    """One page of configurations, newest first; `total_size` only when asked for."""
    asked = call.query(WebhookList)
    answer = page(
        call.parts.state.hooks.newest(key_of(asked.page_token, int)),
        size=asked.page_size,
        token=asked.page_token,
        render=lambda saved: _shown_by(call, saved),
        where=lambda saved: saved.project_id == call.project_id,
    )
    total = sum(each.project_id == call.project_id for each in call.parts.state.hooks.oldest())
    return Json({**answer, "total_size": total if asked.include_total else None})


@routes.on("GET", CONFIGS + "/{config_id}", example=example)
async def retrieve(call: Call) -> Response:
    """One configuration."""
    return Json(_shown_by(call, _found(call)))


@routes.on("PUT", CONFIGS + "/{config_id}", example=example, body=WebhookConfiguration)
async def update(call: Call) -> Response:
    """Change the fields that are given, and no others; a new secret replaces the old one at once."""
    saved = _found(call)
    asked = await call.body(WebhookConfiguration)
    if "webhook_url" in asked.model_fields_set and asked.webhook_url is None:
        raise invalid(["body", "webhook_url"], "Input should be a valid string", "string_type")
    given = asked.hook()
    named = {_FIELDS[field] for field in asked.model_fields_set}
    hook = replace(saved.hook, **{name: getattr(given, name) for name in named})
    output_format = asked.webhook_output_format if "output_format" in named else saved.output_format
    changed = replace(saved, hook=hook, output_format=output_format, updated_at=call.parts.clock())
    return Json(_shown_by(call, call.parts.state.hooks.put(changed)))


@routes.on("DELETE", CONFIGS + "/{config_id}", status=204)
async def delete(call: Call) -> Response:
    """Delete a configuration; jobs under way keep what they were given."""
    call.parts.state.hooks.remove(_found(call).id)
    return Response(status_code=204)


def shown(saved: SavedHook, *, masked: bool = False) -> dict[str, Any]:
    """A configuration as the API shows it."""
    hook = saved.hook
    return {
        "id": saved.id,
        "has_secret": hook.secret is not None,
        "tenant_id": saved.project_id,
        "tenant_type": "project",
        "webhook_url": hook.url,
        "webhook_events": None if hook.events is None else list(hook.events),
        "webhook_headers": (_masked(hook.headers) if masked else hook.headers) or None,
        "webhook_output_format": saved.output_format,
        "created_at": iso(saved.created_at),
        "updated_at": iso(saved.updated_at),
    }


def _shown_by(call: Call, saved: SavedHook) -> dict[str, Any]:
    return shown(saved, masked=call.parts.options.mask_headers)


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Values of which only the ends show: a guess, the vendor publishes no form."""
    return {name: f"{value[:2]}****{value[-2:]}" if len(value) > 8 else "****" for name, value in headers.items()}


def _found(call: Call) -> SavedHook:
    saved = call.parts.state.hooks.get(call.path("config_id"))
    if saved is None or saved.project_id != call.project_id:
        raise Refused(404, f"Webhook configuration {call.path('config_id')} not found")
    return saved
