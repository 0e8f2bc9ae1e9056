"""The tiles' part of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable

from mapservice.layers.catalogue import Catalogue
from mapservice.layers.layer import Layer
from mapservice.layers.tiles import FEATURE_LIMIT, MAX_ZOOM, TILE_MATRIX_SET
from mapservice.web.api.documents import JSON, Document
from mapservice.web.api.schemas import query_parameter
from mapservice.web.api.tile_documents import MVT
from mapservice.web.api.tile_parameters import NOT_OF_TILES, TILE_FORMATS, TILESET_FORMATS


def tile_paths(
    catalogue: Catalogue, items_parameters: Callable[[Layer], list[Document]]
) -> tuple[Document, Document]:
    """The paths of tiles, and the parameters they refer to by name.

    A layer's tiles take what its items do and makes sense for a tile. The ends of the operations' names are
    those the standard gives them.
    """
    several = [
        query_parameter(
            "collections",
            {"type": "array", "minItems": 1, "items": {"type": "string", "enum": [x.id for x in catalogue]}},
            "The layers wanted, joined by commas; all, where it is not given.",
        ),
        query_parameter(
            "datetime", {"type": "string"}, "RFC 3339 date, instant or interval: start/end, start/P1M."
        ),
    ]
    paths: Document = {
        "/tileMatrixSets": _get("tiles.getTileMatrixSetsList", "The tile matrix sets", [_format(("json",))]),
        "/tileMatrixSets/{tileMatrixSetId}": _get(
            "tiles.getTileMatrixSet", "A tile matrix set", [_matrix_set(), _format(("json",))]
        ),
        **_tiles("", "all.dataset", "Several layers", several),
    }
    parameters: Document = {}
    for layer in catalogue:
        own = {
            f"{layer.id}.tiles.{parameter['name']}": parameter
            for parameter in items_parameters(layer)
            if parameter["name"] not in NOT_OF_TILES
        }
        parameters |= own
        named = [{"$ref": f"#/components/parameters/{name}"} for name in own]
        paths |= _tiles(f"/collections/{layer.id}", f"{layer.id}.collection", layer.title, named)
    return paths, parameters


def _tiles(home: str, operation: str, title: str, parameters: list[Document]) -> Document:
    one = f"{home}/tiles/{{tileMatrixSetId}}"
    tile = _get(
        f"{operation}.vector.getTile",
        f"{title}: a vector tile",
        [
            *(_number(name) for name in ("tileMatrix", "tileRow", "tileCol")),
            *parameters,
            _format(TILE_FORMATS),
        ],
        MVT,
        {"type": "string", "format": "binary"},
    )
    tile["get"]["parameters"].insert(0, _matrix_set())
    tile["get"]["description"] = (
        "Features have all their attributes in close tiles and few in those of small scales. Of a layer with "
        f"more than {FEATURE_LIMIT:,} features in a tile it holds a selection, and each says so: `thinned`."
    )
    tile["get"]["responses"]["204"] = {"description": "The tile is empty."}
    return {
        f"{home}/tiles": _get(
            f"{operation}.vector.getTileSetsList", f"{title}: tile sets", [_format(("json",))]
        ),
        one: _get(
            f"{operation}.vector.getTileSet",
            f"{title}: about the tile set",
            [_matrix_set(), *parameters, _format(TILESET_FORMATS)],
        ),
        f"{one}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile,
        f"{home}/styles/default": _get(
            f"{operation}.style", f"{title}: a MapLibre style", [*parameters, _format(("json",))]
        ),
    }


def _get(
    operation: str,
    summary: str,
    parameters: list[Document],
    media_type: str = JSON,
    schema: Document | None = None,
) -> Document:
    content = {media_type: {"schema": schema or {"type": "object"}}}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {"description": summary, "content": content},
                "400": {"$ref": "#/components/responses/BadRequest"},
                "404": {"$ref": "#/components/responses/NotFound"},
                "503": {"$ref": "#/components/responses/Unavailable"},
            },
        }
    }


def _matrix_set() -> Document:
    return _path("tileMatrixSetId", {"type": "string", "enum": [TILE_MATRIX_SET]}, "The tile matrix set.")


def _number(name: str) -> Document:
    most = MAX_ZOOM if name == "tileMatrix" else 2**MAX_ZOOM - 1
    about = {
        "tileMatrix": "Zoom level.",
        "tileRow": "Row, from the north.",
        "tileCol": "Column, from the west.",
    }
    return _path(name, {"type": "integer", "minimum": 0, "maximum": most}, about[name])


def _path(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _format(names: tuple[str, ...]) -> Document:
    return query_parameter("f", {"type": "string", "enum": list(names), "default": names[0]}, "The format.")
