"""Where places, postcodes and points meet the network, found in PostGIS.

A place is entered by its entrances where the register has them. A green space known by its outline alone is
entered where a path crosses the outline; where none does, from any street that runs along it. Everything
else is reached from the nearest edge, at the nearest point of that edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.network import FARTHEST_ACCESS_M
from mapservice.network.graph import Spot

ALONGSIDE_M = 30
"""A street this near an outline is taken to run along it: half its own width, a pavement, a verge."""

# Never a bridge or a tunnel: one cannot step on to it from beside it.
NEAREST_EDGE = """
    SELECT e.key AS edge, ST_LineLocatePoint(e.geom, c.geom) AS fraction,
           ST_Distance(c.geom, {shape}) AS metres, c.geom
    FROM network.edges e CROSS JOIN LATERAL (SELECT ST_ClosestPoint(e.geom, {shape}) AS geom) c
    WHERE e.at_grade AND (e.step_free OR NOT %(step_free)s) AND ST_DWithin(e.geom, {shape}, %(farthest)s)
    ORDER BY e.geom <-> {shape} LIMIT 1
"""

POINT = """ST_SetSRID(ST_Transform(
    ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326), 998277), 27700)"""
"""A point given in degrees, on the National Grid."""

_OF_PLACES = f"""
    WITH wanted AS MATERIALIZED (
        SELECT p.key AS place, COALESCE(a.geom, g.geom) AS geom,
               ARRAY(SELECT n.geom FROM register.entrances n
                     WHERE (n.asset_key = p.asset_key OR n.green_space_key = p.green_space_key)
                       AND (n.step_free <> 'no' OR NOT %(step_free)s)) AS entrances
        FROM network.places p
        LEFT JOIN register.assets a ON a.key = p.asset_key
        LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
        WHERE p.key = ANY (%(places)s)
    ), points AS (
        SELECT w.place, n.geom, 'entrance' AS method FROM wanted w CROSS JOIN unnest(w.entrances) AS n(geom)
        UNION ALL
        SELECT w.place, w.geom, 'point' FROM wanted w WHERE w.entrances = '{{}}' AND ST_Dimension(w.geom) = 0
    ), outlines AS MATERIALIZED (
        SELECT w.place, ST_Boundary(w.geom) AS geom
        FROM wanted w WHERE w.entrances = '{{}}' AND ST_Dimension(w.geom) = 2
    ), gates AS MATERIALIZED (
        SELECT o.place, e.key AS edge, ST_LineLocatePoint(e.geom, c.geom) AS fraction, 0.0 AS metres, c.geom
        FROM outlines o
        JOIN network.edges e ON e.at_grade AND e.kind <> 'street' AND (e.step_free OR NOT %(step_free)s)
             AND ST_Intersects(e.geom, o.geom)
        CROSS JOIN LATERAL (
            SELECT ST_PointOnSurface((ST_Dump(ST_Intersection(e.geom, o.geom))).geom) AS geom) c
    ), alongside AS MATERIALIZED (
        SELECT o.place, e.key AS edge, ST_LineLocatePoint(e.geom, c.geom) AS fraction,
               ST_Distance(e.geom, o.geom) AS metres, c.geom
        FROM outlines o
        JOIN network.edges e ON e.at_grade AND (e.step_free OR NOT %(step_free)s)
             AND ST_DWithin(e.geom, o.geom, {ALONGSIDE_M})
        CROSS JOIN LATERAL (SELECT ST_ClosestPoint(e.geom, o.geom) AS geom) c
        WHERE NOT EXISTS (SELECT FROM gates g WHERE g.place = o.place)
    )
    SELECT s.place, n.edge, n.fraction, n.metres, s.method, n.geom
    FROM points s CROSS JOIN LATERAL ({NEAREST_EDGE.format(shape="s.geom")}) n
    UNION ALL
    SELECT place, edge, fraction, metres, 'gate', geom FROM gates
    UNION ALL
    SELECT place, edge, fraction, metres, 'alongside', geom FROM alongside
    UNION ALL
    SELECT o.place, n.edge, n.fraction, n.metres, 'point', n.geom
    FROM outlines o CROSS JOIN LATERAL ({NEAREST_EDGE.format(shape="o.geom")}) n
    WHERE NOT EXISTS (SELECT FROM gates g WHERE g.place = o.place)
      AND NOT EXISTS (SELECT FROM alongside g WHERE g.place = o.place)
"""

_OF_POINT = f"""
    SELECT n.edge, n.fraction, n.metres
    FROM (SELECT {POINT} AS geom) p
    CROSS JOIN LATERAL ({NEAREST_EDGE.format(shape="p.geom")}) n
"""


@dataclass(frozen=True, slots=True)
class Access:
    """One way into a place; x and y are metres of the National Grid."""

    place: int
    spot: Spot
    method: str
    x: float
    y: float


def read_access(cursor: Cursor[Any], places: Sequence[int], step_free: bool = False) -> list[Access]:
    """All ways into places (keys of network.places), by what the register and the network say now."""
    parameters = {"places": list(places), "step_free": step_free, "farthest": FARTHEST_ACCESS_M}
    return [
        Access(place, Spot(edge, min(max(fraction, 0.0), 1.0), metres), method, x, y)
        for place, edge, fraction, metres, method, x, y in cursor.execute(
            f"SELECT place, edge, fraction, metres, method, ST_X(geom), ST_Y(geom) FROM ({_OF_PLACES}) found"
            " ORDER BY place, edge",
            parameters,
        )
    ]


def read_spot(cursor: Cursor[Any], longitude: float, latitude: float, step_free: bool = False) -> Spot | None:
    """Where a point (degrees, WGS 84) meets the network; None if it is too far from it."""
    row = cursor.execute(
        _OF_POINT,
        {
            "longitude": longitude,
            "latitude": latitude,
            "step_free": step_free,
            "farthest": FARTHEST_ACCESS_M,
        },
    ).fetchone()
    return Spot(*row) if row else None
