"""The OpenAPI document as pages: every operation with its parameters, answers and addresses to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Response, render_template

from mapservice.layers.features import read_page
from mapservice.layers.query import FeatureQuery
from mapservice.web import context
from mapservice.web.api import api, openapi
from mapservice.web.api.openapi_examples import ALWAYS, NEEDS
from mapservice.web.problems import Problem

Document = dict[str, Any]

SERVICE = "service"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in words; `address` is a request that has it, where one can be made."""

    name: str
    place: str
    type: str
    description: str
    required: bool
    example: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation may answer with one status."""

    status: str
    description: str
    media_types: list[str]
    schemas: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    answers: list[Answer]
    bodies: list[str]
    token: bool
    address: str | None


@dataclass(slots=True)
class Group:
    """The operations of the service as a whole, or of one layer."""

    id: str
    title: str
    operations: list[Operation] = field(default_factory=list)


@api.get("/docs")
def docs() -> Response:
    """What there is, by layer, and the operations of the service as a whole."""
    return _page(SERVICE)


@api.get("/docs/<layer_id>")
def docs_of(layer_id: str) -> Response:
    """The operations of one layer."""
    if context.catalogue().get(layer_id) is None:
        raise Problem(404, f"There is no layer {layer_id[:80]!r}.")
    return _page(layer_id)


def _page(wanted: str) -> Response:
    document = openapi.document(context.site(), context.catalogue(), context.borough())
    group = _group(document, wanted)
    names = sorted({name for one in group.operations for each in one.answers for name in each.schemas})
    page = render_template(
        "api/docs.html",
        info=document["info"],
        group=group,
        layers=list(context.catalogue()),
        service=SERVICE,
        schemas={name: document["components"]["schemas"][name] for name in names},
    )
    return Response(page, content_type="text/html; charset=utf-8")


def _group(document: Document, wanted: str) -> Group:
    layer = context.catalogue().get(wanted)
    group = Group(wanted, layer.title if layer else "The service")
    known = {"featureId": _first_id(wanted)} if layer else {}
    for path, operations in document["paths"].items():
        parts = path.split("/")
        own = parts[2] if parts[1] == "collections" and len(parts) > 2 else SERVICE
        if own == wanted:
            group.operations += (
                _operation(document, path, method, operations[method], known)
                for method in METHODS
                if method in operations
            )
    return group


def _first_id(layer_id: str) -> str | None:
    layer = context.catalogue().get(layer_id)
    if layer is None:
        return None
    with context.database().reading() as cursor:
        query = FeatureQuery(limit=1, fields=(), geometry=False)
        page = read_page(cursor, layer, query, context.site(), context.viewer(), count=False)
    return str(orjson.loads(page.features)["id"]) if page.returned else None


def _operation(document: Document, path: str, method: str, raw: Document, known: Document) -> Operation:
    parameters = [_resolve(document, each) for each in raw.get("parameters", ())]
    home = document["servers"][0]["url"] if method == "get" else None
    base = _filled(home, path, parameters, known) if home else None
    examples = {each["name"]: each["example"] for each in parameters if "example" in each}
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw["summary"],
        description=raw.get("description", ""),
        parameters=[_parameter(each, base, examples) for each in parameters],
        answers=[_answer(status, _resolve(document, each)) for status, each in raw["responses"].items()],
        bodies=[*raw.get("requestBody", {}).get("content", {})],
        token="security" in raw,
        address=_address(base, examples) if base else None,
    )


def _address(base: str, examples: Document, *names: str) -> str:
    """An address with the examples of some parameters, and of those that an operation cannot do without."""
    wanted = [name for name in (*names, *ALWAYS) if name in examples]
    query = urlencode({name: _written(examples[name]) for name in wanted}, safe="/:,")
    return f"{base}?{query}" if query else base


def _filled(home: str, path: str, parameters: list[Document], known: Document) -> str | None:
    """The address of a path with its parameters filled in; None where one that it needs has no example."""
    if any(each.get("required") and each["in"] == "query" for each in parameters):
        return None
    for parameter in parameters:
        if parameter["in"] == "path":
            value = known.get(parameter["name"]) or parameter.get("example")
            if value is None:
                return None
            path = path.replace("{" + parameter["name"] + "}", quote(str(value), safe=""))
    return home + ("" if path == "/" else path)


def _parameter(raw: Document, base: str | None, examples: Document) -> Parameter:
    name = raw["name"]
    address = None
    if base and raw["in"] == "query" and name in examples:
        address = _address(base, examples, name, *NEEDS.get(name, ()))
    return Parameter(
        name=name,
        place=raw["in"],
        type=describe(raw["schema"]),
        description=raw.get("description", ""),
        required=raw.get("required", False),
        example=_written(raw["example"]) if "example" in raw else "",
        address=address,
    )


def _answer(status: str, raw: Document) -> Answer:
    content = raw.get("content", {})
    references = (each.get("schema", {}).get("$ref", "") for each in content.values())
    schemas = dict.fromkeys(each.rpartition("/")[2] for each in references if each)
    return Answer(status, raw["description"], [*content], [*schemas])


def _resolve(document: Document, raw: Document) -> Document:
    """The parameter or response that a reference within the document stands for."""
    if "$ref" not in raw:
        return raw
    found = document
    for part in raw["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _written(value: Any) -> str:
    """A value as it stands in an address."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def describe(schema: Document) -> str:
    """A schema in a few words, such as "integer, 1 to 100, else 10"."""
    return ", ".join(_words(schema))


def _words(schema: Document) -> Iterator[str]:
    if schema.get("type") == "array":
        yield f"list: {describe(schema['items'])}"
        return
    values = [str(value) for value in schema.get("enum", ()) if value is not None]
    if values:
        yield f"one of {', '.join(values)}"
    else:
        yield schema.get("format") or schema.get("type") or "anything"
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f"{least} to {most}"
    elif least is not None:
        yield f"{least} or more"
    if "pattern" in schema:
        yield f"as {schema['pattern']}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"
    if "default" in schema:
        yield f"else {schema['default']}"
