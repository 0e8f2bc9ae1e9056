"""Finding features of any layer by part of their name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.layers import sql
from mapservice.layers.layer import Layer
from mapservice.layers.visibility import ANONYMOUS, Viewer


def find_names(
    cursor: Cursor[Any], layers: Iterable[Layer], text: str, limit: int, viewer: Viewer = ANONYMOUS
) -> list[dict[str, Any]]:
    """Features whose name holds ``text`` whatever the case, names that begin with it first.

    Each is ``{"id", "layer", "name", "kind", "longitude", "latitude"}`` (degrees), once however many layers
    it is in: ``layer`` is the first of those given.
    """
    parameters: dict[str, Any] = {"text": text, "pattern": f"%{_literal(text)}%", "limit": limit}
    parameters["viewer"] = list(viewer)
    given = list(layers)
    parts = [_part(number, layer, parameters) for number, layer in enumerate(given)]
    if not parts:
        return []
    statement = f"""
        SELECT id, rank, name, kind, ST_X(middle), ST_Y(middle)
        FROM (
            SELECT DISTINCT ON (family, id) family, id, name, kind, middle, rank
            FROM ({" UNION ALL ".join(parts)}) found
            ORDER BY family, id, rank
        ) once
        ORDER BY position(lower(%(text)s) IN lower(name)) > 1, length(name), name
        LIMIT %(limit)s
    """  # noqa: S608 - only names from the catalogue are spliced; the text is a parameter
    return [
        {
            "id": feature_id,
            "layer": given[rank].id,
            "name": name,
            "kind": kind,
            "longitude": longitude,
            "latitude": latitude,
        }
        for feature_id, rank, name, kind, longitude, latitude in cursor.execute(statement, parameters)
    ]


def _part(number: int, layer: Layer, parameters: dict[str, Any]) -> str:
    geometry = f"f.{layer.geometries[4326]}" if 4326 in layer.geometries else None
    if geometry is None:
        return "SELECT '', '', '', '', NULL::geometry, 0 WHERE false"
    parameters[f"family_{number}"] = layer.page or layer.id
    parameters[f"title_{number}"] = layer.title
    own_kind = layer.find_property("kind")
    kind = f"COALESCE({own_kind.sql}, %(title_{number})s)" if own_kind else f"%(title_{number})s"
    conditions = [f"f.{layer.name_property} ILIKE %(pattern)s", f"{geometry} IS NOT NULL"]
    conditions += sql.membership(layer)
    return f"""(
        SELECT %(family_{number})s AS family, f.{layer.id_column}::text AS id,
               f.{layer.name_property} AS name,
               {kind} AS kind, ST_PointOnSurface({geometry}) AS middle, {number} AS rank
        FROM {layer.relation} f
        WHERE {" AND ".join(conditions)}
        ORDER BY length(f.{layer.name_property}) LIMIT %(limit)s
    )"""  # noqa: S608 - only names from the catalogue are spliced; the text is a parameter


def _literal(text: str) -> str:
    """The text with LIKE's own signs taken as they stand."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True, slots=True)
class Named:
    """Something with a name from which a search can start; `id` is its layer and id, or a locality alone."""

    id: str
    name: str
    kind: str
    longitude: float
    latitude: float


