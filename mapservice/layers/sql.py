"""The one SQL statement that answers a request for features; every clause has its function.

Only identifiers and constants of the catalogue are spliced into the text; everything from a request is a
bound parameter. PostGIS returns finished GeoJSON text: nothing is parsed or encoded per row in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mapservice.layers.layer import Layer, Property
from mapservice.layers.paging import SQL_TYPES, Cursor, SortKey
from mapservice.layers.query import CRS84, CRS_BY_URI, LATITUDE_FIRST, FeatureQuery

FITTED_GRID_SRID = 998277
LONGEST_KEPT = 2000
EXACT_COUNT_LIMIT = 10_000
DECIMALS_DEGREES = 7
DECIMALS_METRES = 2


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and its bound parameters."""

    text: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """All of a query that its SQL text depends on: two queries that differ in values alone share a text."""

    limit: int
    offset: bool
    after: tuple[bool, ...] | None
    backward: bool
    sort: tuple[SortKey, ...]
    crs: str
    box: tuple[int, bool] | None
    interval: tuple[bool, bool] | None
    equals: tuple[Property, ...]
    predicate: str | None
    fields: tuple[str, ...] | None
    geometry: bool
    as_of: bool
    count: bool


def shape_of(query: FeatureQuery, count: bool = False) -> Shape:
    """The shape of a query; `count` adds the number of features that match."""
    cursor, box, interval = query.cursor, query.bbox, query.interval
    return Shape(
        limit=query.limit,
        offset=query.offset > 0,
        after=tuple(key is None for key in cursor.keys) if cursor else None,
        backward=cursor.backward if cursor else False,
        sort=query.sort,
        crs=query.crs,
        box=(box.srid, box.minx > box.maxx) if box else None,
        interval=(interval.start is not None, interval.end is not None) if interval else None,
        equals=tuple(prop for prop, _ in query.equals),
        predicate=query.predicate.sql if query.predicate else None,
        fields=query.fields,
        geometry=query.geometry,
        as_of=query.as_of is not None,
        count=count,
    )


def items(
    layer: Layer, query: FeatureQuery, site: str, viewer: tuple[str, ...], count: bool = False
) -> Statement:
    """A page and one row more, if there is one, in order.

    Each row: (feature, version of the relation or null, number matched or null, values of the sort keys, id).
    """
    shape = shape_of(query, count)
    # The text of a long filter is not worth the memory: it seldom comes twice, and anybody can send many.
    compose = _items_text if len(shape.predicate or "") < LONGEST_KEPT else _items_text.__wrapped__
    return Statement(compose(layer, shape), {"site": site, **bound(query, viewer)})


@lru_cache(maxsize=1024)
def _items_text(layer: Layer, shape: Shape) -> str:
    matched = "NULL::bigint"
    if shape.count:
        source = relation(layer, shape.as_of)
        matched = f"(SELECT count(*) FROM {source} f{where(conditions(layer, shape))})"
    keys = [f"({key.property.sql})::text" for key in shape.sort]
    columns = [
        feature(layer, shape.crs, shape.fields, shape.geometry),
        version(layer),
        matched,
        *keys,
        f"f.{layer.id_column}::text",
    ]
    # The page is chosen inside: what it leaves out, by its offset or its order, is not made into GeoJSON.
    return f"SELECT {', '.join(columns)} FROM ({_page(layer, shape, shape.limit + 1)}) f"


def select(
    layer: Layer,
    query: FeatureQuery,
    expressions: Iterable[str],
    site: str,
    viewer: tuple[str, ...],
    paged: bool = False,
    also: Iterable[str] = (),
) -> Statement:
    """Expressions over the alias `f` for every matching feature, or those of its page, in order.

    For a server-side cursor. `also` are further conditions of the catalogue's making.
    """
    shape = shape_of(query)
    source = relation(layer, shape.as_of)
    wanted = list(also)
    if paged:
        source = f"({_page(layer, shape, shape.limit)})"
    else:
        wanted = [*conditions(layer, shape), *wanted]
    text = (
        f"SELECT {', '.join(expressions)} FROM {source} f{where(wanted)}"
        f" ORDER BY {_order(layer, shape.sort, False)}"
    )
    return Statement(text, {"site": site, **bound(query, viewer)})


