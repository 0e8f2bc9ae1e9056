"""The one SQL statement that answers a request for features; every clause has its function.

Only identifiers and constants of the catalogue are spliced into the text; everything from a request is a
bound parameter. PostGIS returns finished GeoJSON text: nothing is parsed or encoded per row in Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import CRS84, LATITUDE_FIRST, Box, FeatureQuery, Interval

FITTED_GRID_SRID = 998277
EXACT_COUNT_LIMIT = 10_000
DECIMALS_DEGREES = 7
DECIMALS_METRES = 2
TEMPORAL_CASTS = {"date": "date", "date-time": "timestamptz"}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and its bound parameters."""

    text: str
    parameters: dict[str, Any]


def items(layer: Layer, query: FeatureQuery, site: str, viewer: tuple[str, ...]) -> Statement:
    """One page: (features joined by commas, how many, id of the last, whether more follow, number matched).

    The number matched is null where it is more than EXACT_COUNT_LIMIT, so that it never dominates the cost.
    """
    parameters: dict[str, Any] = {"site": site, "limit": query.limit, "more": query.limit + 1}
    wanted = list(_conditions(layer, query, viewer, parameters))
    paged = [*wanted, *_after(layer, query, parameters)]
    text = f"""
        WITH page AS (
            SELECT n, id, {_feature(layer, query.crs)} AS feature
            FROM (
                SELECT row_number() OVER () AS n, f.*
                FROM (
                    SELECT f.* FROM {layer.relation} f{_where(paged)}
                    ORDER BY f.{layer.id_column}
                    LIMIT %(more)s{_offset(query, parameters)}
                ) f
            ) f
        )
        SELECT COALESCE(string_agg(feature, E',\\n' ORDER BY n) FILTER (WHERE n <= %(limit)s), ''),
               count(*) FILTER (WHERE n <= %(limit)s),
               max(id::text) FILTER (WHERE n = %(limit)s),
               count(*) > %(limit)s,
               (SELECT NULLIF(count(*), {EXACT_COUNT_LIMIT + 1}) FROM (
                   SELECT FROM {layer.relation} f{_where(wanted)} LIMIT {EXACT_COUNT_LIMIT + 1}) matched)
        FROM page
    """
    return Statement(text, parameters)


def item(layer: Layer, feature_id: str, crs: str, site: str, viewer: tuple[str, ...]) -> Statement:
    """One feature as GeoJSON text, by its public id."""
    parameters: dict[str, Any] = {"site": site, "id": feature_id}
    conditions = [*_visible(layer, viewer, parameters), *_constant(layer), f"f.{layer.id_column} = %(id)s"]
    text = f"SELECT {_feature(layer, crs)} FROM {layer.relation} f{_where(conditions)}"
    return Statement(text, parameters)


def nearest(
    layer: Layer,
    point: tuple[float, float],
    limit: int,
    site: str,
    viewer: tuple[str, ...],
    any_of: tuple[tuple[Property, str], ...] = (),
) -> Statement:
    """(id, distance in metres, GeoJSON feature) in order of distance from a point (longitude, latitude).

    The distance is straight, to the nearest part of the feature, in EPSG:27700. `any_of` keeps features for
    which at least one of the properties holds its value.
    """
    parameters: dict[str, Any] = {"site": site, "limit": limit, "lon": point[0], "lat": point[1]}
    here = f"ST_Transform(ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326), {FITTED_GRID_SRID})"
    geometry = _geometry(layer, 27700)
    conditions = [*_visible(layer, viewer, parameters), *_constant(layer), f"{geometry} IS NOT NULL"]
    if any_of:
        parts = [_equals(p, f"any_{n}", value, parameters) for n, (p, value) in enumerate(any_of)]
        conditions.append(f"({' OR '.join(parts)})")
    distance = "round(distance::numeric, 1)"
    extra = f""", {distance} AS "distance_m", 'straight-line' AS "distance_kind\""""
    text = f"""
        SELECT f.{layer.id_column}::text, distance, {_feature(layer, CRS84, extra)}
        FROM (
            SELECT f.*, {geometry} <-> here.point AS distance
            FROM {layer.relation} f, (SELECT ST_SetSRID({here}, 27700) AS point) here{_where(conditions)}
            ORDER BY {geometry} <-> here.point, f.{layer.id_column}
            LIMIT %(limit)s
        ) f
        ORDER BY distance, f.{layer.id_column}
    """
    return Statement(text, parameters)


def extents(layers: Iterable[Layer], viewer: tuple[str, ...]) -> Statement:
    """(layer id, count, west, south, east, north, first time, last time) of each layer."""
    parameters: dict[str, Any] = {}
    parts = []
    for layer in layers:
        conditions = [*_visible(layer, viewer, parameters), *_constant(layer)]
        box = f"ST_Extent({_geometry(layer, 4326)})"
        first, last = ("NULL::timestamptz", "NULL::timestamptz")
        if layer.time:
            first = f"min(f.{layer.time[0]})::timestamptz"
            last = (
                f"CASE WHEN count(*) = count(f.{layer.time[1]}) THEN max(f.{layer.time[1]})::timestamptz END"
            )
        parts.append(
            f"SELECT '{layer.id}', count(*), ST_XMin({box}), ST_YMin({box}), ST_XMax({box}), ST_YMax({box}), "
            f"{first}, {last} FROM {layer.relation} f{_where(conditions)}"
        )
    return Statement(" UNION ALL ".join(parts), parameters)