_ORDER = "ORDER BY lower(name) NOT IN"
_SLIP = "word_similarity(%(text)s, f.name) > 0.6"
# A street is known by the places that stand in it. Names have an index; addresses are few enough to look
# through. Of a ward with the same name in two vintages the newer is meant.
_NAMED = """
SELECT layer_id, name, kind, lon, lat FROM (
    SELECT DISTINCT ON (lower(name), layer) layer || '/' || id AS layer_id, name, kind,
           ST_X(point) AS lon, ST_Y(point) AS lat, alike,
           max(alike) OVER () AS best
    FROM (
        SELECT 'localities' AS layer, a.id, a.name, 'Locality' AS kind,
               ST_PointOnSurface(a.geom_4326) AS point, a.vintage,
               similarity(a.name, %(area)s) AS alike
        FROM layers.areas a WHERE a.boundary_set_id = 'localities' AND a.name ILIKE %(area_pattern)s
        UNION ALL
        SELECT 'wards', a.boundary_set_id || '/' || a.id, a.name, 'Ward', ST_PointOnSurface(a.geom_4326),
               a.vintage, similarity(a.name, %(area)s)
        FROM layers.areas a WHERE a.kind = 'ward' AND a.name ILIKE %(area_pattern)s
        UNION ALL
        SELECT 'assets', f.id, f.name, COALESCE(f.kind, 'Place'), f.geom_4326, '',
               word_similarity(%(text)s, f.name)
        FROM layers.assets f
        WHERE f.visibility = 'public' AND f.geom IS NOT NULL AND NOT f.demonstration
          AND (f.name ILIKE %(pattern)s OR f.address ILIKE %(pattern)s)
        UNION ALL
        SELECT 'green-spaces', f.id, f.name, 'Green space', ST_PointOnSurface(f.geom_4326), '',
               word_similarity(%(text)s, f.name)
        FROM layers.green_spaces f
        WHERE f.visibility = 'public' AND f.status = 'existing' AND NOT f.demonstration
          AND f.name ILIKE %(pattern)s
    ) named ORDER BY lower(name), layer, vintage DESC, id
) once
ORDER BY lower(name) NOT IN (lower(%(text)s), lower(%(area)s)),
         position(lower(%(text)s) IN lower(name)) <> 1, length(name), name
LIMIT %(limit)s
"""
# The same for a name with a slip in it.
_ALIKE = (
    _NAMED.replace("a.name ILIKE %(area_pattern)s", "similarity(a.name, %(area)s) > 0.45")
    .replace("(f.name ILIKE %(pattern)s OR f.address ILIKE %(pattern)s)", _SLIP)
    .replace("f.name ILIKE %(pattern)s", _SLIP)
    .replace(_ORDER, f"WHERE alike > best - 0.1 {_ORDER}")
)
_ONE = """
SELECT 'assets/' || f.id, f.name, COALESCE(f.kind, 'Place'), ST_X(f.geom_4326), ST_Y(f.geom_4326)
FROM layers.assets f
WHERE 'assets/' || f.id = %(id)s AND f.visibility = 'public' AND f.geom IS NOT NULL
UNION ALL
SELECT 'green-spaces/' || f.id, f.name, 'Green space', ST_X(p.point), ST_Y(p.point)
FROM layers.green_spaces f, LATERAL (SELECT ST_PointOnSurface(f.geom_4326) AS point) p
WHERE 'green-spaces/' || f.id = %(id)s AND f.visibility = 'public'
UNION ALL
SELECT 'wards/' || a.boundary_set_id || '/' || a.id, a.name, 'Ward', ST_X(p.point), ST_Y(p.point)
FROM layers.areas a, LATERAL (SELECT ST_PointOnSurface(a.geom_4326) AS point) p
WHERE 'wards/' || a.boundary_set_id || '/' || a.id = %(id)s AND a.kind = 'ward'
"""
_POSTCODES = """
SELECT 'postcodes/' || postcode, postcode, 'Postcode', ST_X(geom_4326), ST_Y(geom_4326)
FROM register.postcodes WHERE postcode = ANY (%(postcodes)s)
ORDER BY array_position(%(postcodes)s, postcode)
"""
# Known by the places in it: the one nearest to their middle stands for it. Where none has a number it is no
# street (a district behind a comma), and what is nowhere near itself is several.
_STREET = """
WITH along AS (
    SELECT substring(f.address FROM %(street)s) AS street, f.address ~* %(numbered)s AS numbered, f.id,
           f.geom, f.geom_4326
    FROM layers.assets f
    WHERE f.visibility = 'public' AND f.geom IS NOT NULL AND NOT f.demonstration AND f.address ~* %(street)s
),
measured AS (
    SELECT a.*, ST_Distance(a.geom, m.geom) AS metres, max(ST_Distance(a.geom, m.geom)) OVER () AS farthest,
           bool_or(a.numbered) OVER () AS street_at_all
    FROM along a, (SELECT ST_Centroid(ST_Collect(geom)) AS geom FROM along) m
)
SELECT 'streets/' || street, street, 'Street', ST_X(geom_4326), ST_Y(geom_4326)
FROM measured
WHERE street_at_all AND farthest < %(longest)s
ORDER BY metres, id
LIMIT 1
"""
LONGEST_STREET_M = 3000
_LOCALITIES = """
SELECT 'localities/' || a.id, a.name, 'Locality', ST_X(p.point), ST_Y(p.point)
FROM layers.areas a, LATERAL (SELECT ST_PointOnSurface(a.geom_4326) AS point) p
WHERE a.boundary_set_id = 'localities' ORDER BY a.name
"""


def find_starts(cursor: Cursor[Any], text: str, limit: int, borough: str = "") -> list[Named]:
    """Places, green spaces, localities, wards and places in a street of some name, the likeliest first.

    A slip in the name is forgiven where nothing has it as typed. An area may have the borough's name behind
    its own, as in South Borough.
    """
    area = area_name(text, borough)
    parameters = {
        "text": text,
        "pattern": f"%{_literal(text)}%",
        "area": area,
        "area_pattern": f"%{_literal(area)}%",
        "limit": limit,
    }
    for statement in (_NAMED, _ALIKE):
        found = [Named(*row) for row in cursor.execute(statement, parameters)]
        if found:
            return found
    return []


def find_street(cursor: Cursor[Any], text: str) -> Named | None:
    """A spot in the street of a name, about the middle of what is known to stand there; or None."""
    name = rf"{re.escape(text)}(?=\s*(?:,|$))"
    parameters = {
        "street": rf"(?i)\m{name}",
        "numbered": rf"(?i)\m[0-9]+[a-z]?(?:[-\u2013/][0-9]+[a-z]?)?\s+{name}",
        "longest": LONGEST_STREET_M,
    }
    row = cursor.execute(_STREET, parameters).fetchone()
    return Named(*row) if row else None


def area_name(text: str, borough: str) -> str:
    """The name of an area without the borough's behind it."""
    ending = f" {borough}".lower()
    return text[: -len(ending)] if borough and text.lower().endswith(ending) else text


def find_localities(cursor: Cursor[Any]) -> list[Named]:
    """Every locality, for somebody to choose from."""
    return [Named(*row) for row in cursor.execute(_LOCALITIES)]


def find_postcodes(cursor: Cursor[Any], postcodes: Iterable[str]) -> list[Named]:
    """Those of some postcodes that there are, in their order, for somebody to choose from."""
    return [Named(*row) for row in cursor.execute(_POSTCODES, {"postcodes": list(postcodes)})]


def find_start(cursor: Cursor[Any], named: str) -> Named | None:
    """The one with an id such as `assets/finsbury-library`."""
    row = cursor.execute(_ONE, {"id": named}).fetchone()
    return Named(*row) if row else None
