"""Saved product configurations: the presets that `configuration_id` of a job names."""

import uuid
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, iso
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import ConfigurationList
from llamacloud_sandbox.records import Preset
from llamacloud_sandbox.refused import Refused
from llamacloud_sandbox.shapes import (
    ClassifyConfiguration,
    ConfigurationCreate,
    ConfigurationUpdate,
    Parameters,
    SplitConfiguration,
)

routes = Routes()
CONFIGURATIONS = "/api/v1/beta/configurations"
_CHECKED: dict[str, type[BaseModel]] = {"classify_v2": ClassifyConfiguration, "split_v1": SplitConfiguration}


def example() -> dict[str, Any]:
    """A saved configuration as the API shows it."""
    rule = {"type": "invoice", "description": "an invoice with an amount due"}
    return {
        "id": "cfg-00000000-0000-0000-0000-000000000000",
        "name": "letters",
        "parameters": {"product_type": "classify_v2", "rules": [rule]},
        "product_type": "classify_v2",
        "version": "2026-01-01T00:00:00Z",
    }


def example_page() -> dict[str, Any]:
    """A page with one configuration."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


@routes.on("POST", CONFIGURATIONS, status=201, example=example, body=ConfigurationCreate)
async def create(call: Call) -> Response:
    """Save a configuration, or renew the one of the same name and product type."""
    asked = await call.body(ConfigurationCreate)
    _check(asked.parameters)
    now = call.parts.clock()
    known = _named(call, asked.name, asked.parameters.product_type)
    preset = Preset(
        id=known.id if known else f"cfg-{uuid.uuid4()}",
        project_id=call.project_id,
        name=asked.name,
        product_type=asked.parameters.product_type,
        parameters=asked.parameters.model_dump(mode="json", exclude_unset=True),
        version=str(iso(now)),
        created_at=known.created_at if known else now,
        updated_at=now,
    )
    return Json(shown(call.parts.state.presets.put(preset)), 201)


@routes.on("GET", CONFIGURATIONS, example=example_page, query=ConfigurationList)
async def list_all(call: Call) -> Response:
    """One page of configurations, newest first; of each there is one version, so `latest_only` changes nothing."""
    asked = call.query(ConfigurationList)

    def wanted(preset: Preset) -> bool:
        return (
            preset.project_id == call.project_id
            and asked.name in {None, preset.name}
            and (asked.product_type is None or preset.product_type in asked.product_type)
        )

    newest = call.parts.state.presets.newest(key_of(asked.page_token, int))
    return Json(page(newest, size=asked.page_size, token=asked.page_token, render=shown, where=wanted))


@routes.on("GET", CONFIGURATIONS + "/{config_id}", example=example)
async def retrieve(call: Call) -> Response:
    """One configuration."""
    return Json(shown(_found(call)))


@routes.on("PUT", CONFIGURATIONS + "/{config_id}", example=example, body=ConfigurationUpdate)
async def update(call: Call) -> Response:
    """Change name or parameters; what is left out stays."""
    preset = _found(call)
    asked = await call.body(ConfigurationUpdate)
    now = call.parts.clock()
    changed = replace(preset, name=asked.name or preset.name, version=str(iso(now)), updated_at=now)
    if asked.parameters is not None:
        _check(asked.parameters)
        changed = replace(
            changed,
            product_type=asked.parameters.product_type,
            parameters=asked.parameters.model_dump(mode="json", exclude_unset=True),
        )
    return Json(shown(call.parts.state.presets.put(changed)))


@routes.on("DELETE", CONFIGURATIONS + "/{config_id}", status=204)
async def delete(call: Call) -> Response:
    """Delete a configuration; jobs that used it keep their copy."""
    call.parts.state.presets.remove(_found(call).id)
    return Response(status_code=204)


def shown(preset: Preset) -> dict[str, Any]:
    """A configuration as the API shows it."""
    return {
        "id": preset.id,
        "name": preset.name,
        "parameters": preset.parameters,
        "product_type": preset.product_type,
        "version": preset.version,
        "created_at": iso(preset.created_at),
        "updated_at": iso(preset.updated_at),
    }


def _check(parameters: Parameters) -> None:
    """Raises Refused (422) where the parameters of classify and split, the two products served here, are wrong."""
    model = _CHECKED.get(parameters.product_type)
    try:
        if model is not None:
            model.model_validate(parameters.model_dump())
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        where = ["body", "parameters", parameters.product_type]
        detail = [{"loc": [*where, *each["loc"]], "msg": each["msg"], "type": each["type"]} for each in found]
        raise Refused(422, detail) from error


def _named(call: Call, name: str, product_type: str) -> Preset | None:
    for preset in call.parts.state.presets.oldest():
        if (preset.project_id, preset.name, preset.product_type) == (call.project_id, name, product_type):
            return preset
    return None


def _found(call: Call) -> Preset:
    preset = call.parts.state.presets.get(call.path("config_id"))
    if preset is None or preset.project_id != call.project_id:
        raise Refused(404, f"Configuration {call.path('config_id')} not found")
    return preset
