"""What the API answers with, as OpenAPI 3.0 schemas: its own documents, and every layer of a catalogue."""

from __future__ import annotations

from typing import Any

from mapservice.layers.catalogue import Catalogue
from mapservice.layers.layer import GeometryKind, Layer, Property

Document = dict[str, Any]

JSON_TYPES: dict[str, Document] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "array": {"type": "array", "items": {}},
    "object": {"type": "object"},
}
"""What each type of a property is in JSON."""
_GEOMETRIES: dict[GeometryKind, tuple[str, ...]] = {
    "point": ("Point",),
    "polygon": ("Polygon", "MultiPolygon"),
    "mixed": ("Point", "Polygon", "MultiPolygon"),
}


def reference(name: str) -> Document:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def query_parameter(name: str, schema: Document, description: str) -> Document:
    """A query parameter; a list of values is joined by commas, and nothing is given twice."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
        "description": description,
    }


def schemas(catalogue: Catalogue) -> Document:
    """Every schema by name: the API's own, and of each layer a feature and a page of features."""
    own = {feature_name(layer): _feature(layer) for layer in catalogue}
    pages = {page_name(layer): _page([feature_name(layer)]) for layer in catalogue}
    near = _page([feature_name(layer) for layer in catalogue], paged=False)
    return {**_SHARED, **_GEOMETRY, **own, **pages, "NearestFeatures": near}


def feature_name(layer: Layer) -> str:
    """The name of the schema of one of a layer's features."""
    return "".join(word.capitalize() for word in layer.id.split("-")) + "Feature"


def page_name(layer: Layer) -> str:
    """The name of the schema of a page of a layer's features."""
    return f"{feature_name(layer)}s"


def property_schema(prop: Property, nullable: bool = True) -> Document:
    """The schema of a property's values; that of a filter is the same and cannot be null."""
    schema = dict(JSON_TYPES[prop.type])
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


def _feature(layer: Layer) -> Document:
    return {
        "type": "object",
        "title": f"{layer.title}: a feature",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "integer" if layer.id_type == "bigint" else "string"},
            "geometry": {
                "oneOf": [
                    *(reference(f"{kind}Geometry") for kind in _GEOMETRIES[layer.geometry_kind]),
                    reference("NoGeometry"),
                ]
            },
            "properties": {
                "type": "object",
                "properties": {prop.name: property_schema(prop) for prop in layer.properties},
            },
            "crs": _CRS,
            "links": _LINKS,
        },
    }


def _page(features: list[str], paged: bool = True) -> Document:
    one = reference(features[0]) if len(features) == 1 else {"anyOf": [reference(name) for name in features]}
    page: Document = {
        "type": "object",
        "required": ["type", "features", "numberReturned"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": one},
            "numberReturned": {"type": "integer", "minimum": 0},
        },
    }
    if paged:
        page["required"].append("links")
        page["properties"] |= {
            "crs": _CRS,
            "numberMatched": {"type": "integer", "minimum": 0},
            "links": _LINKS,
        }
    else:
        page["required"].append("origin")
        page["properties"]["origin"] = {
            "type": "object",
            "description": "The place that was asked about.",
            "required": ["postcode", "longitude", "latitude", "in_borough"],
            "properties": {
                "postcode": {"type": "string", "nullable": True},
                "longitude": {"type": "number"},
                "latitude": {"type": "number"},
                "in_borough": {"type": "boolean"},
                "approximate": {
                    "type": "string",
                    "description": "The part of the postcode, such as N19 4, from whose middle this is: "
                    "the postcode itself is not known.",
                },
            },
        }
    return page


def _object(required: list[str], properties: Document) -> Document:
    return {"type": "object", "required": required, "properties": properties}


def _nested(depth: int, least: int = 1) -> Document:
    """Positions in `depth` arrays; the innermost holds at least `least` of them."""
    inner = reference("Position")
    for level in range(depth):
        inner = {"type": "array", "minItems": least if level == 0 else 1, "items": inner}
    return inner


def _geometry(kind: str, coordinates: Document) -> Document:
    return _object(
        ["type", "coordinates"], {"type": {"type": "string", "enum": [kind]}, "coordinates": coordinates}
    )


