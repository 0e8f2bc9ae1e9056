"""Vector tiles: one SQL statement reads, simplifies and encodes a tile, or a tile of several layers.

The tiles are those of WebMercatorQuad, cut from the geometry stored in EPSG:3857 where it is. Where a layer
has more than FEATURE_LIMIT features in a tile, the statement says so instead, and a second one draws a
selection that costs about the same however much there is. Features come in the order of their ids, so that
the same data gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from psycopg import Cursor

from mapservice.database import rows
from mapservice.layers import sql
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import FeatureQuery
from mapservice.layers.visibility import Viewer

TILE_MATRIX_SET = "WebMercatorQuad"
MAX_ZOOM = 22
FEATURE_LIMIT = 10_000
"""A layer with more features than this in one tile is thinned there, and each of them says so: `thinned`."""
CELLS = 64
"""Of an over-full tile of points, one is kept in each cell of a grid of so many columns and rows."""
DETAIL_ZOOM = 14
"""From here on features carry all their attributes, and none is too small to be drawn."""
EXACT_ZOOM = 15
"""From here on outlines are not simplified."""

EXTENT = 4096
BUFFER = 64
"""Units around a tile that belong to it too, so that a symbol or line on its border is drawn whole."""
TOLERANCE = 4
"""Units by which simplifying may move an outline: half a pixel of a tile drawn at 512 pixels."""
SMALLEST = 8
"""Units an outline must measure at least: one pixel."""
RADIUS = 6378137.0
HALF_WORLD = math.pi * RADIUS
"""Metres of EPSG:3857 from its origin to the edge of the world."""

_SIMPLE = {
    "string": "({})::text",
    "integer": "({})::bigint",
    "number": "({})::double precision",
    "boolean": "{}",
    "date": "({})::text",
    # As to_json writes it, which costs more: a tenth of a tile's time.
    "date-time": """replace((({})::timestamptz AT TIME ZONE 'UTC')::text, ' ', 'T') || '+00:00'""",
    "array": "array_to_string({}, ',')",
}


def tile_exists(z: int, x: int, y: int) -> bool:
    """Whether the tile matrix set has such a tile."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


def tile_properties(
    layer: Layer, detailed: bool, fields: tuple[str, ...] | None = None
) -> tuple[Property, ...]:
    """What features carry beside their id: `fields` of them, else all simple ones, or the layer's brief ones.

    A list of words is one text, joined by commas; objects have no form in a tile.
    """
    return tuple(prop for prop in layer.properties if _fits(prop) and _wanted(layer, prop, detailed, fields))


def read_tile(
    cursor: Cursor[Any],
    layer: Layer,
    z: int,
    x: int,
    y: int,
    query: FeatureQuery,
    viewer: Viewer,
) -> bytes:
    """One layer's features in a tile that exists, as a Mapbox Vector Tile; no bytes where it has none."""
    return read_tiles(cursor, [layer], z, x, y, query, viewer)


def read_tiles(
    cursor: Cursor[Any],
    layers: Iterable[Layer],
    z: int,
    x: int,
    y: int,
    query: FeatureQuery,
    viewer: Viewer,
) -> bytes:
    """The same of several layers in one tile; the query holds for each of them."""
    wanted = tuple(layers)
    statement = tile(wanted, z, x, y, query, viewer)
    parts = dict(zip(wanted, _parts(cursor, statement), strict=True))
    overfull = tuple(layer for layer, part in parts.items() if part is None)
    if overfull:
        statement = tile(overfull, z, x, y, query, viewer, thinned=True)
        parts.update(zip(overfull, _parts(cursor, statement), strict=True))
    return b"".join(part or b"" for part in parts.values())


def _parts(cursor: Cursor[Any], statement: sql.Statement) -> list[bytes | None]:
    found = rows.run(cursor.connection, statement.text, statement.parameters, binary=True)
    return [found.get_value(0, column) for column in range(found.nfields)]


