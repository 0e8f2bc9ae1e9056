"""Outlines of layers within a square on the ground, as SVG path data: for a map on paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import Cursor

from mapservice.database import rows
from mapservice.layers import sql
from mapservice.layers.layer import Layer
from mapservice.layers.visibility import Viewer

MERCATOR = 3857


@dataclass(frozen=True, slots=True)
class Square:
    """A square of EPSG:3857, north up: its middle and half its side, in units of that grid."""

    x: float
    y: float
    half: float

    @property
    def unit(self) -> float:
        """Grid units for one of the thousand units a side is drawn with."""
        return self.half / 500


def read_outlines(
    cursor: Cursor[Any], layers: Iterable[Layer], square: Square, viewer: Viewer
) -> list[tuple[Layer, str]]:
    """The layers that have an outline in the square, each with one path in a drawing of 1000 by 1000.

    A layer whose symbol is an area gives its areas, cut off at the edge; any other gives lines, which do not
    run along the edge they were cut at.
    """
    wanted = {layer.id: layer for layer in layers if layer.geometry_kind != "point"}
    if not wanted:
        return []
    parameters = {
        "viewer": list(viewer),
        "left": square.x - square.half,
        "top": square.y + square.half,
        "right": square.x + square.half,
        "bottom": square.y - square.half,
        "unit": square.unit,
    }
    found = rows.run(cursor.connection, _text(tuple(wanted.values())), parameters)
    given = [
        [(found.get_value(row, column) or b"").decode() for column in (0, 1)] for row in range(found.ntuples)
    ]
    return [(wanted[layer_id], path) for layer_id, path in given]


@lru_cache(maxsize=64)
def _text(layers: tuple[Layer, ...]) -> str:
    parts = "\nUNION ALL\n".join(_one(layer) for layer in layers)
    return f"SELECT layer, path FROM ({parts}) found WHERE path <> ''"


def _one(layer: Layer) -> str:
    place = sql.geometry(layer, MERCATOR)
    box = f"ST_MakeEnvelope(%(left)s, %(bottom)s, %(right)s, %(top)s, {MERCATOR})"
    conditions = [*sql.membership(layer), f"{place} && {box}", f"ST_Dimension({place}) = 2"]
    shape = place if layer.style.symbol == "area" else f"ST_Boundary({place})"
    simple = f"ST_Simplify({shape}, %(unit)s::double precision, true)"
    # Drawn from the square's upper left corner, in its own units, with y counted downwards as SVG does.
    placed = (
        f"ST_Affine(ST_ClipByBox2D({simple}, {box}), 1 / %(unit)s::double precision, 0, 0, "
        "1 / %(unit)s::double precision, -%(left)s / %(unit)s, -%(top)s / %(unit)s)"
    )
    return (
        f"SELECT '{layer.id}' AS layer, "
        f"string_agg(ST_AsSVG({placed}, 1, 0), '' ORDER BY f.{layer.id_column}) AS path "
        f"FROM {layer.relation} f{sql.where(conditions)}"
    )