def _feature(layer: Layer, crs: str, extra: str = "") -> str:
    srid = _srid(crs)
    geometry = _geometry(layer, srid)
    if crs in LATITUDE_FIRST:
        geometry = f"ST_FlipCoordinates({geometry})"
    decimals = DECIMALS_DEGREES if srid == 4326 else DECIMALS_METRES
    columns = ", ".join(f'{p.sql} AS "{p.name}"' for p in layer.properties)
    # ST_AsGeoJSON's option 0: no bbox, no crs member; the CRS is told in Content-Crs.
    return (
        f"""'{{"type":"Feature","id":' || to_json(f.{layer.id_column})::text"""
        f""" || ',"geometry":' || COALESCE(ST_AsGeoJSON({geometry}, {decimals}, 0), 'null')"""
        f""" || ',"properties":' || (SELECT row_to_json(p)::text FROM (SELECT {columns}{extra}) p) || '}}'"""
    )


def _srid(crs: str) -> int:
    return FeatureQuery(crs=crs).srid


def _geometry(layer: Layer, srid: int) -> str:
    """The geometry in an SRID: a stored column where there is one, else transformed from the truth."""
    column = layer.geometries.get(srid)
    if column is not None:
        return f"f.{column}"
    truth = f"f.{layer.geometries[layer.storage_srid]}"
    if layer.storage_srid == 27700:
        return f"ST_Transform(ST_SetSRID({truth}, {FITTED_GRID_SRID}), {srid})"
    if srid == 27700:
        return f"ST_SetSRID(ST_Transform({truth}, {FITTED_GRID_SRID}), 27700)"
    return f"ST_Transform({truth}, {srid})"


def _conditions(
    layer: Layer, query: FeatureQuery, viewer: tuple[str, ...], parameters: dict[str, Any]
) -> Iterable[str]:
    yield from _visible(layer, viewer, parameters)
    yield from _constant(layer)
    if query.bbox:
        yield _in_box(layer, query.bbox, parameters)
    if query.interval and layer.time:
        yield from _during(layer.time, query.interval, parameters)
    for number, (prop, value) in enumerate(query.equals):
        yield _equals(prop, f"equals_{number}", value, parameters)


def _visible(layer: Layer, viewer: tuple[str, ...], parameters: dict[str, Any]) -> Iterable[str]:
    if layer.visibility_column:
        parameters["viewer"] = list(viewer)
        yield f"f.{layer.visibility_column} = ANY (%(viewer)s)"


def _constant(layer: Layer) -> Iterable[str]:
    if layer.where:
        yield f"({layer.where})"


def _in_box(layer: Layer, box: Box, parameters: dict[str, Any]) -> str:
    parameters |= {"minx": box.minx, "miny": box.miny, "maxx": box.maxx, "maxy": box.maxy}
    geometry = _geometry(layer, box.srid)
    if box.minx <= box.maxx:
        return (
            f"ST_Intersects({geometry}, ST_MakeEnvelope(%(minx)s, %(miny)s, %(maxx)s, %(maxy)s, {box.srid}))"
        )
    return (
        f"(ST_Intersects({geometry}, ST_MakeEnvelope(%(minx)s, %(miny)s, 180, %(maxy)s, {box.srid}))"
        f" OR ST_Intersects({geometry}, ST_MakeEnvelope(-180, %(miny)s, %(maxx)s, %(maxy)s, {box.srid})))"
    )


def _during(time: tuple[str, str], interval: Interval, parameters: dict[str, Any]) -> Iterable[str]:
    """A feature without the time in question matches, as the standard asks."""
    first, last = time
    if interval.end is not None:
        parameters["until"] = interval.end
        yield f"(f.{first} IS NULL OR f.{first} <= %(until)s)"
    if interval.start is not None:
        parameters["since"] = interval.start
        yield f"(f.{last} IS NULL OR f.{last} >= %(since)s)"


def _equals(prop: Property, name: str, value: object, parameters: dict[str, Any]) -> str:
    parameters[name] = value
    if prop.type == "array":
        return f"%({name})s = ANY ({prop.sql})"
    cast = TEMPORAL_CASTS.get(prop.type)
    return f"{prop.sql} = %({name})s" + (f"::{cast}" if cast else "")


def _after(layer: Layer, query: FeatureQuery, parameters: dict[str, Any]) -> Iterable[str]:
    if query.after is not None:
        parameters["after"] = query.after
        yield f"f.{layer.id_column} > %(after)s"


def _offset(query: FeatureQuery, parameters: dict[str, Any]) -> str:
    if not query.offset:
        return ""
    parameters["offset"] = query.offset
    return " OFFSET %(offset)s"


def _where(conditions: Iterable[str]) -> str:
    joined = " AND ".join(conditions)
    return f" WHERE {joined}" if joined else ""