def tile(
    layers: tuple[Layer, ...],
    z: int,
    x: int,
    y: int,
    query: FeatureQuery,
    viewer: Viewer,
    thinned: bool = False,
) -> sql.Statement:
    """(each layer's part of a tile, null where it is over-full), or those of a selection of the features."""
    shape = sql.shape_of(query)
    # As in sql.items: the text of a long filter is not worth the memory.
    compose = _text if len(shape.predicate or "") < sql.LONGEST_KEPT else _text.__wrapped__
    text = compose(layers, shape, z >= DETAIL_ZOOM, z >= EXACT_ZOOM, thinned)
    width = 2 * HALF_WORLD / 2**z
    unit = width / EXTENT
    west, north = -HALF_WORLD + x * width, HALF_WORLD - y * width
    parameters = {
        **sql.bound(query, viewer),
        "tile_west": west,
        "tile_south": north - width,
        "tile_east": west + width,
        "tile_north": north,
        **_box(west - unit * BUFFER, north - width - unit * BUFFER, width + 2 * unit * BUFFER),
        "tile_tolerance": unit * TOLERANCE,
        "tile_smallest": unit * SMALLEST,
        "tile_cell": width / CELLS,
    }
    return sql.Statement(text, parameters)


@lru_cache(maxsize=512)
def _text(layers: tuple[Layer, ...], shape: sql.Shape, detailed: bool, exact: bool, thinned: bool) -> str:
    parts = (_layer_text(layer, shape, detailed, exact, thinned) for layer in layers)
    return f"SELECT {', '.join(parts)}"


def _box(west: float, south: float, width: float) -> dict[str, float]:
    """A square of EPSG:3857 as parameters, in its metres and in degrees.

    Worked out here because the database takes a longitude beyond 180 for one on the other side of the world.
    """
    metres = (west, south, west + width, south + width)
    degrees = (
        math.degrees(west / RADIUS),
        math.degrees(math.atan(math.sinh(south / RADIUS))),
        math.degrees((west + width) / RADIUS),
        math.degrees(math.atan(math.sinh((south + width) / RADIUS))),
    )
    corners = ("minx", "miny", "maxx", "maxy")
    return {
        f"tile_{name}_{srid}": value
        for srid, box in ((3857, metres), (4326, degrees))
        for name, value in zip(corners, box, strict=True)
    }


def _index(layer: Layer) -> int | None:
    """The SRID of the stored geometry by whose index a tile's features are found."""
    return next((srid for srid in (3857, 4326) if srid in layer.geometries), None)


def _in_tile(layer: Layer) -> str:
    srid = _index(layer) or 3857
    corners = ", ".join(f"%(tile_{name}_{srid})s" for name in ("minx", "miny", "maxx", "maxy"))
    return f"{sql.geometry(layer, srid)} && ST_MakeEnvelope({corners}, {srid})"


_BOUNDS = "ST_MakeEnvelope(%(tile_west)s, %(tile_south)s, %(tile_east)s, %(tile_north)s, 3857)"