def count(layer: Layer, query: FeatureQuery, viewer: tuple[str, ...], most: int | None = None) -> Statement:
    """(number of features that match, version); counts no further than `most` + 1."""
    shape = shape_of(query)
    rows = f"FROM {relation(layer, shape.as_of)} f{where(conditions(layer, shape))}"
    counted = f"SELECT count(*) {rows}"
    if most is not None:
        counted = f"SELECT count(*) FROM (SELECT {rows} LIMIT {most + 1}) capped"
    return Statement(f"SELECT ({counted}), {version(layer)}", bound(query, viewer))


def item(layer: Layer, feature_id: str, query: FeatureQuery, site: str, viewer: tuple[str, ...]) -> Statement:
    """(one feature as GeoJSON text, version of the relation, version of the feature) by its public id.

    Of the query, what does not choose features counts: its CRS, instant and selection of properties.
    """
    as_of = query.as_of
    text = _item_text(layer, query.crs, as_of is not None, query.fields, query.geometry)
    return Statement(text, {"site": site, "id": feature_id, "viewer": list(viewer), "as_of": as_of})


@lru_cache(maxsize=256)
def _item_text(
    layer: Layer, crs: str, as_of: bool, fields: tuple[str, ...] | None, with_geometry: bool
) -> str:
    wanted = [*membership(layer), f"f.{layer.id_column} = %(id)s::{layer.id_type}"]
    shown = feature(layer, crs, fields, with_geometry)
    columns = f"{shown}, {version(layer)}, {feature_version(layer)}"
    return f"SELECT {columns} FROM {relation(layer, as_of, True)} f{where(wanted)}"


def feature_version(layer: Layer) -> str:
    """The version in which the row at hand came to be what it is; null where it cannot be edited."""
    if not (layer.tracked and layer.editable):
        return "NULL::bigint"
    return (
        f"(SELECT v.version_from FROM history.versions v WHERE v.relation = '{layer.relation}'"
        " AND v.row_key = f.row_key AND v.version_to IS NULL)"
    )


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
    parameters["viewer"] = list(viewer)
    here = f"ST_Transform(ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326), {FITTED_GRID_SRID})"
    place = geometry(layer, 27700)
    wanted = [*membership(layer), f"{place} IS NOT NULL"]
    if any_of:
        parameters |= {f"equals_{n}": value for n, (_, value) in enumerate(any_of)}
        wanted.append(f"({' OR '.join(_equals(prop, n) for n, (prop, _) in enumerate(any_of))})")
    extra = """, round(distance::numeric, 1) AS "distance_m", 'straight-line' AS "distance_kind\""""
    text = f"""
        SELECT f.{layer.id_column}::text, distance, {feature(layer, CRS84, extra=extra)}
        FROM (
            SELECT f.*, {place} <-> here.point AS distance
            FROM {layer.relation} f, (SELECT ST_SetSRID({here}, 27700) AS point) here{where(wanted)}
            ORDER BY {place} <-> here.point, f.{layer.id_column}
            LIMIT %(limit)s
        ) f
        ORDER BY distance, f.{layer.id_column}
    """
    return Statement(text, parameters)


def extents(layers: Iterable[Layer], viewer: tuple[str, ...]) -> Statement:
    """(layer id, count, west, south, east, north, first time, last time) of each layer."""
    parts = []
    for layer in layers:
        box = f"ST_Extent({geometry(layer, 4326)})"
        first, last = ("NULL::timestamptz", "NULL::timestamptz")
        if layer.time:
            first = f"min(f.{layer.time[0]})::timestamptz"
            ended = f"count(*) = count(f.{layer.time[1]})"
            last = f"CASE WHEN {ended} THEN max(f.{layer.time[1]})::timestamptz END"
        parts.append(
            f"SELECT '{layer.id}', count(*), ST_XMin({box}), ST_YMin({box}), ST_XMax({box}), ST_YMax({box}), "
            f"{first}, {last} FROM {layer.relation} f{where(membership(layer))}"
        )
    return Statement(" UNION ALL ".join(parts), {"viewer": list(viewer)})


