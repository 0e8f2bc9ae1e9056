"""The OpenAPI 3.0 document, generated from the catalogue and self-contained.

Paths are relative to the landing page, the server it names: conformance tests look for `/collections`.
"""

from __future__ import annotations

from typing import Any

import mapservice
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.cql2 import LANGUAGES
from mapservice.layers.cql2.nodes import LONGEST_FILTER
from mapservice.layers.formats import FORMATS
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import CRS84, CRS_URIS, DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from mapservice.layers.queryables import GEOMETRY, queryables
from mapservice.register.borough import Borough
from mapservice.register.vocabulary import SUPPORT
from mapservice.web.api.openapi_examples import add_examples
from mapservice.web.api.openapi_tiles import tile_paths
from mapservice.web.api.openapi_writing import SECURITY_SCHEMES, changing, creating
from mapservice.web.api.parameters import FEATURE_FORMATS, ITEMS_PARAMETERS
from mapservice.web.api.schemas import (
    feature_name,
    page_name,
    property_schema,
    query_parameter,
    reference,
    schemas,
)

Document = dict[str, Any]

_PROBLEM = {"application/problem+json": {"schema": reference("Problem")}}
_RESPONSES: Document = {
    "BadRequest": {"description": "Wrong parameters; all are listed.", "content": _PROBLEM},
    "NotFound": {"description": "There is no such thing.", "content": _PROBLEM},
    "Unauthorized": {"description": "The token that was sent does not hold.", "content": _PROBLEM},
    "TooLong": {"description": "The address is too long: 8190 characters are the most.", "content": _PROBLEM},
    "Unavailable": {
        "description": "It would take too long, or there is too much to do just now.",
        "headers": {"Retry-After": {"schema": {"type": "string"}}},
        "content": _PROBLEM,
    },
}


def document(site: str, catalogue: Catalogue, borough: Borough) -> Document:
    """The whole API, as OpenAPI 3.0."""
    paths: Document = {
        "/": _get("landing", "The landing page", _json("LandingPage"), [_format()]),
        "/conformance": _get("conformance", "Conformance classes", _json("Conformance"), [_format()]),
        "/openapi.json": _get(
            "openapi",
            "This document",
            {"application/vnd.oai.openapi+json;version=3.0": {"schema": {"type": "object"}}},
            [],
        ),
        "/collections": _get("collections", "The layers", _json("Collections"), [_format()]),
        "/lookup": _get(
            "lookup",
            "Wards and locality of a postcode or point",
            {"application/json": {"schema": reference("Lookup")}},
            _place(),
            missing=True,
        ),
        "/nearest": _get(
            "nearest",
            "The nearest features to a postcode or point",
            {"application/geo+json": {"schema": reference("NearestFeatures")}},
            [
                *_place(),
                query_parameter(
                    "need", {"type": "string", "enum": list(SUPPORT)}, "Only places that help with this."
                ),
                query_parameter(
                    "layers",
                    {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "enum": [layer.id for layer in catalogue]},
                        "default": ["assets"],
                    },
                    "Layers to look in, joined by commas.",
                ),
                query_parameter(
                    "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}, "How many."
                ),
            ],
            missing=True,
        ),
    }
    paths |= _route()
    for layer in catalogue:
        paths |= _layer_paths(layer) | (_changes(layer) if layer.tracked else {})
    of_tiles, parameters = tile_paths(catalogue, _items_parameters)
    paths |= of_tiles
    for operations in paths.values():
        for operation in operations.values():
            for status, name in (("401", "Unauthorized"), ("414", "TooLong")):
                operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{name}"})
    described: Document = {
        "openapi": "3.0.3",
        "info": {
            "title": f"{borough.short_name} community map",
            "version": mapservice.__version__,
            "description": f"Places that can help, green spaces and boundaries of {borough.name}.",
            "license": {
                "name": borough.licence,
                **({"url": borough.licence_url} if borough.licence_url else {}),
            },
        },
        "servers": [{"url": f"{site}/api"}],
        "paths": paths,
        "components": {
            "schemas": schemas(catalogue),
            "responses": _RESPONSES,
            "securitySchemes": SECURITY_SCHEMES,
            "parameters": parameters,
        },
    }
    add_examples(described, borough)
    return described


