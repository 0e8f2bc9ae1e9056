"""How to use the data: the addresses of this server for QGIS, ArcGIS, Excel and notebooks."""

from __future__ import annotations

from flask import Blueprint, render_template

from mapservice.layers.features import read_extents
from mapservice.layers.formats import FORMATS
from mapservice.layers.query import FeatureQuery
from mapservice.web import context, reading

blueprint = Blueprint("data", __name__)
SHOWN = ("csv", "gpkg", "shp", "kml", "fgb", "parquet")
"""Formats offered in the table of layers, beside GeoJSON; the collections' documents have them all."""


@blueprint.get("/data")
def data() -> str:
    """Every layer with its address, size, licence and attribution, and how programs connect to it."""
    layers = list(context.catalogue())
    with context.database().reading() as cursor:
        extents = read_extents(cursor, layers, context.viewer())
        example = next((layer for layer in layers if layer.page == reading.ASSETS), layers[0])
        shown = reading.feature_page(cursor, example, FeatureQuery(limit=1)).features
    # A real one, so that the addresses answer as they stand; none where nothing is loaded yet.
    postcode = next((one.properties.get("postcode") or "" for one in shown), "")
    return render_template(
        "data.html",
        layers=layers,
        formats=[each for each in FORMATS if each.id in SHOWN],
        extents=extents,
        site=context.site(),
        example=example,
        postcode=postcode.replace(" ", "+"),
    )