def relation(layer: Layer, as_of: bool = False, one: bool = False) -> str:
    """What the layer reads: its relation now, or its rows as they were at `%(as_of)s`.

    A row that was hidden since from `%(viewer)s` is hidden in its past as well. With `one`, the rows of the
    past are only those called `%(id)s`.
    """
    if not as_of:
        return layer.relation
    column = f"'{layer.visibility_column}'" if layer.visibility_column else "NULL"
    only = ", %(id)s::text" if one else ""
    instant = "%(as_of)s::timestamptz"
    return f"history.as_of(NULL::{layer.relation}, {instant}, {column}, %(viewer)s::text[]{only})"


def feature(
    layer: Layer,
    crs: str,
    fields: tuple[str, ...] | None = None,
    with_geometry: bool = True,
    extra: str = "",
) -> str:
    """An expression over the alias `f`: the feature as GeoJSON text, with the properties in `fields`."""
    srid = CRS_BY_URI[crs]
    place = geometry(layer, srid)
    if crs in LATITUDE_FIRST:
        place = f"ST_FlipCoordinates({place})"
    decimals = DECIMALS_DEGREES if srid == 4326 else DECIMALS_METRES
    # ST_AsGeoJSON's option 0: no bbox, no crs member; the CRS is told in Content-Crs.
    shape = f"COALESCE(ST_AsGeoJSON({place}, {decimals}, 0), 'null')" if with_geometry else "'null'"
    chosen = [prop for prop in layer.properties if fields is None or prop.name in fields]
    columns = ", ".join(f'{prop.sql} AS "{prop.name}"' for prop in chosen) + extra
    properties = f"(SELECT row_to_json(p)::text FROM (SELECT {columns}) p)" if columns else "'{}'"
    # A number is JSON as it is.
    number = f"f.{layer.id_column}" if layer.id_type == "bigint" else f"to_json(f.{layer.id_column})::text"
    return (
        f"""'{{"type":"Feature","id":' || {number} || ',"geometry":' || {shape}"""
        f""" || ',"properties":' || {properties} || '}}'"""
    )


def geometry(layer: Layer, srid: int) -> str:
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


def conditions(layer: Layer, shape: Shape) -> Iterator[str]:
    """What a row must fulfil, whatever the page."""
    yield from membership(layer)
    if shape.box:
        yield _in_box(layer, *shape.box)
    if shape.interval and layer.time:
        yield from _during(layer.time, *shape.interval)
    for number, prop in enumerate(shape.equals):
        yield _equals(prop, number)
    if shape.predicate:
        yield f"({shape.predicate})"


def where(wanted: Iterable[str]) -> str:
    """A WHERE clause of conditions, or nothing."""
    joined = " AND ".join(wanted)
    return f" WHERE {joined}" if joined else ""


def bound(query: FeatureQuery, viewer: tuple[str, ...]) -> dict[str, Any]:
    """The parameters that the conditions of a query name."""
    parameters: dict[str, Any] = {"viewer": list(viewer), "offset": query.offset, "as_of": query.as_of}
    if query.bbox:
        box = query.bbox
        parameters |= {"minx": box.minx, "miny": box.miny, "maxx": box.maxx, "maxy": box.maxy}
    if query.interval:
        parameters |= {"since": query.interval.start, "until": query.interval.end}
    if query.cursor:
        parameters |= {f"after_{n}": key for n, key in enumerate(query.cursor.keys)}
    parameters |= {f"equals_{n}": value for n, (_, value) in enumerate(query.equals)}
    if query.predicate:
        parameters.update(query.predicate.parameters)
    return parameters


def version(layer: Layer) -> str:
    """An expression: the version of the layer's relation, null where none is counted."""
    if not layer.tracked:
        return "NULL::bigint"
    return f"(SELECT version FROM layers.relations WHERE relation = '{layer.relation}')"


def membership(layer: Layer) -> list[str]:
    """What a row must fulfil to be a feature of the layer for `%(viewer)s`, a list of visibilities."""
    wanted = []
    if layer.visibility != "public":
        wanted.append(f"'{layer.visibility}' = ANY (%(viewer)s)")
    if layer.visibility_column:
        wanted.append(f"f.{layer.visibility_column} = ANY (%(viewer)s)")
    if layer.where:
        wanted.append(f"({layer.where})")
    return wanted


