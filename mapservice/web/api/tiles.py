"""OGC API – Tiles: vector tiles of one layer or of several, their metadata, TileJSON and styles."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request

from mapservice.layers.features import Extent
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery, parse_interval, suggest
from mapservice.layers.tiles import read_tile, read_tiles
from mapservice.maps.vectors import style_document
from mapservice.web import context
from mapservice.web.api import api, tile_documents
from mapservice.web.api.documents import JSON
from mapservice.web.api.features import find_layer
from mapservice.web.api.parameters import Reader, one_of
from mapservice.web.api.tile_documents import MVT, TileSet
from mapservice.web.api.tile_parameters import (
    TILE_FORMATS,
    TILESET_FORMATS,
    must_be_known,
    read_place,
    tiles_query,
)

ONE_LAYER = "/collections/<layer_id>/tiles/<tile_matrix_set>"
ALL_LAYERS = "/tiles/<tile_matrix_set>"


@api.get("/collections/<layer_id>/tiles")
def layer_tilesets(layer_id: str) -> Response:
    """The tile sets of a layer."""
    layer = find_layer(layer_id)
    _read(("f",), ("json",)).finish()
    return _json(tile_documents.tilesets(_of_layer(layer)))


@api.get(ONE_LAYER)
def layer_tileset(layer_id: str, tile_matrix_set: str) -> Response:
    """The metadata of a layer's tile set, or its TileJSON."""
    layer = find_layer(layer_id)
    must_be_known(tile_matrix_set)
    tiles_query(layer, request.args, TILESET_FORMATS)
    return _described(_of_layer(layer))


@api.get(f"{ONE_LAYER}/<z>/<y>/<x>")
def layer_tile(layer_id: str, tile_matrix_set: str, z: str, y: str, x: str) -> Response:
    """A tile of a layer."""
    layer = find_layer(layer_id)
    must_be_known(tile_matrix_set)
    place = read_place(z, x, y)
    query = tiles_query(layer, request.args)
    with context.database().reading() as cursor:
        return _tile(read_tile(cursor, layer, *place, query, context.viewer()))


@api.get("/collections/<layer_id>/styles/default")
def layer_style(layer_id: str) -> Response:
    """A MapLibre style for a layer's tiles."""
    layer = find_layer(layer_id)
    tiles_query(layer, request.args, ("json",))
    return _json(style_document(layer.title, _of_layer(layer).document("tilejson"), [layer], all_shown=True))


@api.get("/tiles")
def all_tilesets() -> Response:
    """The tile sets that hold several layers."""
    _read(("f",), ("json",)).finish()
    return _json(tile_documents.tilesets(_of_several(tuple(context.catalogue()))))


@api.get(ALL_LAYERS)
def all_tileset(tile_matrix_set: str) -> Response:
    """The metadata of the tile set of several layers, or its TileJSON."""
    must_be_known(tile_matrix_set)
    layers, _ = _query_of_several(TILESET_FORMATS)
    return _described(_of_several(layers))


@api.get(f"{ALL_LAYERS}/<z>/<y>/<x>")
def all_tile(tile_matrix_set: str, z: str, y: str, x: str) -> Response:
    """A tile of several layers."""
    must_be_known(tile_matrix_set)
    place = read_place(z, x, y)
    layers, query = _query_of_several(TILE_FORMATS)
    with context.database().reading() as cursor:
        return _tile(read_tiles(cursor, layers, *place, query, context.viewer()))


@api.get("/styles/default")
def all_style() -> Response:
    """A MapLibre style for the tiles of several layers."""
    layers, _ = _query_of_several(("json",))
    tileset = _of_several(layers)
    chosen = "collections" in request.args
    return _json(style_document(tileset.title, tileset.document("tilejson"), layers, all_shown=chosen))


@api.get("/tileMatrixSets")
def tile_matrix_sets() -> Response:
    """The tile matrix sets."""
    _read(("f",), ("json",)).finish()
    return _json(tile_documents.tile_matrix_sets(context.site()))


@api.get("/tileMatrixSets/<tile_matrix_set>")
def tile_matrix_set(tile_matrix_set: str) -> Response:
    """One tile matrix set."""
    must_be_known(tile_matrix_set)
    _read(("f",), ("json",)).finish()
    return _json(tile_documents.tile_matrix_set())


def _read(known: tuple[str, ...], formats: tuple[str, ...]) -> Reader:
    reader = Reader(request.args, known)
    reader.read("f", one_of(formats), formats[0])
    return reader


def _query_of_several(formats: tuple[str, ...]) -> tuple[tuple[Layer, ...], FeatureQuery]:
    """Which layers are wanted in one tile, and what is asked of each."""
    reader = _read(("f", "collections", "datetime"), formats)
    layers = reader.read("collections", _layers, tuple(context.catalogue()))
    query = FeatureQuery(interval=reader.read("datetime", parse_interval, None))
    reader.finish()
    return layers, query


def _layers(text: str) -> tuple[Layer, ...]:
    known = {layer.id: layer for layer in context.catalogue()}
    wanted = dict.fromkeys(name.strip() for name in text.split(","))
    for name in wanted:
        if name not in known:
            near = suggest(name, known)
            raise ValueError(f"there is no layer {name[:80]!r}" + (f": {near}" if near else ""))
    # In the catalogue's order, whatever order they are named in: the same tile has the same bytes.
    return tuple(layer for layer_id, layer in known.items() if layer_id in wanted)


def _of_layer(layer: Layer) -> TileSet:
    home = f"{context.site()}/api/collections/{layer.id}"
    return TileSet(context.site(), home, layer.title, layer.description, (layer,), _asked())


def _of_several(layers: tuple[Layer, ...]) -> TileSet:
    title = f"{context.borough().short_name} community map"
    about = f"In one tile: {', '.join(layer.title for layer in layers)}."
    return TileSet(context.site(), f"{context.site()}/api", title, about, layers, _asked())


def _asked() -> str:
    rest = urlencode([(name, value) for name, value in request.args.items() if name != "f"])
    return f"?{rest}" if rest else ""


def _described(tileset: TileSet) -> Response:
    with context.database().reading() as cursor:
        extents: dict[str, Extent] = context.counts().read_extents(cursor, tileset.layers, context.viewer())
    if request.args.get("f") == "tilejson":
        return _json(tile_documents.tilejson(tileset, extents))
    return _json(tile_documents.tileset(tileset, extents))


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), content_type=JSON)


def _tile(tile: bytes) -> Response:
    return Response(tile, HTTPStatus.OK if tile else HTTPStatus.NO_CONTENT, content_type=MVT)
