"""GET /openapi.json: the description of the API, made from the models that check and render it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from pydantic import TypeAdapter

from bot import texts
from bot.api.bodies import ChatBody, SimpleBody
from bot.api.errors import FAULTS
from bot.api.shapes import (
    RenderedChunk,
    RenderedCompletion,
    RenderedError,
    RenderedHealth,
    RenderedModel,
    RenderedModels,
    RenderedProbe,
    RenderedSimple,
)
from bot.api.streaming import DONE
from bot.wording.api import ApiKey

Method = Literal["get", "post"]
Mode = Literal["validation", "serialization"]
Json = dict[str, Any]  # Any: what the OpenAPI Specification has there

JSON = "application/json"
EVENTS = "text/event-stream"
TEXT = "text/plain"
HTML = "text/html"

_REF = "#/components/schemas/{model}"
_OURS = "Rendered"
_WAYS_IN = (401, 403, 404, 408, 413, 429, 500)  # whatever is asked at /v1
_ANSWERING = (400, 415, 422, 503)  # where the model is asked, too
_HEADERS = {
    "Retry-After": "Seconds after which it is worth while to try again.",
    "X-Request-Id": "As it was sent, or a new one; the log has it beside all that was done for it.",
    "X-Safety-Case": "The number of the case, where content safety refused it and staff have it.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One way of asking; `produces`: the schema of the answer by its media type."""

    path: str
    method: Method
    name: str
    summary: ApiKey
    more: ApiKey
    produces: Mapping[str, object]
    takes: object = None
    errors: Sequence[int] = ()
    keyed: bool = True  # needs a key where keys are needed
    also: int | None = None  # another status with an answer of the same kind


NOTES: dict[str, ApiKey] = {  # by the name of a field, wherever it stands
    "url": "field_url",
    "detail": "field_detail",
    "image_url": "field_image_url",
    "arguments": "field_arguments",
    "parameters": "field_parameters",
    "schema": "field_schema",
    "model": "field_model",
    "user": "field_user",
    "knowledge_base_id": "field_knowledge_base_id",
    "top_k": "field_top_k",
    "top_logprobs": "field_top_logprobs",
    "reasoning_effort": "field_reasoning_effort",
    "reasoning_content": "field_reasoning_content",
    "finish_reason": "field_finish_reason",
    "sources": "field_sources",
    "refusal": "field_refusal",
    "cached": "field_cached",
    "notes": "field_notes",
}

OPERATIONS = (
    Operation(
        "/v1/chat/completions",
        "post",
        "createChatCompletion",
        "op_createChatCompletion",
        "op_createChatCompletion_more",
        {JSON: RenderedCompletion, EVENTS: RenderedChunk},
        takes=ChatBody,
        errors=(*_WAYS_IN, *_ANSWERING),
    ),
    Operation(
        "/v1/chat",
        "post",
        "ask",
        "op_ask",
        "op_ask_more",
        {JSON: RenderedSimple},
        takes=SimpleBody,
        errors=(*_WAYS_IN, *_ANSWERING),
    ),
    Operation(
        "/v1/models",
        "get",
        "listModels",
        "op_listModels",
        "op_listModels_more",
        {JSON: RenderedModels},
        errors=_WAYS_IN,
    ),
    Operation(
        "/v1/models/{model}",
        "get",
        "retrieveModel",
        "op_retrieveModel",
        "op_retrieveModel_more",
        {JSON: RenderedModel},
        errors=_WAYS_IN,
    ),
    Operation(
        "/health",
        "get",
        "health",
        "op_health",
        "op_health_more",
        {JSON: RenderedHealth},
        keyed=False,
        also=503,
    ),
    Operation(
        "/livez",
        "get",
        "isAlive",
        "op_isAlive",
        "op_isAlive_more",
        {JSON: RenderedProbe},
        keyed=False,
    ),
    Operation(
        "/readyz",
        "get",
        "isReady",
        "op_isReady",
        "op_isReady_more",
        {JSON: RenderedProbe},
        keyed=False,
        also=503,
    ),
    Operation(
        "/metrics",
        "get",
        "metrics",
        "op_metrics",
        "op_metrics_more",
        {TEXT: str},
        errors=(401, 404),
        keyed=False,
    ),
    Operation(
        "/openapi.json",
        "get",
        "openapi",
        "op_openapi",
        "op_openapi_more",
        {JSON: dict[str, object]},
        keyed=False,
    ),
    Operation(
        "/docs",
        "get",
        "docs",
        "op_docs",
        "op_docs_more",
        {HTML: str},
        keyed=False,
    ),
)


