"""How to use the data: the addresses of this server for QGIS, ArcGIS, Excel and notebooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from psycopg import Cursor

from mapservice.layers.features import Extent
from mapservice.layers.formats import FORMATS
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery
from mapservice.web import caching, context, reading
from mapservice.web.dcat import JSON_LD, catalogue_document

blueprint = Blueprint("data", __name__)
SHOWN = ("csv", "gpkg", "shp", "kml", "fgb", "parquet")
"""Formats offered in the table of layers, beside GeoJSON; the collections' documents have them all."""


@blueprint.get("/data")
def data() -> Response:
    """Every layer with its address, size, licence and attribution, and how programs connect to it.

    A page for people, or by `f=jsonld` or `Accept` a DCAT catalogue for the programs of data portals.
    """
    layers = list(context.catalogue())
    with context.database().reading() as cursor:
        extents = context.counts().read_extents(cursor, layers, context.viewer())
    response = _catalogue(layers, extents) if _for_programs() else _page(layers, extents)
    response.vary.add("Accept")
    return response


def _for_programs() -> bool:
    asked = request.args.get("f")
    if asked in ("html", "jsonld"):
        return asked == "jsonld"
    return request.accept_mimetypes.best_match(("text/html", JSON_LD), "text/html") == JSON_LD


def _catalogue(layers: list[Layer], extents: dict[str, Extent]) -> Response:
    changes = caching.read_changes(context.database())
    modified = {relation: change.at for relation, change in changes.items()}
    document = catalogue_document(context.site(), context.borough(), layers, extents, modified)
    return Response(orjson.dumps(document), content_type=JSON_LD)


def _examples(cursor: Cursor[Any], layers: list[Layer]) -> dict[str, int]:
    """How many of each layer's features are made up to show how it works, by id."""
    found = {}
    for layer in layers:
        prop = layer.find_property("demonstration")
        if prop is not None:
            only = FeatureQuery(limit=1, equals=((prop, True),), count_exactly=True)
            _, count = context.counts().read_page(cursor, layer, only, context.site(), context.viewer())
            if count.exact:
                found[layer.id] = count.exact
    return found


def _page(layers: list[Layer], extents: dict[str, Extent]) -> Response:
    with context.database().reading() as cursor:
        examples = _examples(cursor, layers)
        example = next((layer for layer in layers if layer.page == reading.ASSETS), layers[0])
        shown = reading.feature_page(cursor, example, FeatureQuery(limit=1)).features
    # A real one, so that the addresses answer as they stand; none where nothing is loaded yet.
    postcode = next((one.properties.get("postcode") or "" for one in shown), "")
    page = render_template(
        "data.html",
        layers=layers,
        formats=[each for each in FORMATS if each.id in SHOWN],
        extents=extents,
        examples=examples,
        site=context.site(),
        example=example,
        today=f"{datetime.now(UTC):%Y-%m-%d}",
        postcode=postcode.replace(" ", "+"),
    )
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Link"] = f'<{context.site()}/data?f=jsonld>; rel="alternate"; type="{JSON_LD}"'
    return response
