"""The documents about tiles: lists of tile sets, tile set metadata, TileJSON, tile matrix sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mapservice.layers.features import Extent
from mapservice.layers.layer import Layer
from mapservice.layers.query import CRS84
from mapservice.layers.tiles import HALF_WORLD, MAX_ZOOM, TILE_MATRIX_SET, tile_properties
from mapservice.web.api.documents import JSON, OGC_RELATION, Document, link

MVT = "application/vnd.mapbox-vector-tile"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
TILE_MATRIX_SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TILE_MATRIX_SET}"
TILE_PIXELS = 256
# The standard's pixel of 0.28 mm, and the width of the world's one tile at scale 0.
PIXEL_M = 0.00028
CELL_SIZE_0 = 2 * HALF_WORLD / TILE_PIXELS
DIMENSIONS = {"point": 0, "polygon": 2}
# A client draws closer scales from these tiles: one unit of them is 4 cm on the ground.
CLOSEST_NEEDED = 18


@dataclass(frozen=True, slots=True)
class TileSet:
    """The tiles of some layers: where they are, what to call them, and what is asked of them.

    `home` is the address of the layer or API they belong to, `asked` a query string such as `?access=…`.
    """

    site: str
    home: str
    title: str
    description: str
    layers: tuple[Layer, ...]
    asked: str = ""

    @property
    def address(self) -> str:
        return f"{self.home}/tiles/{TILE_MATRIX_SET}"

    def document(self, form: str = "") -> str:
        """The address of the tile set's metadata, or of another form of it (`f`)."""
        if not form:
            return f"{self.address}{self.asked}"
        return f"{self.address}{self.asked}{'&' if self.asked else '?'}f={form}"

    def tile(self, z: str, y: str, x: str) -> str:
        """The address of a tile, by the names of its variables."""
        return f"{self.address}/{{{z}}}/{{{y}}}/{{{x}}}{self.asked}"


def tilesets(tileset: TileSet) -> Document:
    """The list of tile sets, which has one member."""
    return {
        "links": [link(f"{tileset.home}/tiles", "self", JSON, f"{tileset.title}: tile sets")],
        "tilesets": [{**_tileset_core(tileset), "links": _tileset_links(tileset)}],
    }


def tileset(tileset: TileSet, extents: Mapping[str, Extent]) -> Document:
    """The metadata of a tile set."""
    document = {
        **_tileset_core(tileset),
        "description": tileset.description,
        "layers": [_layer(layer, extents[layer.id]) for layer in tileset.layers],
        "links": _tileset_links(tileset),
    }
    attribution = _attribution(tileset.layers)
    if attribution:
        document["attribution"] = attribution
    box = _union(extents.values())
    if box:
        document["boundingBox"] = _bounding_box(box)
        document["centerPoint"] = {"coordinates": _middle(box), "crs": CRS84}
    return document


def tilejson(tileset: TileSet, extents: Mapping[str, Extent]) -> Document:
    """The tile set as TileJSON 3.0."""
    document: Document = {
        "tilejson": "3.0.0",
        "name": tileset.title,
        "description": tileset.description,
        "attribution": _attribution(tileset.layers),
        "scheme": "xyz",
        "tiles": [tileset.tile("z", "y", "x")],
        "minzoom": 0,
        "maxzoom": CLOSEST_NEEDED,
        "vector_layers": [
            {
                "id": layer.id,
                "description": layer.title,
                "minzoom": 0,
                "maxzoom": CLOSEST_NEEDED,
                "fields": _fields(layer),
            }
            for layer in tileset.layers
        ],
    }
    box = _union(extents.values())
    if box:
        document["bounds"] = [round(n, 7) for n in box]
        document["center"] = [*_middle(box), 12]
    return document


def tile_matrix_sets(site: str) -> Document:
    """The list of tile matrix sets."""
    here = f"{site}/api/tileMatrixSets"
    member = {
        "id": TILE_MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": TILE_MATRIX_SET_URI,
        "crs": WEB_MERCATOR,
        "links": [link(f"{here}/{TILE_MATRIX_SET}", "self", JSON, f"{TILE_MATRIX_SET} in full")],
    }
    return {
        "links": [link(here, "self", JSON, "The tile matrix sets")],
        "tileMatrixSets": [member],
    }


def tile_matrix_set() -> Document:
    """WebMercatorQuad as far as tiles are served."""
    return {
        "id": TILE_MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": TILE_MATRIX_SET_URI,
        "crs": WEB_MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(z),
                "scaleDenominator": CELL_SIZE_0 / 2**z / PIXEL_M,
                "cellSize": CELL_SIZE_0 / 2**z,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF_WORLD, HALF_WORLD],
                "tileWidth": TILE_PIXELS,
                "tileHeight": TILE_PIXELS,
                "matrixWidth": 2**z,
                "matrixHeight": 2**z,
            }
            for z in range(MAX_ZOOM + 1)
        ],
    }


def _tileset_core(tileset: TileSet) -> Document:
    return {
        "title": tileset.title,
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetURI": TILE_MATRIX_SET_URI,
    }


def _tileset_links(tileset: TileSet) -> list[Document]:
    scheme = f"{tileset.site}/api/tileMatrixSets/{TILE_MATRIX_SET}"
    return [
        link(tileset.document(), "self", JSON, f"{tileset.title}: tile set"),
        link(tileset.document("tilejson"), "describedby", JSON, f"{tileset.title}: TileJSON"),
        link(
            f"{tileset.home}/styles/default{tileset.asked}",
            "stylesheet",
            JSON,
            f"{tileset.title}: MapLibre style",
        ),
        link(scheme, f"{OGC_RELATION}tiling-scheme", JSON, TILE_MATRIX_SET),
        {
            **link(tileset.tile("tileMatrix", "tileRow", "tileCol"), "item", MVT, f"{tileset.title}: tiles"),
            "templated": True,
        },
    ]


def _layer(layer: Layer, extent: Extent) -> Document:
    types = {prop.name: _json_type(prop.type) for prop in layer.properties}
    document: Document = {
        "id": layer.id,
        "title": layer.title,
        "description": layer.description,
        "dataType": "vector",
        "minTileMatrix": "0",
        "maxTileMatrix": str(MAX_ZOOM),
        "propertiesSchema": {
            "type": "object",
            "properties": {
                name: {"title": title, "type": types.get(name, "string")}
                for name, title in _fields(layer).items()
            },
        },
    }
    if layer.geometry_kind in DIMENSIONS:
        document["geometryDimension"] = DIMENSIONS[layer.geometry_kind]
    if layer.attribution:
        document["attribution"] = layer.attribution
    if extent.box:
        document["boundingBox"] = _bounding_box(extent.box)
    return document


def _fields(layer: Layer) -> dict[str, str]:
    """The attributes of a close tile's features and their titles."""
    own = {prop.name: prop.title for prop in tile_properties(layer, detailed=True)}
    return own if layer.id_type == "bigint" else {"id": "Id", **own}


def _json_type(kind: str) -> str:
    return kind if kind in ("integer", "number", "boolean") else "string"


def _attribution(layers: Iterable[Layer]) -> str:
    return " ".join(dict.fromkeys(layer.attribution for layer in layers if layer.attribution))


Box = tuple[float, float, float, float]


def _union(extents: Iterable[Extent]) -> Box | None:
    boxes = [extent.box for extent in extents if extent.box]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _middle(box: Box) -> list[float]:
    west, south, east, north = box
    return [round((west + east) / 2, 7), round((south + north) / 2, 7)]


def _bounding_box(box: Box) -> Document:
    west, south, east, north = (round(n, 7) for n in box)
    return {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84}
