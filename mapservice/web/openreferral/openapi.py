"""The directory's feed described in OpenAPI 3.0, after the published profile."""

from __future__ import annotations

from typing import Any

import mapservice
from mapservice.register.borough import Borough
from mapservice.services import hsds
from mapservice.web.openreferral.parameters import DAYS, FILTERS, FURTHEST, LAST_PAGE, MOST_PER_PAGE, PER_PAGE

Document = dict[str, Any]

_STRING: Document = {"type": "string", "maxLength": 200}
_CLOCK: Document = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_AGE: Document = {"type": "number", "minimum": 0, "maximum": 150}
_PARAMETERS: dict[str, tuple[Document, str]] = {
    "page": (
        {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1},
        "Which page, from 1. A page past the last is empty.",
    ),
    "per_page": (
        {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": PER_PAGE},
        "How many to a page.",
    ),
    "search": (_STRING, "Words that all have to occur in name, description, organisation or place."),
    "taxonomy_term_id": (_STRING, "Services described with this term (UUID or readable id)."),
    "taxonomy_id": (_STRING, "What is described with any term of this taxonomy (UUID or readable id)."),
    "organization_id": (_STRING, "Services of this organisation (UUID or readable id)."),
    "minimum_age": (_AGE, "Services whose minimum age is at least this; without one they are open-ended."),
    "maximum_age": (_AGE, "Services whose maximum age is at most this; without one they are open-ended."),
    "start_time": (_CLOCK, "Services with a session that starts at this time or later."),
    "end_time": (_CLOCK, "Services with a session that ends at this time or earlier."),
    "day": ({"type": "string", "enum": list(DAYS)}, "Services with a session on this day of the week."),
    "modified_after": (
        {"type": "string", "format": "date-time"},
        "Services changed at this instant or later.",
    ),
    "postcode": (
        {"type": "string", "maxLength": 16},
        "With `proximity`: where to measure from. Alone: services for who lives there.",
    ),
    "proximity": (
        {"type": "number", "minimum": 1, "maximum": FURTHEST},
        "Places within so many metres, in a straight line, of the centre of the postcode.",
    ),
}
_TITLES = {
    "services": ("services", "a service"),
    "service_at_locations": ("services at places", "a service at a place"),
    "taxonomies": ("taxonomies", "a taxonomy"),
    "taxonomy_terms": ("terms", "a term"),
}
_REQUIRED = {
    "services": ["id", "name", "status", "organization_id"],
    "service_at_locations": ["id", "service_id", "location_id"],
    "taxonomies": ["id", "name", "description"],
    "taxonomy_terms": ["id", "name", "description"],
}
_PAGE: Document = {
    "type": "object",
    "required": [
        *("total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"),
        "contents",
    ],
    "properties": {
        **{name: {"type": "integer"} for name in ("total_items", "total_pages", "page_number", "size")},
        **{name: {"type": "boolean"} for name in ("first_page", "last_page", "empty")},
    },
}
_PROBLEM: Document = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
}


def openapi_document(home: str, borough: Borough) -> Document:
    """The OpenAPI document of the feed at an address."""
    paths: Document = {"/": {"get": _operation("root", "The standard the feed follows", [], _root())}}
    for kind, (many, one) in _TITLES.items():
        page = {
            "allOf": [
                {"$ref": "#/components/schemas/Page"},
                {"properties": {"contents": {"type": "array", "items": _item(kind)}}},
            ]
        }
        parameters = [_parameter(name) for name in (*FILTERS[kind], "page", "per_page")]
        paths[f"/{kind}"] = {"get": _operation(f"{kind}.list", f"A page of {many}", parameters, page)}
        paths[f"/{kind}/{{id}}"] = {
            "get": _operation(f"{kind}.one", f"All about {one}", [_ID], _item(kind), missing=True)
        }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"Services in {borough.name}: {hsds.VERSION}",
            "version": mapservice.__version__,
            "description": "A directory of services after Open Referral UK. Open to read, no key.",
            "license": {
                "name": borough.licence,
                **({"url": borough.licence_url} if borough.licence_url else {}),
            },
        },
        "externalDocs": {"url": hsds.PROFILE, "description": "The published profile and its schemas"},
        "servers": [{"url": home}],
        "paths": paths,
        "components": {"schemas": {"Page": _PAGE, "Problem": _PROBLEM}},
    }


_ID: Document = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "A UUID, or a readable id.",
}


def _parameter(name: str) -> Document:
    schema, description = _PARAMETERS[name]
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _item(kind: str) -> Document:
    return {
        "type": "object",
        "required": _REQUIRED[kind],
        "properties": {"id": {"type": "string", "format": "uuid"}},
    }


def _root() -> Document:
    return {
        "type": "object",
        "required": ["version", "profile", "openapi_url"],
        "properties": {
            "version": {"type": "string", "enum": [hsds.VERSION]},
            "profile": {"type": "string", "format": "uri"},
            "openapi_url": {"type": "string", "format": "uri"},
        },
    }


def _operation(
    name: str, summary: str, parameters: list[Document], schema: Document, *, missing: bool = False
) -> Document:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": summary, "content": {"application/json": {"schema": schema}}},
            "400": {"description": "A parameter is wrong", "content": problem},
            **({"404": {"description": "There is no such thing", "content": problem}} if missing else {}),
        },
    }
