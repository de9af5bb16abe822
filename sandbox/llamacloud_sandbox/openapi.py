"""The OpenAPI description of the sandbox, made from the table of routes: what `/openapi.json` answers."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from llamacloud_sandbox.api import Endpoint

_REFERENCE = "#/components/schemas/{model}"
_ID = "$response.body#/id"
_ERROR = {
    "description": "Refused",
    "content": {
        "application/json": {"schema": {"type": "object", "required": ["detail"], "properties": {"detail": {}}}}
    },
}


def description(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document of these endpoints."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    served = list(endpoints)
    for endpoint in served:
        operation = _operation(endpoint, schemas)
        operation["responses"][str(endpoint.status)]["links"] = _links(endpoint, served)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LlamaCloud sandbox",
            "version": version,
            "description": "A stand-in for LlamaCloud's files, classify, split and webhook configurations.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
    }


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    summary = (endpoint.handler.__doc__ or "").partition("\n")[0]
    operation: dict[str, Any] = {
        "operationId": _name(endpoint),
        "summary": summary,
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query, schemas)],
        "responses": {str(endpoint.status): _answer(endpoint), "4XX": _ERROR},
    }
    if endpoint.body is not None:
        schema = _schema(endpoint.body, schemas)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif endpoint.multipart:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _form(endpoint)}}}
    return operation


def _name(endpoint: Endpoint) -> str:
    return re.sub(r"\W+", "_", f"{endpoint.method} {endpoint.path}").strip("_").lower()


def _links(endpoint: Endpoint, served: Iterable[Endpoint]) -> dict[str, Any]:
    """What the id of something just created is good for: its own routes, and for a file the jobs on it."""
    example = endpoint.example()
    if endpoint.method != "POST" or not isinstance(example, dict) or "id" not in example:
        return {}
    links: dict[str, Any] = {}
    for other in served:
        own = re.match(re.escape(endpoint.path) + r"/{(\w+)}", other.path)
        if own:
            links[_name(other)] = {"operationId": _name(other), "parameters": {f"path.{own[1]}": _ID}}
        elif endpoint.multipart and other.body is not None and "file_input" in other.body.model_fields:
            links[_name(other)] = {"operationId": _name(other), "requestBody": {"file_input": _ID}}
    return links


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.status == 204:
        return {"description": "Done"}
    return {"description": "Done", "content": {"application/json": {"schema": {}, "example": endpoint.example()}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", path)
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query_parameters(query: type[BaseModel], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    whole = query.model_json_schema(ref_template=_REFERENCE)
    schemas.update(whole.pop("$defs", {}))
    required = whole.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in whole.get("properties", {}).items()
    ]


def _schema(body: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    whole = body.model_json_schema(ref_template=_REFERENCE)
    schemas.update(whole.pop("$defs", {}))
    schemas[body.__name__] = whole
    return {"$ref": _REFERENCE.format(model=body.__name__)}


def _form(endpoint: Endpoint) -> dict[str, Any]:
    file, *texts = endpoint.multipart
    properties: dict[str, Any] = {name: {"type": "string"} for name in texts}
    properties[file] = {"type": "string", "format": "binary"}
    required = [file, "purpose"] if "purpose" in texts else [file]
    return {"type": "object", "required": required, "properties": properties}
