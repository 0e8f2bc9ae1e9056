"""Examples of parameters that work as they stand, for the OpenAPI document and the pages made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mapservice.layers.query import CRS_URIS
from mapservice.register.borough import Borough

Document = dict[str, Any]

NEAR = 0.01  # degrees: about a kilometre to either side
ZOOM = 12
# Parameters that are refused without another, and those that some operations cannot do without.
NEEDS = {"bbox-crs": ("bbox",), "filter-lang": ("filter",), "filter-crs": ("filter",)}
ALWAYS = ("lon", "lat")
# These depend on what is there at the time, or exclude others that say the same.
WITHOUT = frozenset({"cursor", "as_of", "since", "postcode", "exclude-properties", "featureId", "id"})
_BY_NAME: Document = {
    "limit": 5,
    "offset": 5,
    "crs": CRS_URIS[1],
    "datetime": "2024-01-01T00:00:00Z/..",
    "filter": "CASEI(name) LIKE CASEI('%a%')",
    "properties": ["name"],
    "skip-geometry": "true",
}
_BY_FORMAT = {"date": "2024-05-31", "date-time": "2024-05-31T09:00:00Z"}
_BY_TYPE: Document = {"boolean": True, "number": 1, "integer": 1}


def add_examples(document: Document, borough: Borough) -> None:
    """Give every parameter of an OpenAPI document that lacks one an example, where one can be known."""
    places = _places(borough)
    for parameter in _parameters(document):
        found = example(parameter, places)
        if found is not None:
            parameter.setdefault("example", found)


def example(parameter: Document, places: Document) -> Any:
    """A value for a parameter; None where none is right at all times."""
    name, schema = parameter["name"], parameter["schema"]
    if name in WITHOUT or parameter["in"] == "header":
        return None
    known = places | _BY_NAME
    if name in known:
        return known[name]
    if name == "sortby":
        first = schema["items"]["pattern"].partition("(")[2].rstrip("$)").split("|")[0]
        return [f"-{first}"]
    if schema.get("type") == "array":
        members = schema["items"].get("enum")
        return members[:1] if members else None
    if schema.get("enum"):
        return schema["enum"][0]
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "")))


def _places(borough: Borough) -> Document:
    lon, lat = (round(number, 4) for number in borough.map_centre)
    box = [lon - NEAR, lat - NEAR, lon + NEAR, lat + NEAR]
    column = int((lon + 180) / 360 * 2**ZOOM)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**ZOOM)
    return {
        "bbox": [round(number, 4) for number in box],
        "lon": lon,
        "lat": lat,
        "tileMatrix": ZOOM,
        "tileRow": row,
        "tileCol": column,
    }


def _parameters(document: Document) -> Iterator[Document]:
    yield from document["components"]["parameters"].values()
    for operations in document["paths"].values():
        for operation in operations.values():
            yield from (each for each in operation.get("parameters", ()) if "$ref" not in each)
