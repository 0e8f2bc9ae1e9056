"""What is asked of a layer's tiles: which of them, and the filters that items have too."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery
from mapservice.layers.tiles import MAX_ZOOM, TILE_MATRIX_SET, tile_exists
from mapservice.web.api.parameters import Reader, items_query, one_of
from mapservice.web.problems import Problem

TILE_FORMATS = ("mvt", "pbf")
TILESET_FORMATS = ("json", "tilejson")
# What an items request may ask that has no meaning for a tile: its place, order and extent are its own.
NOT_OF_TILES = (
    "limit", "offset", "cursor", "sortby", "bbox", "bbox-crs", "crs", "skip-geometry", "count",
)  # fmt: skip

Place = tuple[int, int, int]
"""Zoom, column and row."""


def must_be_known(tile_matrix_set: str) -> None:
    """404 for a tile matrix set that there is not."""
    if tile_matrix_set != TILE_MATRIX_SET:
        raise Problem(
            404, f"There is no tile matrix set {tile_matrix_set[:80]!r}; there is {TILE_MATRIX_SET}."
        )


def read_place(z: str, x: str, y: str) -> Place:
    """The place of a tile that exists; 400 where one is no number, 404 where there is no such tile."""
    if not all(re.fullmatch(r"-?\d{1,9}", part, re.ASCII) for part in (z, x, y)):
        raise Problem(400, "Matrix, row and column of a tile are whole numbers: …/12/1361/2046.")
    place = int(z), int(x), int(y)
    if not tile_exists(*place):
        detail = f"matrices go from 0 to {MAX_ZOOM}, rows and columns from 0 to 2^matrix - 1"
        raise Problem(404, f"There is no tile in matrix {z}, row {y}, column {x}: {detail}.")
    return place


def tiles_query(
    layer: Layer, given: MultiDict[str, str], formats: tuple[str, ...] = TILE_FORMATS
) -> FeatureQuery:
    """The query behind a layer's tiles; raises BadQuery with what is wrong in it."""
    arguments = given.copy()
    reader = Reader(MultiDict([("f", value) for value in arguments.poplist("f")]), ("f",))
    reader.read("f", one_of(formats), formats[0])
    for name in NOT_OF_TILES:
        if name in arguments:
            reader.wrong(name, "has no meaning for a tile")
    reader.finish()
    return items_query(layer, arguments)