def _route() -> Document:
    place = "[a-z0-9]+(-[a-z0-9]+)*"
    here = {"type": "string"}
    there = {"type": "string", "pattern": f"^((assets|green-spaces)/)?{place}$"}
    parameters = [
        query_parameter("from", here, "A postcode, however it is typed, or longitude,latitude.")
        | {"required": True},
        query_parameter("to", there, "The id of a place, or green-spaces/ and that of one.")
        | {"required": True},
        query_parameter(
            "step-free",
            {"type": "string", "enum": ["true", "false"], "default": "false"},
            "Whether to go without steps, as far as they are known.",
        ),
    ]
    answer = {"application/geo+json": {"schema": reference("Route")}}
    return {"/route": _get("route", "The way on foot to a place", answer, parameters, missing=True)}


def _layer_paths(layer: Layer) -> Document:
    home = f"/collections/{layer.id}"
    return {
        home: _get(
            f"{layer.id}.describe", f"{layer.title}: about the layer", _json("Collection"), [_format()]
        ),
        **{
            f"{home}/{name}": _get(
                f"{layer.id}.{name}", f"{layer.title}: {about}", _schema_document(), [_format()]
            )
            for name, about in (
                ("schema", "the properties of its features"),
                ("queryables", "what it can be filtered by"),
                ("sortables", "what it can be sorted by"),
            )
        },
        f"{home}/items": {
            **_get(
                f"{layer.id}.items",
                f"{layer.title}: features",
                _features(layer),
                [*_items_parameters(layer), _features_format()],
                headers=_CRS_HEADERS,
            ),
            **creating(layer),
        },
        f"{home}/items/{{featureId}}": {
            **_get(
                f"{layer.id}.item",
                f"{layer.title}: one feature",
                _geojson(feature_name(layer)),
                [
                    _FEATURE_ID,
                    _crs("crs", "The coordinate reference system of the answer."),
                    *_as_of(layer),
                    *_selection(layer),
                    _format(),
                ],
                missing=True,
                headers=_CRS_HEADERS,
            ),
            **changing(layer, [_FEATURE_ID]),
        },
    }


_FEATURE_ID: Document = {
    "name": "featureId",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The id of a feature.",
}


def _as_of(layer: Layer) -> list[Document]:
    about = "The layer as it was at an RFC 3339 instant, or at the end of a date; without it, as it is now."
    return [query_parameter("as_of", {"type": "string"}, about)] if layer.tracked else []


def _changes(layer: Layer) -> Document:
    answer = _get(
        f"{layer.id}.changes",
        f"{layer.title}: ids created, updated and deleted since a moment",
        {
            "application/json": {"schema": reference("Changes")},
            "application/atom+xml": {"schema": {"type": "string"}},
        },
        [
            query_parameter(
                "since",
                {"type": "string"},
                "An RFC 3339 instant, a date, or the `token` of the call before; without it, since ever.",
            ),
            query_parameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": 10_000}, "How many a page holds."
            ),
            query_parameter(
                "f", {"type": "string", "enum": ["json", "atom"]}, "The format; else `Accept` decides."
            ),
        ],
        missing=True,
    )
    gone = {"description": "The history began anew after the token was given out.", "content": _PROBLEM}
    answer["get"]["responses"]["410"] = gone
    return {f"/collections/{layer.id}/changes": answer}