_TEXT: Document = {"type": "string"}
_CRS: Document = {
    "type": "object",
    "description": "The CRS, where crs=EPSG:27700 or EPSG:3857 is asked for: as in GeoJSON of 2008.",
    "required": ["type", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["name"]},
        "properties": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}},
        },
    },
}
_LINKS: Document = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}
_CHANGED: Document = {
    "type": "array",
    "items": _object(["id", "when"], {"id": _TEXT, "when": {"type": "string", "format": "date-time"}}),
}
_GEOMETRY: Document = {
    "Position": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "number"}},
    "PointGeometry": _geometry("Point", reference("Position")),
    "LineStringGeometry": _geometry("LineString", _nested(1, least=2)),
    # A ring ends where it begins: a triangle has four positions.
    "PolygonGeometry": _geometry("Polygon", _nested(2, least=4)),
    "MultiPolygonGeometry": _geometry("MultiPolygon", _nested(3, least=4)),
    "NoGeometry": {
        "type": "object",
        "description": "The place is not known, or its geometry was not asked for.",
        "nullable": True,
        "enum": [None],
    },
}
_SHARED: Document = {
    "Link": _object(["href", "rel", "type"], {name: _TEXT for name in ("href", "rel", "type", "title")}),
    "LandingPage": _object(
        ["title", "description", "links"],
        {"title": _TEXT, "description": _TEXT, "attribution": _TEXT, "links": _LINKS},
    ),
    "Conformance": _object(["conformsTo"], {"conformsTo": {"type": "array", "items": _TEXT}}),
    "Extent": {
        "type": "object",
        "properties": {
            "spatial": _object(
                ["bbox"],
                {
                    "bbox": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "array",
                            "minItems": 4,
                            "maxItems": 6,
                            "items": {"type": "number"},
                        },
                    },
                    "crs": {"type": "string", "format": "uri"},
                },
            ),
            "temporal": _object(
                ["interval"],
                {
                    "interval": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "array",
                            "minItems": 2,
                            "maxItems": 2,
                            "items": {"type": "string", "format": "date-time", "nullable": True},
                        },
                    }
                },
            ),
        },
    },
    "Collection": _object(
        ["id", "title", "description", "itemType", "extent", "crs", "storageCrs", "links"],
        {
            "id": _TEXT,
            "title": _TEXT,
            "description": _TEXT,
            "keywords": {"type": "array", "items": _TEXT},
            "itemType": {"type": "string", "enum": ["feature"]},
            "numberOfFeatures": {"type": "integer", "minimum": 0},
            "extent": reference("Extent"),
            "crs": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "uri"}},
            "storageCrs": {"type": "string", "format": "uri"},
            "license": _TEXT,
            "attribution": _TEXT,
            "positionalAccuracy": {"type": "object"},
            "links": _LINKS,
        },
    ),
    "Collections": _object(
        ["links", "collections"],
        {
            "links": _LINKS,
            "crs": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "collections": {"type": "array", "items": reference("Collection")},
        },
    ),
    "Lookup": _object(
        ["postcode", "longitude", "latitude", "wards", "locality"],
        {
            "postcode": {"type": "string", "nullable": True},
            "postcode_status": {"type": "string", "enum": ["retired"]},
            "longitude": {"type": "number"},
            "latitude": {"type": "number"},
            "wards": {
                "type": "object",
                "description": "By vintage.",
                "additionalProperties": _object(
                    ["code", "name"], {"code": {"type": "string", "nullable": True}, "name": _TEXT}
                ),
            },
            "locality": {**_object(["id", "name"], {"id": _TEXT, "name": _TEXT}), "nullable": True},
        },
    ),
    "Route": _object(
        ["type", "geometry", "properties"],
        {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": reference("LineStringGeometry"),
            "properties": _object(
                ["to", "metres", "minutes", "measured", "step_free"],
                {
                    "from": {"type": "string", "nullable": True, "description": "The postcode, if any."},
                    **dict.fromkeys(("to", "name"), _TEXT),
                    "metres": {"type": "integer", "minimum": 0},
                    "minutes": {"type": "integer", "minimum": 1, "description": "At 80 metres a minute."},
                    "measured": {"type": "string", "enum": ["path", "straight line"]},
                    "step_free": {
                        "type": "boolean",
                        "nullable": True,
                        "description": "Whether no steps are known on the way; null for a straight line.",
                    },
                    **{
                        name: {"type": "string", "nullable": True}
                        for name in ("attribution", "licence", "licence_url")
                    },
                },
            ),
        },
    ),
    "Changes": _object(
        ["created", "updated", "deleted", "token", "links"],
        {
            "since": {"type": "string", "format": "date-time", "nullable": True},
            "until": {"type": "string", "format": "date-time", "nullable": True},
            **dict.fromkeys(("created", "updated", "deleted"), _CHANGED),
            "numberReturned": {"type": "integer", "minimum": 0},
            "token": {"type": "string", "description": "The `since` of the next call."},
            "links": _LINKS,
        },
    ),
    "Problem": _object(
        ["type", "title", "status"],
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "instance": _TEXT,
            "errors": {
                "type": "array",
                "description": "Everything that is wrong, parameter by parameter.",
                "items": _object(
                    ["parameter", "reason"], {name: _TEXT for name in ("parameter", "reason", "hint")}
                ),
            },
        },
    ),
}
