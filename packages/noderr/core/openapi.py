"""The OpenAPI 3.1 document of an HTTP API, from the types that it answers with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from noderr.core.errors import OperationError

_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH")
# Starlette's way to name what varies in a path: `{name}` or `{name:convertor}`.
_PARAMETER = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-z]+))?\}")
_PARAMETER_TYPES: Mapping[str | None, dict[str, str]] = {
    None: {"type": "string"},
    "str": {"type": "string"},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}
JSON = "application/json"


class Refusal(msgspec.Struct, frozen=True):
    """What is said instead when a request is refused or fails."""

    error: str


@dataclass(frozen=True)
class Operation:
    """One method of one path, as a Starlette `Route` takes it.

    `response` is the type of the body, the same for each of `statuses` (code to meaning); `request` that of the body
    which the caller sends. Every other status has a `Refusal`. A `media_type` that is no JSON makes the body text.
    """

    path: str
    method: str
    summary: str
    response: Any
    request: Any = None
    statuses: Mapping[int, str] = field(default_factory=lambda: {200: "Done"})
    media_type: str = JSON


def openapi_document(title: str, version: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """The document as JSON values; the same for the same operations in any order.

    Raises `OperationError` for an operation that is declared twice, has no status, or has a method or path that is
    none.
    """
    ordered = sorted(operations, key=lambda one: (one.path, one.method))
    types = [type_ for one in ordered for type_ in (one.response, one.request) if type_ is not None]
    # Asked for together, so that two types of one name are told apart.
    schemas, components = msgspec.json.schema_components([Refusal, *types], ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(repr, [Refusal, *types]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in ordered:
        methods = paths.setdefault(_checked_path(one), {})
        if one.method.lower() in methods:
            raise OperationError(f"{one.method} {one.path} is declared twice: declare it once")
        methods[one.method.lower()] = _operation(one, schema_of)
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items()))},
    }
    # Defaults of tuples are tuples still; JSON has lists.
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return plain


def _checked_path(one: Operation) -> str:
    if one.method not in _METHODS:
        raise OperationError(f"method {one.method!r} of {one.path}: choose one of {', '.join(_METHODS)}")
    if not one.statuses:
        raise OperationError(f"{one.method} {one.path} has no status: name at least one that it answers with")
    path = _PARAMETER.sub(r"{\1}", one.path)
    if not path.startswith("/") or set("{}:") & set(_PARAMETER.sub("", one.path)):
        raise OperationError(f"path {one.path!r}: write /fixed/parts and {{name}} or {{name:convertor}}")
    return path


def _operation(one: Operation, schema_of: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    body = schema_of[repr(one.response)] if one.media_type == JSON else {"type": "string"}
    documented: dict[str, Any] = {
        "operationId": "_".join([one.method.lower(), *re.findall(r"[A-Za-z0-9]+", _PARAMETER.sub(r"\1", one.path))]),
        "summary": one.summary,
        "responses": {
            **{str(code): _content(meaning, body, one.media_type) for code, meaning in sorted(one.statuses.items())},
            "default": _content("Refused, or failed", schema_of[repr(Refusal)], JSON),
        },
    }
    if parameters := [_parameter(one, *found) for found in _PARAMETER.findall(one.path)]:
        documented["parameters"] = parameters
    if one.request is not None:
        documented["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_of[repr(one.request)]}},
        }
    return documented


def _content(description: str, schema: Mapping[str, Any], media_type: str) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _parameter(one: Operation, name: str, convertor: str) -> dict[str, Any]:
    if (convertor or None) not in _PARAMETER_TYPES:
        raise OperationError(f"path {one.path!r}: there is no convertor {convertor!r}")
    return {"name": name, "in": "path", "required": True, "schema": _PARAMETER_TYPES[convertor or None]}
