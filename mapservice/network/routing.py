"""The way to walk from a point to a place, as a line to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.network import FARTHEST_WALK_M
from mapservice.network.access import POINT, read_access, read_spot
from mapservice.network.graph import Leg
from mapservice.network.store import Source, one_network, read_graphs, read_loaded
from mapservice.network.walking import PATH, STRAIGHT, Subject, Walk

_PLACE = """
    SELECT p.key FROM network.places p
    LEFT JOIN register.assets a ON a.key = p.asset_key
    LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
    WHERE CASE %(subject)s WHEN 'assets' THEN a.id ELSE g.id END = %(id)s
"""
_STRAIGHT = f"""
    SELECT ST_Distance(f.geom, t.geom),
           ST_AsGeoJSON(ST_Transform(ST_SetSRID(ST_MakeLine(f.geom, ST_ClosestPoint(t.geom, f.geom)), 998277),
                                     4326), 6)
    FROM (SELECT {POINT} AS geom) f
    CROSS JOIN (
        SELECT COALESCE(a.geom, g.geom) AS geom FROM network.places p
        LEFT JOIN register.assets a ON a.key = p.asset_key
        LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
        WHERE p.key = %(place)s
    ) t
    WHERE t.geom IS NOT NULL
"""
# From where somebody stands along the pieces of edges to the place; an outline ends where it is entered.
_LINE = f"""
    WITH legs AS (
        SELECT l.n, e.step_free,
               CASE WHEN l.begin <= l.finish THEN ST_LineSubstring(e.geom, l.begin, l.finish)
                    ELSE ST_Reverse(ST_LineSubstring(e.geom, l.finish, l.begin)) END AS geom
        FROM unnest(%(edges)s::integer[], %(begins)s::float8[], %(ends)s::float8[])
             WITH ORDINALITY AS l(edge, begin, finish, n)
        JOIN network.edges e ON e.key = l.edge
    )
    SELECT ST_AsGeoJSON(ST_Transform(ST_SetSRID(ST_MakeLine(geom ORDER BY n), 998277), 4326), 6),
           bool_and(step_free)
    FROM (
        SELECT 0 AS n, NULL::boolean AS step_free, {POINT} AS geom
        UNION ALL
        SELECT n, step_free, geom FROM legs
        UNION ALL
        SELECT 2000000000, NULL, a.geom
        FROM network.places p JOIN register.assets a ON a.key = p.asset_key WHERE p.key = %(place)s
    ) pieces
"""


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a place: `line` is GeoJSON; `step_free` is None where nobody knows, as of a straight line."""

    walk: Walk
    line: str
    step_free: bool | None
    source: Source | None


def find_route(
    cursor: Cursor[Any],
    longitude: float,
    latitude: float,
    subject: Subject,
    place_id: str,
    step_free: bool = False,
) -> Route | None:
    """The shortest way on foot from a point to a place, without steps if so wished.

    A straight line, which says so, where no way is known; None for a place that has no position.
    """
    row = cursor.execute(_PLACE, {"subject": subject, "id": place_id}).fetchone()
    if row is None:
        return None
    parameters: dict[str, Any] = {"longitude": longitude, "latitude": latitude, "place": row[0]}
    with one_network(cursor):
        along = _along_paths(cursor, parameters, step_free)
    return along or _straight(cursor, parameters)


def _along_paths(cursor: Cursor[Any], parameters: dict[str, Any], step_free: bool) -> Route | None:
    loaded = read_loaded(cursor)
    graphs = read_graphs(cursor, loaded.digest) if loaded else None
    if loaded is None or graphs is None:
        return None
    here = read_spot(cursor, parameters["longitude"], parameters["latitude"], step_free)
    ways_in = read_access(cursor, [parameters["place"]], step_free)
    if here is None or not ways_in:
        return None
    graph = graphs.step_free if step_free else graphs.all
    found = graph.route(here, [access.spot for access in ways_in], FARTHEST_WALK_M)
    if found is None:
        return None
    metres, legs = found
    line, free = cursor.execute(_LINE, parameters | _arrays(legs)).fetchone() or (None, None)
    return Route(Walk(round(metres), PATH), line, free is not False, loaded.source) if line else None


def _straight(cursor: Cursor[Any], parameters: dict[str, Any]) -> Route | None:
    row = cursor.execute(_STRAIGHT, parameters).fetchone()
    return Route(Walk(round(row[0]), STRAIGHT), row[1], None, None) if row else None


def _arrays(legs: list[Leg]) -> dict[str, list[Any]]:
    return {
        "edges": [leg.edge for leg in legs],
        "begins": [leg.begin for leg in legs],
        "ends": [leg.end for leg in legs],
    }
