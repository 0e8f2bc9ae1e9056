"""The OpenAPI 3.0 document, generated from the catalogue and self-contained."""

from __future__ import annotations

from typing import Any

import mapservice
from mapservice.layers.catalogue import SUPPORT, Catalogue
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import CRS84, CRS_URIS, DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from mapservice.register.borough import Borough

Document = dict[str, Any]

_TYPES: dict[str, Document] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "array": {"type": "array", "items": {}},
    "object": {"type": "object"},
}


def document(site: str, catalogue: Catalogue, borough: Borough) -> Document:
    """The whole API, as OpenAPI 3.0."""
    paths: Document = {
        "/api": _get("landing", "The landing page", _json("LandingPage"), [_format()]),
        "/api/conformance": _get("conformance", "Conformance classes", _json("Conformance"), [_format()]),
        "/api/openapi.json": _get(
            "openapi", "This document", {"application/vnd.oai.openapi+json;version=3.0": {"schema": {}}}, []
        ),
        "/api/collections": _get("collections", "The layers", _json("Collections"), [_format()]),
        "/api/lookup": _get(
            "lookup", "Wards and locality of a postcode or point", _json("Lookup"), _place(), missing=True
        ),
        "/api/nearest": _get(
            "nearest",
            "The nearest features to a postcode or point",
            _geojson("FeatureCollection"),
            [
                *_place(),
                _query("need", {"type": "string", "enum": list(SUPPORT)}, "Only places that help with this."),
                _query(
                    "layers",
                    {"type": "string", "default": "assets"},
                    f"Layers to look in, joined by commas: {', '.join(layer.id for layer in catalogue)}.",
                ),
                _query(
                    "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}, "How many."
                ),
            ],
            missing=True,
        ),
    }
    for layer in catalogue:
        paths |= _layer_paths(layer)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{borough.short_name} community map",
            "version": mapservice.__version__,
            "description": f"Places that can help, green spaces and boundaries of {borough.name}.",
            "license": {
                "name": "Open Government Licence v3.0",
                "url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
            },
        },
        "servers": [{"url": site}],
        "paths": paths,
        "components": {"schemas": {**_SCHEMAS, **{_schema_name(x): _schema(x) for x in catalogue}}},
    }


def _layer_paths(layer: Layer) -> Document:
    home = f"/api/collections/{layer.id}"
    return {
        home: _get(
            f"{layer.id}.describe", f"{layer.title}: about the layer", _json("Collection"), [_format()]
        ),
        f"{home}/items": _get(
            f"{layer.id}.items",
            f"{layer.title}: features",
            _geojson("FeatureCollection"),
            [
                _query(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                    "How many features a page holds; more than the maximum is taken as the maximum.",
                ),
                _query(
                    "offset",
                    {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
                    "Features to pass over.",
                ),
                _query("cursor", {"type": "string"}, "Where a page starts, as a `next` link gives it."),
                {
                    **_query(
                        "bbox",
                        {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
                        "west,south,east,north: only features that touch this box.",
                    ),
                    "style": "form",
                    "explode": False,
                },
                _crs("bbox-crs", "The coordinate reference system of bbox."),
                _crs("crs", "The coordinate reference system of the answer."),
                _query("datetime", {"type": "string"}, "An RFC 3339 date, instant, or interval start/end."),
                *(_query(p.name, _filter_schema(p), p.description or p.title) for p in layer.filterable),
                _format(),
            ],
            missing=True,
        ),
        f"{home}/items/{{featureId}}": _get(
            f"{layer.id}.item",
            f"{layer.title}: one feature",
            _geojson(_schema_name(layer)),
            [
                {
                    "name": "featureId",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "description": "The id of a feature.",
                },
                _crs("crs", "The coordinate reference system of the answer."),
                _format(),
            ],
            missing=True,
        ),
    }


def _get(
    operation: str, summary: str, content: Document, parameters: list[Document], missing: bool = False
) -> Document:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: Document = {
        "200": {"description": summary, "content": content},
        "400": {"description": "Wrong parameters; all are listed.", "content": problem},
    }
    if missing:
        responses["404"] = {"description": "There is no such thing.", "content": problem}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": parameters,
            "responses": responses,
        }
    }


def _json(schema: str) -> Document:
    return {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}},
        "text/html": {"schema": {"type": "string"}},
    }


