"""The map page, the files Folium's maps consist of, and the search by name for the map's search box."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import cast

import psycopg
from convertbng.cutil import convert_lonlat
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request

from mapservice.finder.names import find_names
from mapservice.layers.formats import FORMAT_BY_ID
from mapservice.layers.layer import Layer
from mapservice.layers.query import MAX_LIMIT
from mapservice.layers.visibility import Viewer
from mapservice.maps import BuiltMap, FrontendFiles, base_map, build_map
from mapservice.maps.build import VARIANTS, Variant
from mapservice.web import context, frontend
from mapservice.web.languages import gettext
from mapservice.web.security import ONE_YEAR

blueprint = Blueprint("maps", __name__)

_building = Lock()

LOCALITY_ZOOM = 14
LOCALITY_VIEWS = """
    SELECT name, ST_X(middle), ST_Y(middle)
    FROM register.areas, ST_Centroid(ST_Envelope(geom_4326)) middle
    WHERE boundary_set_id = 'localities'
    ORDER BY name
"""


def built_map(variant: Variant) -> BuiltMap:
    """The rendered map of a variant for whoever asks: built when first needed and kept with the app."""
    kept = _kept(current_app)
    key = (variant, context.viewer())
    with _building:
        if key not in kept:
            kept[key] = _build(variant)
        return kept[key]


@blueprint.get("/map")
def whole_map() -> str:
    """The map of every layer, with its legend, search and the list of what is in view."""
    layers = list(context.catalogue())
    places = [layer for layer in layers if layer.style.symbol not in ("outline", "area")]
    green = [layer for layer in layers if layer.style.symbol == "area"]
    outlines = [layer for layer in layers if layer.style.symbol == "outline"]
    return render_template(
        "map.html",
        built=built_map("full"),
        groups=(
            (gettext("Places that can help"), places),
            (gettext("Green spaces"), green),
            (gettext("Boundaries"), outlines),
        ),
        formats=_formats(),
        localities=_locality_views(),
    )


def _locality_views() -> list[dict[str, str]]:
    """Each locality by name, with the place and zoom at which the map shows it, as in the map's address.

    None while the database is away: the map is there without them.
    """
    try:
        with context.database().reading() as cursor:
            rows = cursor.execute(LOCALITY_VIEWS).fetchall()
    except psycopg.OperationalError:
        return []
    return [{"name": name, "view": f"{LOCALITY_ZOOM}/{y:.5f}/{x:.5f}"} for name, x, y in rows]


def _formats() -> list[dict[str, object]]:
    """How what is in view is offered as data: a page of GeoJSON to look at, or a file with all of it."""
    page = {"title": FORMAT_BY_ID["json"].title, "query": f"limit={MAX_LIMIT}", "download": False}
    files = (FORMAT_BY_ID[name] for name in ("csv", "gpkg"))
    return [page, *({"title": each.title, "query": f"f={each.id}", "download": True} for each in files)]


@blueprint.get("/map/<name>")
def map_file(name: str) -> Response:
    """A script or style of a map, under a name that holds its hash, so that it can be kept for ever."""
    variant = name.partition("-")[0]
    if variant not in VARIANTS:
        abort(404)
    built = built_map(variant)
    if name == built.script_name:
        response = Response(built.script, mimetype="text/javascript")
    elif name == built.style_name:
        response = Response(built.style, mimetype="text/css")
    else:
        abort(404)
    response.headers["Cache-Control"] = ONE_YEAR
    return response


@blueprint.get("/map/names")
def names() -> Response | tuple[Response, int]:
    """Places and areas whose name holds the text ``q``, for the map's search box: at most eight."""
    text = " ".join(request.args.get("q", "").replace("\x00", "").split())
    if not 2 <= len(text) <= 80:
        problem = jsonify(
            type="about:blank", title="Bad request", status=400, detail="q must have from 2 to 80 characters"
        )
        problem.mimetype = "application/problem+json"
        return problem, 400
    with context.database().reading() as cursor:
        found = find_names(cursor, _ranked(context.catalogue()), text, 8, context.viewer())
    return jsonify(places=found)


def _kept(app: Flask) -> dict[tuple[Variant, Viewer], BuiltMap]:
    return cast(dict[tuple[Variant, Viewer], BuiltMap], app.extensions.setdefault("maps", {}))


def _build(variant: Variant) -> BuiltMap:
    settings = context.settings()
    borough = context.borough()
    bundle = "survey" if variant == "draw" else "map"
    files = FrontendFiles(
        script=f"{current_app.static_url_path}/{frontend.asset_path(f'{bundle}.js')}",
        style=f"{current_app.static_url_path}/{frontend.asset_path(f'{bundle}.css')}",
    )
    return build_map(
        _ranked(context.catalogue()),
        files=files,
        centre=borough.map_centre,
        zoom=borough.map_zoom,
        bounds=_degrees(borough.extent),
        base=base_map(settings.basemap, settings.basemap_url, settings.basemap_attribution),
        variant=variant,
    )


def _ranked(layers: Iterable[Layer]) -> list[Layer]:
    """A place in several layers is drawn as the first of them: kinds go before catch-alls."""
    return sorted(layers, key=lambda layer: not layer.style.shown)


def _degrees(extent: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """An extent in EPSG:27700 as (west, south, east, north)."""
    west, south, east, north = extent
    longitudes, latitudes = convert_lonlat([west, east], [south, north])
    return float(longitudes[0]), float(latitudes[0]), float(longitudes[1]), float(latitudes[1])