def _layer_text(layer: Layer, shape: sql.Shape, detailed: bool, exact: bool, thinned: bool) -> str:
    place = sql.geometry(layer, 3857)
    wanted = [*sql.conditions(layer, shape)]
    if layer.geometry_kind != "point" and not detailed:
        wanted.append(_large_enough(layer, place))
    within = sql.where([_in_tile(layer), *wanted])
    chosen = tile_properties(layer, detailed, shape.fields)
    # Features have numbers from 0 and nothing else for ids: one that is a text, or negative, is an attribute.
    numbered = layer.id_type == "bigint"
    key = "_number" if numbered else "id"
    own = f"f.{layer.id_column}"
    names = [key, *(["id"] if numbered else []), *(prop.name for prop in chosen)]
    ids = [own, f"CASE WHEN {own} < 0 THEN {own} END"] if numbered else [own]
    values = [*ids, *(_SIMPLE[prop.type].format(prop.sql) for prop in chosen)]
    columns = ", ".join(f'{value} AS "{name}"' for value, name in zip(values, names, strict=True))
    rows = f"SELECT {columns}, {place} AS _place FROM {sql.relation(layer, shape.as_of)} f"
    # Texts by bytes, which is quicker than by the rules of a language and the same on every machine.
    collation = "" if numbered else ' COLLATE "C"'
    number = f", '{key}'" if numbered else ""
    simplified = layer.geometry_kind != "point" and not exact
    drawn = "ST_Simplify(_place, %(tile_tolerance)s, true)" if simplified else "_place"
    if not thinned:
        taken = f"{rows}{within} LIMIT {FEATURE_LIMIT + 1}"
    elif layer.geometry_kind == "point" and _index(layer) and not shape.as_of:
        taken = _one_in_each_cell(layer, rows, wanted, f"{key}{collation}")
    else:
        largest_first = f"{_size(place)} DESC NULLS LAST, f.{layer.id_column}{collation}"
        taken = f"{rows}{within} ORDER BY {largest_first} LIMIT {FEATURE_LIMIT}"
    encoded = f"ST_AsMVT(t, '{layer.id}', {EXTENT}, '_geometry'{number})"
    encoded = f"COALESCE({encoded} FILTER (WHERE _geometry IS NOT NULL), '')"
    if not thinned:
        encoded = f"CASE WHEN count(*) <= {FEATURE_LIMIT} THEN {encoded} END"
    # OFFSET 0 keeps the database from encoding every geometry a second time to see whether it is null, and
    # from making the tile's bounds anew for each.
    return f"""(
        SELECT {encoded}
        FROM (
            SELECT {", ".join(f'"{name}"' for name in names)}{", true AS thinned" if thinned else ""},
                   ST_AsMVTGeom({drawn}, bounds, {EXTENT}, {BUFFER}, true) AS _geometry
            FROM ({taken}) taken, (SELECT {_BOUNDS} AS bounds OFFSET 0) tile
            ORDER BY {key}{collation} OFFSET 0
        ) t
    )"""


def _one_in_each_cell(layer: Layer, rows: str, wanted: list[str], order: str) -> str:
    """The point nearest to the middle of each cell, found by the index without reading the others.

    Cells lie the same way in neighbouring tiles, and reach one beyond the tile, over its buffer. Of points
    equally near, the one with the first id.
    """
    cell = (
        "ST_MakeEnvelope(%(tile_west)s + a * %(tile_cell)s, %(tile_north)s - (b + 1) * %(tile_cell)s,"
        " %(tile_west)s + (a + 1) * %(tile_cell)s, %(tile_north)s - b * %(tile_cell)s, 3857)"
    )
    middle = (
        "ST_SetSRID(ST_MakePoint(%(tile_west)s + (a + 0.5) * %(tile_cell)s,"
        " %(tile_north)s - (b + 0.5) * %(tile_cell)s), 3857)"
    )
    first, last = -1, CELLS
    if _index(layer) == 4326:
        cell, middle = f"ST_Transform({cell}, 4326)", f"ST_Transform({middle}, 4326)"
        # A cell beyond the edge of the world would come out on its other side.
        first, last = 0, CELLS - 1
    place = sql.geometry(layer, _index(layer) or 3857)
    return f"""
        SELECT nearest.*
        FROM generate_series({first}, {last}) a, generate_series({first}, {last}) b, LATERAL (
            SELECT * FROM (
                {rows}{sql.where([f"{place} && {cell}", *wanted])}
                ORDER BY {place} <-> {middle} FETCH FIRST 1 ROW WITH TIES
            ) ties ORDER BY {order} LIMIT 1
        ) nearest
    """


def _size(place: str) -> str:
    box = f"({place})::box2d"
    return f"GREATEST(ST_XMax({box}) - ST_XMin({box}), ST_YMax({box}) - ST_YMin({box}))"


def _large_enough(layer: Layer, place: str) -> str:
    large = f"{_size(place)} >= %(tile_smallest)s"
    return large if layer.geometry_kind == "polygon" else f"(ST_Dimension({place}) = 0 OR {large})"


def _fits(prop: Property) -> bool:
    # Other arrays are lists of objects; what depends on the service's address would make tiles depend on it.
    simple = prop.filterable if prop.type == "array" else prop.type in _SIMPLE
    return simple and prop.name != "id" and "%(" not in prop.sql


def _wanted(layer: Layer, prop: Property, detailed: bool, fields: tuple[str, ...] | None) -> bool:
    if fields is not None:
        return prop.name in fields
    return detailed or prop.name in layer.brief
