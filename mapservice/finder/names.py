"""Finding features of any layer by part of their name."""

from __future__ import annotations

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


# A street is known by the places that stand in it. Names have an index; addresses are few enough to look
# through.
_NAMED = """
SELECT * FROM (
    SELECT DISTINCT ON (lower(name), layer) layer || '/' || id, name, kind, ST_X(point), ST_Y(point)
    FROM (
        SELECT 'localities' AS layer, a.id, a.name, 'Locality' AS kind,
               ST_PointOnSurface(a.geom_4326) AS point
        FROM layers.areas a WHERE a.boundary_set_id = 'localities' AND a.name ILIKE %(pattern)s
        UNION ALL
        SELECT 'assets', f.id, f.name, COALESCE(f.kind, 'Place'), f.geom_4326 FROM layers.assets f
        WHERE f.visibility = 'public' AND f.geom IS NOT NULL AND NOT f.demonstration
          AND (f.name ILIKE %(pattern)s OR f.address ILIKE %(pattern)s)
        UNION ALL
        SELECT 'green-spaces', f.id, f.name, 'Green space', ST_PointOnSurface(f.geom_4326)
        FROM layers.green_spaces f
        WHERE f.visibility = 'public' AND f.status = 'existing' AND NOT f.demonstration
          AND f.name ILIKE %(pattern)s
    ) named ORDER BY lower(name), layer, id
) once
ORDER BY lower(name) <> lower(%(text)s), position(lower(%(text)s) IN lower(name)) <> 1, length(name), name
LIMIT %(limit)s
"""
_ONE = """
SELECT 'assets/' || f.id, f.name, COALESCE(f.kind, 'Place'), ST_X(f.geom_4326), ST_Y(f.geom_4326)
FROM layers.assets f
WHERE 'assets/' || f.id = %(id)s AND f.visibility = 'public' AND f.geom IS NOT NULL
UNION ALL
SELECT 'green-spaces/' || f.id, f.name, 'Green space', ST_X(p.point), ST_Y(p.point)
FROM layers.green_spaces f, LATERAL (SELECT ST_PointOnSurface(f.geom_4326) AS point) p
WHERE 'green-spaces/' || f.id = %(id)s AND f.visibility = 'public'
"""


def find_starts(cursor: Cursor[Any], text: str, limit: int) -> list[Named]:
    """Places, green spaces, localities and places in a street of some name, the likeliest first."""
    parameters = {"text": text, "pattern": f"%{_literal(text)}%", "limit": limit}
    return [Named(*row) for row in cursor.execute(_NAMED, parameters)]


def find_start(cursor: Cursor[Any], named: str) -> Named | None:
    """The one with an id such as `assets/finsbury-library`."""
    row = cursor.execute(_ONE, {"id": named}).fetchone()
    return Named(*row) if row else None