def _geojson(schema: str) -> Document:
    return {
        "application/geo+json": {"schema": {"$ref": f"#/components/schemas/{schema}"}},
        "text/html": {"schema": {"type": "string"}},
    }


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _format() -> Document:
    return _query("f", {"type": "string", "enum": ["json", "html"]}, "The format; else `Accept` decides.")


def _crs(name: str, description: str) -> Document:
    return _query(
        name, {"type": "string", "format": "uri", "enum": list(CRS_URIS), "default": CRS84}, description
    )


def _place() -> list[Document]:
    return [
        _query("postcode", {"type": "string", "example": "N1 9JP"}, "A postcode, however it is typed."),
        _query("lon", {"type": "number", "minimum": -180, "maximum": 180}, "Longitude, with lat."),
        _query("lat", {"type": "number", "minimum": -90, "maximum": 90}, "Latitude, with lon."),
    ]


def _filter_schema(prop: Property) -> Document:
    if prop.type == "array":
        return {"type": "string", **({"enum": list(prop.values)} if prop.values else {})}
    return _property_schema(prop, nullable=False)


def _property_schema(prop: Property, nullable: bool = True) -> Document:
    schema = dict(_TYPES[prop.type])
    schema["title"] = prop.title
    if prop.description:
        schema["description"] = prop.description
    if prop.unit:
        schema["x-ogc-unit"] = prop.unit
    if prop.values and prop.type == "array":
        schema["items"] = {"type": "string", "enum": list(prop.values)}
    elif prop.values:
        schema["enum"] = [*prop.values, None] if nullable else list(prop.values)
    if nullable:
        schema["nullable"] = True
    return schema


def _schema_name(layer: Layer) -> str:
    return "".join(word.capitalize() for word in layer.id.split("-")) + "Feature"


def _schema(layer: Layer) -> Document:
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"$ref": "#/components/schemas/Geometry"},
            "properties": {
                "type": "object",
                "properties": {prop.name: _property_schema(prop) for prop in layer.properties},
            },
            "links": {"type": "array", "items": {"$ref": "#/components/schemas/Link"}},
        },
    }


_LINKS: Document = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}
_AREA: Document = {
    "type": "object",
    "properties": {"code": {"type": "string", "nullable": True}, "name": {"type": "string"}},
}
_SCHEMAS: Document = {
    "Link": {
        "type": "object",
        "required": ["href", "rel"],
        "properties": {name: {"type": "string"} for name in ("href", "rel", "type", "title")},
    },
    "LandingPage": {
        "type": "object",
        "required": ["links"],
        "properties": {"title": {"type": "string"}, "description": {"type": "string"}, "links": _LINKS},
    },
    "Conformance": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": {"type": "string"}}},
    },
    "Collection": {
        "type": "object",
        "required": ["id", "links"],
        "properties": {
            "id": {"type": "string"},
            "title": {"type": "string"},
            "description": {"type": "string"},
            "extent": {"type": "object"},
            "crs": {"type": "array", "items": {"type": "string"}},
            "storageCrs": {"type": "string"},
            "links": _LINKS,
        },
    },
    "Collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": _LINKS,
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}},
        },
    },
    "Geometry": {
        "type": "object",
        "nullable": True,
        "required": ["type", "coordinates"],
        "properties": {"type": {"type": "string"}, "coordinates": {"type": "array", "items": {}}},
    },
    "Feature": {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"$ref": "#/components/schemas/Geometry"},
            "properties": {"type": "object", "nullable": True},
        },
    },
    "FeatureCollection": {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "timeStamp": {"type": "string", "format": "date-time"},
            "links": _LINKS,
        },
    },
    "Lookup": {
        "type": "object",
        "required": ["longitude", "latitude", "wards", "locality"],
        "properties": {
            "postcode": {"type": "string", "nullable": True},
            "postcode_status": {"type": "string", "enum": ["retired"]},
            "longitude": {"type": "number"},
            "latitude": {"type": "number"},
            "wards": {"type": "object", "additionalProperties": _AREA},
            "locality": {
                "type": "object",
                "nullable": True,
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
            },
        },
    },
    "Problem": {
        "type": "object",
        "required": ["title", "status"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["parameter", "reason"],
                    "properties": {name: {"type": "string"} for name in ("parameter", "reason", "hint")},
                },
            },
        },
    },
}
