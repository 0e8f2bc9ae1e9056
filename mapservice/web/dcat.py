"""The layers as a catalogue for data portals: DCAT-AP in JSON-LD, with nothing to fetch to read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mapservice.layers.features import Extent
from mapservice.layers.formats import FORMATS, Format
from mapservice.layers.layer import Layer
from mapservice.register.borough import Borough

JSON_LD = "application/ld+json"
Document = dict[str, Any]

_CONTEXT: Document = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "geosparql": "http://www.opengis.net/ont/geosparql#",
}
_EU = "http://publications.europa.eu/resource/authority/"
_IANA = "https://www.iana.org/assignments/media-types/"
_FEATURES_API = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
# DCAT names a media type by its entry in IANA's register, so those without one go by their names alone.
_REGISTERED = frozenset(
    {
        "application/geo+json",
        "application/geo+json-seq",
        "application/geopackage+sqlite3",
        "application/vnd.apache.parquet",
        "application/vnd.google-earth.kml+xml",
        "application/zip",
        "text/csv",
    }
)


def catalogue_document(
    site: str,
    borough: Borough,
    layers: list[Layer],
    extents: Mapping[str, Extent],
    modified: Mapping[str, datetime],
) -> Document:
    """The catalogue. `extents` are by layer id; `modified` is when each tracked relation last changed."""
    name = f"{borough.short_name} community map"
    datasets = [
        _dataset(site, borough, layer, extents[layer.id], modified.get(layer.relation)) for layer in layers
    ]
    changed = [modified[layer.relation] for layer in layers if layer.relation in modified]
    return {
        "@context": _CONTEXT,
        "@id": f"{site}/data#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _text(f"{name}: layers"),
        "dct:description": _text(
            f"Places that can help, green spaces and boundaries of {borough.name}, as map layers."
        ),
        "dct:publisher": {"@id": f"{site}/#service", "@type": "foaf:Agent", "foaf:name": name},
        "foaf:homepage": {"@id": f"{site}/data"},
        "dct:language": {"@id": f"{_EU}language/ENG"},
        **_licence(borough.licence, borough.licence_url),
        **({"dct:modified": _instant(max(changed))} if changed else {}),
        "dcat:service": {
            "@id": f"{site}/api",
            "@type": "dcat:DataService",
            "dct:title": _text(f"{name}: layer API"),
            "dcat:endpointURL": {"@id": f"{site}/api"},
            "dcat:endpointDescription": {"@id": f"{site}/api/openapi.json"},
            "dct:conformsTo": {"@id": _FEATURES_API},
            "dcat:servesDataset": [{"@id": dataset["@id"]} for dataset in datasets],
        },
        "dcat:dataset": datasets,
    }


def _dataset(
    site: str, borough: Borough, layer: Layer, extent: Extent, modified: datetime | None
) -> Document:
    home = f"{site}/api/collections/{layer.id}"
    document: Document = {
        "@id": f"{home}#dataset",
        "@type": "dcat:Dataset",
        "dct:identifier": layer.id,
        "dct:title": _text(layer.title),
        "dct:description": _text(layer.description),
        "dct:publisher": {"@id": f"{site}/#service"},
        "dct:language": {"@id": f"{_EU}language/ENG"},
        "dct:accessRights": {"@id": f"{_EU}access-right/{_access(layer)}"},
        "dct:rights": {"@type": "dct:RightsStatement", "rdfs:label": _text(layer.attribution)},
        "dcat:keyword": [_text(word) for word in (*layer.keywords, borough.short_name)],
        "dcat:landingPage": {"@id": f"{home}?f=html"},
        **_licence(layer.licence, layer.licence_url),
        **_place(extent),
        **_time(layer, extent),
        "dcat:distribution": [_distribution(home, layer, each) for each in FORMATS],
    }
    if modified is not None:
        document["dct:modified"] = _instant(modified)
    return document


def _distribution(home: str, layer: Layer, each: Format) -> Document:
    address = f"{home}/items?f={each.id}"
    document: Document = {
        "@id": f"{home}#{each.id}",
        "@type": "dcat:Distribution",
        "dct:title": _text(f"{layer.title} as {each.title}"),
        "dct:description": _text(each.holds),
        "dcat:accessURL": {"@id": address},
        "dcat:accessService": {"@id": home.partition("/collections/")[0]},
        "dct:format": {"@type": "dct:MediaTypeOrExtent", "rdfs:label": each.title},
        **_licence(layer.licence, layer.licence_url),
    }
    if each.id != "json":  # that comes in pages: an address of its first is no address of the file
        document["dcat:downloadURL"] = {"@id": address}
    if each.media_type in _REGISTERED:
        document["dcat:mediaType"] = {"@id": _IANA + each.media_type}
    return document


def _access(layer: Layer) -> str:
    return "PUBLIC" if layer.visibility == "public" else "RESTRICTED"


def _licence(words: str, address: str | None) -> Document:
    named: Document = {"@type": "dct:LicenseDocument", "rdfs:label": _text(words)}
    return {"dct:license": {"@id": address, "@type": "dct:LicenseDocument"} if address else named}


def _place(extent: Extent) -> Document:
    if extent.box is None:
        return {}
    west, south, east, north = (round(number, 6) for number in extent.box)
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{x} {y}" for x, y in corners)
    outline = {"@type": "geosparql:wktLiteral", "@value": f"POLYGON(({ring}))"}
    return {"dct:spatial": {"@type": "dct:Location", "dcat:bbox": outline}}


def _time(layer: Layer, extent: Extent) -> Document:
    """The time the features are about. When rows were last changed is not that."""
    if layer.time is None or layer.time[0] == layer.time[1]:
        return {}
    period: Document = {"@type": "dct:PeriodOfTime"}
    if extent.first:
        period["dcat:startDate"] = _instant(extent.first)
    if extent.last:
        period["dcat:endDate"] = _instant(extent.last)
    return {"dct:temporal": period} if len(period) > 1 else {}


def _text(words: str) -> Document:
    return {"@language": "en", "@value": words}


def _instant(moment: datetime) -> Document:
    return {"@type": "xsd:dateTime", "@value": moment.isoformat()}