def _in_box(layer: Layer, srid: int, across_antimeridian: bool) -> str:
    """A feature without a place matches, as the standard asks."""
    place = geometry(layer, srid)
    if across_antimeridian:
        boxes = [
            f"ST_MakeEnvelope(%(minx)s, %(miny)s, 180, %(maxy)s, {srid})",
            f"ST_MakeEnvelope(-180, %(miny)s, %(maxx)s, %(maxy)s, {srid})",
        ]
    else:
        boxes = [f"ST_MakeEnvelope(%(minx)s, %(miny)s, %(maxx)s, %(maxy)s, {srid})"]
    matches = [f"ST_Intersects({place}, {box})" for box in boxes]
    # Asked only where it can be so: to look for nothing, a spatial index is read from end to end.
    if layer.place_may_be_unknown:
        matches.append(f"f.{layer.geometries[layer.storage_srid]} IS NULL")
    return f"({' OR '.join(matches)})"


def _during(time: tuple[str, str], starts: bool, ends: bool) -> Iterator[str]:
    """A feature without the time in question matches, as the standard asks."""
    first, last = time
    if ends:
        yield f"(f.{first} IS NULL OR f.{first} <= %(until)s)"
    if starts:
        yield f"(f.{last} IS NULL OR f.{last} >= %(since)s)"


def _equals(prop: Property, number: int) -> str:
    if prop.type == "array":
        return f"%(equals_{number})s = ANY ({prop.sql})"
    cast = f"::{SQL_TYPES[prop.type]}" if prop.type in ("date", "date-time") else ""
    return f"{prop.sql} = %(equals_{number})s{cast}"


def _order(layer: Layer, sort: tuple[SortKey, ...], backward: bool) -> str:
    keys = [
        *((key.property.sql, key.descending) for key in sort),
        (f"f.{layer.id_column}", False),
    ]
    return ", ".join(f"{sql} {'DESC' if down != backward else 'ASC'}" for sql, down in keys)


def _page(layer: Layer, shape: Shape, limit: int) -> str:
    """The rows of one page, the nearest to its cursor first."""
    wanted = [*conditions(layer, shape), *_after(layer, shape)]
    return (
        f"SELECT f.* FROM {relation(layer, shape.as_of)} f{where(wanted)}"
        f" ORDER BY {_order(layer, shape.sort, shape.backward)}"
        f" LIMIT {limit}{' OFFSET %(offset)s' if shape.offset else ''}"
    )


def _after(layer: Layer, shape: Shape) -> Iterator[str]:
    """Rows beyond the cursor: equal in the first keys and beyond it in the next, for each number of keys.

    Rows without a value come last going up (PostgreSQL's NULLS LAST) and first going down.
    """
    if shape.after is None:
        return
    keys = [
        *((key.property.sql, SQL_TYPES[key.property.type], key.descending) for key in shape.sort),
        (f"f.{layer.id_column}", layer.id_type, False),
    ]
    alternatives = []
    same: list[str] = []
    for number, ((sql, kind, descending), empty) in enumerate(zip(keys, shape.after, strict=True)):
        value = f"%(after_{number})s::{kind}"
        falling = descending != shape.backward
        nullable = number < len(shape.sort)
        if not empty:
            beyond = f"{sql} {'<' if falling else '>'} {value}"
            if nullable and not falling:
                beyond = f"({beyond} OR {sql} IS NULL)"
        else:
            beyond = f"{sql} IS NOT NULL" if falling else "false"
        alternatives.append(" AND ".join([*same, beyond]))
        same.append(f"{sql} IS NULL" if empty else f"{sql} = {value}")
    yield alternatives[0] if len(alternatives) == 1 else f"({' OR '.join(f'({a})' for a in alternatives)})"


def next_and_previous(
    query: FeatureQuery, near: tuple[str | None, ...] | None, far: tuple[str | None, ...] | None, more: bool
) -> tuple[Cursor | None, Cursor | None]:
    """Cursors of the pages behind and before a page, from the keys of its outermost rows."""
    beyond = Cursor(far, backward=query.cursor.backward if query.cursor else False) if more and far else None
    if query.cursor and query.cursor.backward:
        return (Cursor(near) if near else None), beyond
    return beyond, (Cursor(near, backward=True) if query.begun and near else None)
