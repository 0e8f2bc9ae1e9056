"""What clients may know of a layer beforehand: its schema, what it can be filtered and sorted by.

OGC API – Features Part 3 (queryables), Part 5 (schemas) and the draft of Part 8 (sortables).
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from mapservice.layers.layer import Layer, Property
from mapservice.layers.queryables import GEOMETRY, queryables
from mapservice.web import context
from mapservice.web.api import api, documents
from mapservice.web.api.answers import answer
from mapservice.web.api.features import find_layer
from mapservice.web.api.parameters import no_parameters_but
from mapservice.web.api.schemas import JSON_TYPES

Document = dict[str, Any]

_GEOMETRY_FORMATS = {
    "point": "geometry-point",
    "polygon": "geometry-polygon-or-multipolygon",
    "mixed": "geometry-any",
}


@api.get("/collections/<layer_id>/queryables")
def queryables_of(layer_id: str) -> Response:
    """What a layer's features can be filtered by."""
    layer = find_layer(layer_id)
    known = queryables(layer)
    described = {name: _described(layer, prop) for name, prop in known.items()}
    if GEOMETRY not in known:
        described[GEOMETRY] = _geometry(layer)
    return _answer(layer, "queryables", "what it can be filtered by", described)


@api.get("/collections/<layer_id>/sortables")
def sortables_of(layer_id: str) -> Response:
    """What a layer's features can be sorted by."""
    layer = find_layer(layer_id)
    described = {prop.name: _described(layer, prop) for prop in layer.sortable}
    return _answer(layer, "sortables", "what it can be sorted by", described)


@api.get("/collections/<layer_id>/schema")
def schema_of(layer_id: str) -> Response:
    """The properties that a layer's features have, and which of them can be written."""
    layer = find_layer(layer_id)
    described = {name: _described(layer, prop) for name, prop in _identity(layer).items()}
    described[GEOMETRY] = _geometry(layer)
    described |= {prop.name: _described(layer, prop) for prop in layer.properties}
    editable = layer.editable
    for sequence, (name, schema) in enumerate(described.items(), start=1):
        schema["x-ogc-propertySeq"] = sequence
        written = editable is not None and (name == GEOMETRY or name in editable.properties)
        if not written:
            schema["readOnly"] = True
    extra = {"required": list(editable.required)} if editable and editable.required else {}
    return _answer(layer, "schema", "the properties of its features", described, extra)


def _answer(
    layer: Layer, resource: str, about: str, properties: Document, extra: Document | None = None
) -> Response:
    no_parameters_but(request.args, ("f",))
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{context.site()}/api/collections/{layer.id}/{resource}",
        "type": "object",
        "title": layer.title,
        "description": f"{layer.title}: {about}.",
        "properties": properties,
        **(extra or {}),
        "additionalProperties": False,
    }
    return answer(document, "api/schema.html", documents.SCHEMA_JSON)


def _identity(layer: Layer) -> dict[str, Property]:
    found = queryables(layer).get("id")
    return {"id": found} if found and not layer.find_property("id") else {}


def _geometry(layer: Layer) -> Document:
    return {
        "title": "Geometry",
        "format": _GEOMETRY_FORMATS[layer.geometry_kind],
        "x-ogc-role": "primary-geometry",
    }


def _described(layer: Layer, prop: Property) -> Document:
    schema: Document = {"title": prop.title}
    if prop.description:
        schema["description"] = prop.description
    schema |= JSON_TYPES[prop.type]
    if prop.type == "array":
        # Lists that cannot be filtered by are lists of objects.
        members: Document = {"type": "string" if prop.filterable else "object"}
        schema["items"] = {**members, **({"enum": list(prop.values)} if prop.values else {})}
    elif prop.values:
        schema["enum"] = list(prop.values)
    if prop.unit:
        schema["x-ogc-unit"] = _UCUM.get(prop.unit, prop.unit)
    role = _role(layer, prop)
    if role:
        schema["x-ogc-role"] = role
    return schema


# Units as UCUM writes them, where that is not how we do.
_UCUM = {"ha": "har"}


def _role(layer: Layer, prop: Property) -> str | None:
    """What a property is for, in the words of Part 5."""
    if prop.name == "id" and layer.find_property("id") is None:
        return "id"
    if layer.time is None:
        return None
    first, last = layer.time
    if first == last:
        return "primary-instant" if prop.name == first else None
    return {first: "primary-interval-start", last: "primary-interval-end"}.get(prop.name)