def render_openapi() -> Json:
    """https://spec.openapis.org/oas/v3.1.0"""
    schemas, components = _schemas()
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schemas)
    return _unprefixed(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "visionbot",
                "version": version("visionbot"),
                "description": "Questions about pictures, answered. Speaks OpenAI's API: change the"
                " base URL of any client to this server's `/v1`.",
            },
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _unprefixed(document: Json) -> Json:
    """Outside nobody else is called Message or Choice."""
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {
        name.removeprefix(_OURS): schema for name, schema in schemas.items()
    }
    text = json.dumps(document, ensure_ascii=False)
    plain: Json = json.loads(text.replace(f"schemas/{_OURS}", "schemas/"))
    return plain


def _schemas() -> tuple[dict[int, Json], Json]:
    """Each schema by the identity of its type, and all that they name."""
    wanted: list[tuple[object, Mode]] = [(RenderedError, "serialization")]
    for operation in OPERATIONS:
        wanted += [(type_, "serialization") for type_ in operation.produces.values()]
        if operation.takes is not None:
            wanted.append((operation.takes, "validation"))
    inputs: list[tuple[int, Mode, TypeAdapter[object]]] = [
        (id(type_), mode, TypeAdapter(type_)) for type_, mode in wanted
    ]
    found, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    return {key: schema for (key, _), schema in found.items()}, _described(definitions["$defs"])


def _described(components: Json) -> Json:
    for component in components.values():
        for name, schema in component.get("properties", {}).items():
            schema.pop("title", None)
            if name in NOTES:
                schema["description"] = texts.say(NOTES[name], "en")
    return components


def _operation(operation: Operation, schemas: Mapping[int, Json]) -> Json:
    fault = schemas[id(RenderedError)]
    answer = {
        "description": texts.say(operation.summary, "en"),
        "content": {
            media_type: {"schema": _sent(media_type, schemas[id(type_)], fault)}
            for media_type, type_ in operation.produces.items()
        },
    }
    described: Json = {
        "operationId": operation.name,
        "summary": texts.say(operation.summary, "en"),
        "description": texts.say(operation.more, "en"),
        "responses": {"200": answer},
    }
    if operation.also is not None:
        described["responses"][str(operation.also)] = answer
    if operation.takes is not None:
        body = {JSON: {"schema": schemas[id(operation.takes)]}}
        described["requestBody"] = {"required": True, "content": body}
    if "{model}" in operation.path:
        described["parameters"] = [
            {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
        ]
    if operation.keyed:
        described["security"] = [{"key": []}, {}]
    for status in operation.errors:
        described["responses"][str(status)] = _error(status, schemas)
    return described


def _sent(media_type: str, schema: Json, fault: Json) -> Json:
    """Of a stream, what each of its events is: a piece, a fault in the middle of it, or the end."""
    if media_type != EVENTS:
        return schema
    piece = {"contentMediaType": JSON, "contentSchema": {"anyOf": [schema, fault]}}
    data = {"type": "string", "anyOf": [{"const": DONE}, piece]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _error(status: int, schemas: Mapping[int, Json]) -> Json:
    codes = sorted({fault.code for fault in FAULTS.values() if fault.status == status})
    return {
        "description": ", ".join(codes) or "refused",
        "content": {JSON: {"schema": schemas[id(RenderedError)]}},
        "headers": {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in _HEADERS.items()
        },
    }
