"""The API's own documents: landing page, conformance, collections."""

from __future__ import annotations

from typing import Any

from mapservice.layers.features import Extent
from mapservice.layers.formats import FORMATS
from mapservice.layers.layer import Layer
from mapservice.layers.query import CRS84, CRS_URIS, STORAGE_CRS
from mapservice.register.borough import Borough
from mapservice.web.accepting import ATOM

CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *(
        f"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "array-functions",
            "property-property",
        )
    ),
    # Part 5 of Features is Part 3 of Common.
    *(
        f"http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/{name}"
        for name in ("schemas", "advanced-property-roles", "queryables", "sortables")
    ),
    *(
        f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}"
        for name in (
            "core",
            "tileset",
            "tilesets-list",
            "dataset-tilesets",
            "geodata-tilesets",
            "collections-selection",
            "datetime",
            "oas30",
            "mvt",
        )
    ),
    *(f"http://www.opengis.net/spec/tms/2.0/conf/{name}" for name in ("tilematrixset", "json-tilematrixset")),
)
GEOJSON = "application/geo+json"
JSON = "application/json"
SCHEMA_JSON = "application/schema+json"
OGC_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

Document = dict[str, Any]


def link(href: str, rel: str, media_type: str, title: str) -> Document:
    """A link object."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def landing(site: str, borough: Borough) -> Document:
    """The landing page."""
    return {
        "title": f"{borough.short_name} community map",
        "description": f"Places that can help, green spaces and boundaries of {borough.name}, as map layers.",
        "attribution": " ".join(borough.attribution),
        "links": [
            link(f"{site}/api", "self", JSON, "This document"),
            link(f"{site}/api?f=html", "alternate", "text/html", "This document as a web page"),
            link(f"{site}/api/openapi.json", "service-desc", OPENAPI, "The API described in OpenAPI 3.0"),
            link(f"{site}/api/docs", "service-doc", "text/html", "Every operation, to read and to try"),
            link(
                f"{site}/data", "service-doc", "text/html", "How to connect QGIS, ArcGIS, Excel and notebooks"
            ),
            link(
                f"{site}/data?f=jsonld",
                "describedby",
                "application/ld+json",
                "The layers as a DCAT catalogue",
            ),
            link(f"{site}/api/conformance", "conformance", JSON, "The standards this API conforms to"),
            link(f"{site}/api/collections", "data", JSON, "The layers"),
            *_tiles(f"{site}/api", "The layers"),
            link(f"{site}/api/tileMatrixSets", f"{OGC_RELATION}tiling-schemes", JSON, "The tile matrix sets"),
        ],
    }


def conformance() -> Document:
    """The conformance classes that hold."""
    return {"conformsTo": list(CONFORMANCE)}


def collection(
    site: str, layer: Layer, extent: Extent, grid_error_m: float | None, borough: Borough
) -> Document:
    """One layer as a collection, with its real extent and the accuracy of its coordinates."""
    home = f"{site}/api/collections/{layer.id}"
    document: Document = {
        "id": layer.id,
        "title": layer.title,
        "description": layer.description,
        "keywords": list(layer.keywords),
        "itemType": "feature",
        "numberOfFeatures": extent.count,
        "extent": _extent(extent),
        "crs": list(CRS_URIS),
        "storageCrs": STORAGE_CRS,
        "license": layer.licence,
        "attribution": layer.attribution,
        "links": [
            link(home, "self", JSON, layer.title),
            link(f"{home}?f=html", "alternate", "text/html", f"{layer.title} as a web page"),
            link(f"{home}/items", "items", GEOJSON, f"{layer.title}: features as GeoJSON"),
            link(f"{home}/items?f=html", "items", "text/html", f"{layer.title}: features as a web page"),
            *(
                link(f"{home}/{name}", f"{OGC_RELATION}{name}", SCHEMA_JSON, f"{layer.title}: {about}")
                for name, about in (
                    ("schema", "the properties of its features"),
                    ("queryables", "what it can be filtered by"),
                    ("sortables", "what it can be sorted by"),
                )
            ),
            *_tiles(home, layer.title),
            *downloads(home, layer),
            *_changes(home, layer),
            *([link(layer.licence_url, "license", "text/html", layer.licence)] if layer.licence_url else []),
        ],
    }
    if grid_error_m is not None:
        document["positionalAccuracy"] = {
            "description": "EPSG:27700 is kept as the truth. Coordinates in other systems are derived with a "
            "fit to Ordnance Survey's OSTN15 transformation over the borough; the largest difference from "
            f"OSTN15 measured over its extent is {grid_error_m:.3f} m. It grows slowly outside.",
            "maximumDifferenceFromOSTN15": {"value": round(grid_error_m, 3), "unit": "m"},
        }
    return document


def downloads(home: str, layer: Layer) -> list[Document]:
    """A link to the layer's features in each format but GeoJSON: all of them, where no limit is added."""
    return [
        link(
            f"{home}/items?f={each.id}",
            "items" if each.stream else "enclosure",
            each.media_type,
            f"{layer.title}: the whole layer as {each.title}",
        )
        for each in FORMATS
        if each.id != "json"
    ]


def _changes(home: str, layer: Layer) -> list[Document]:
    if not layer.tracked:
        return []
    return [
        link(f"{home}/changes", "related", JSON, f"{layer.title}: what changed since a moment"),
        link(f"{home}/changes?f=atom", "alternate", ATOM, f"{layer.title}: changes as a feed"),
    ]


def _tiles(home: str, title: str) -> list[Document]:
    return [
        link(f"{home}/tiles", f"{OGC_RELATION}tilesets-vector", JSON, f"{title} as vector tiles"),
        link(f"{home}/styles/default", "stylesheet", JSON, f"{title}: MapLibre style of the vector tiles"),
    ]


def collections(site: str, members: list[Document]) -> Document:
    """All layers."""
    return {
        "links": [
            link(f"{site}/api/collections", "self", JSON, "The layers"),
            link(f"{site}/api/collections?f=html", "alternate", "text/html", "The layers as a web page"),
        ],
        "crs": list(CRS_URIS),
        "collections": members,
    }


def _extent(extent: Extent) -> Document:
    document: Document = {
        "temporal": {
            "interval": [[moment.isoformat() if moment else None for moment in (extent.first, extent.last)]]
        }
    }
    if extent.box:
        document["spatial"] = {"bbox": [list(extent.box)], "crs": CRS84}
    return document