def _items_parameters(layer: Layer) -> list[Document]:
    sortable = "|".join(prop.name for prop in layer.sortable)
    return [
        query_parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            "How many features a page holds; more than the maximum is taken as the maximum.",
        ),
        query_parameter(
            "offset", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}, "Features to pass over."
        ),
        query_parameter("cursor", {"type": "string"}, "Where a page starts, as a `next` link gives it."),
        query_parameter(
            "sortby",
            {"type": "array", "items": {"type": "string", "pattern": f"^[+-]?({sortable})$"}},
            "Properties to sort by, the first before the second; - before a name for descending.",
        ),
        query_parameter(
            "bbox",
            {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
            "west,south,east,north: only features that touch this box, and those whose place is unknown.",
        ),
        _crs("bbox-crs", "The coordinate reference system of bbox."),
        _crs("crs", "The coordinate reference system of the answer."),
        query_parameter(
            "datetime", {"type": "string"}, "RFC 3339 date, instant or interval: start/end, start/P1M."
        ),
        *_as_of(layer),
        query_parameter(
            "filter",
            {"type": "string", "maxLength": LONGEST_FILTER},
            "A condition in CQL2 on the layer's queryables, such as CASEI(name) LIKE CASEI('%park%').",
        ),
        query_parameter(
            "filter-lang",
            {"type": "string", "enum": list(LANGUAGES), "default": LANGUAGES[0]},
            "The encoding of `filter`.",
        ),
        _crs("filter-crs", "The coordinate reference system of the geometries in `filter`."),
        *_selection(layer),
        *(
            query_parameter(prop.name, _filter_schema(prop), prop.description or prop.title)
            for prop in queryables(layer).values()
            if prop.name not in ITEMS_PARAMETERS
        ),
    ]


def _selection(layer: Layer) -> list[Document]:
    names: Document = {
        "type": "array",
        "items": {"type": "string", "enum": [*(prop.name for prop in layer.properties), GEOMETRY]},
    }
    return [
        query_parameter(
            "properties", names, "The properties wanted, joined by commas; all, where it is not given."
        ),
        query_parameter("exclude-properties", names, "The properties not wanted, instead of those that are."),
        query_parameter(
            "skip-geometry",
            {"type": "string", "enum": ["true", "false"], "default": "false"},
            "Whether to leave the geometry out.",
        ),
    ]


_CRS_HEADERS: Document = {
    "Content-Crs": {"description": "The CRS of the coordinates, in <>.", "schema": {"type": "string"}},
    "Link": {"description": "The links of the body.", "schema": {"type": "string"}},
}


def _get(
    operation: str,
    summary: str,
    content: Document,
    parameters: list[Document],
    missing: bool = False,
    headers: Document | None = None,
) -> Document:
    answer: Document = {"description": summary, "content": content}
    if headers:
        answer["headers"] = headers
    responses: Document = {"200": answer, "400": {"$ref": "#/components/responses/BadRequest"}}
    if missing:
        responses["404"] = {"$ref": "#/components/responses/NotFound"}
    responses["503"] = {"$ref": "#/components/responses/Unavailable"}
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
        "application/json": {"schema": reference(schema)},
        "text/html": {"schema": {"type": "string"}},
    }


def _schema_document() -> Document:
    return {
        "application/schema+json": {"schema": {"type": "object"}},
        "text/html": {"schema": {"type": "string"}},
    }


def _geojson(schema: str) -> Document:
    return {
        "application/geo+json": {"schema": reference(schema)},
        "text/html": {"schema": {"type": "string"}},
    }


def _features(layer: Layer) -> Document:
    files = {
        each.media_type: {"schema": {"type": "string", **({} if each.stream else {"format": "binary"})}}
        for each in FORMATS
        if each.id != "json"
    }
    return _geojson(page_name(layer)) | files


def _format() -> Document:
    return query_parameter(
        "f", {"type": "string", "enum": ["json", "html"]}, "The format; else `Accept` decides."
    )


def _features_format() -> Document:
    return query_parameter(
        "f",
        {"type": "string", "enum": list(FEATURE_FORMATS)},
        "The format; else `Accept` decides. geojson is another name for json. Without limit, offset and "
        "cursor every format but json and html holds all features that match.",
    )


def _crs(name: str, description: str) -> Document:
    return query_parameter(
        name, {"type": "string", "format": "uri", "enum": list(CRS_URIS), "default": CRS84}, description
    )


def _place() -> list[Document]:
    return [
        query_parameter("postcode", {"type": "string"}, "A postcode, however it is typed."),
        query_parameter("lon", {"type": "number", "minimum": -180, "maximum": 180}, "Longitude, with lat."),
        query_parameter("lat", {"type": "number", "minimum": -90, "maximum": 90}, "Latitude, with lon."),
    ]


def _filter_schema(prop: Property) -> Document:
    if prop.type == "array":
        return {"type": "string", **({"enum": list(prop.values)} if prop.values else {})}
    return property_schema(prop, nullable=False)
