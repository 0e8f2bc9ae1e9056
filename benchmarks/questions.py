"""The rows of the table: one question each, in the words of every server that is asked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.dataset import MANY, box_of
from benchmarks.layers import LAYERS
from mapservice.layers.paging import Cursor, encode_cursor

Kind = Literal["features", "feature", "tile", "document"]

UNCACHED = {"Cookie": "bench=1"}
"""What somebody signed in sends: nothing kept may answer it. Every server gets it: all read as much."""

BOX = ",".join(map(str, box_of(261)))
BOX_LIMIT = 1000
KIND = "kind-07"
ID = 12_345
OFFSET = 15_000
TILE = (14, 8187, 5447)
"""Zoom, column and row of a tile in the middle."""
PAGE = 100
PAGES = {"first": 0, "1,000th": 999 * PAGE, "last": MANY - PAGE}
DEGREES = 2e-6
DEGREES_GRID = 5e-5
"""Across grids: ours follows OSTN15, PostGIS's own shift and PROJ without the grid file are metres off."""


@dataclass(frozen=True)
class Question:
    """A row: its title, and by server the path that asks it; a server without one is not asked.

    `tolerance` is in degrees. `like` names the row whose floor and peers this one is compared with.
    `conditional` sends back the ETag of a first answer.
    """

    key: str
    title: str
    paths: Mapping[str, str]
    kind: Kind = "features"
    tolerance: float = DEGREES
    headers: Mapping[str, str] = field(default_factory=lambda: UNCACHED)
    like: str | None = None
    conditional: bool = False
    section: Literal["api", "scaling"] = "api"


def questions() -> list[Question]:
    """Every row, in the order of the table."""
    z, x, y = TILE
    rows = [_items(f"points-{n}", f"points, limit {n:,}", "points", f"limit={n}") for n in (10, 100, 1000)]
    rows += [
        _items("polygons", "polygons, limit 100", "polygons", "limit=100"),
        _items(
            "polygons-27700", "polygons, limit 100, out of 27700", "polygons_27700", "limit=100", DEGREES_GRID
        ),
        _items("bbox", "bbox, about 261 points", "points", f"bbox={BOX}&limit={BOX_LIMIT}"),
        _items("filter", "one property, limit 100", "points", f"kind={KIND}&limit=100"),
        Question(
            "item",
            "one point",
            {
                "floor": "/item",
                "ours": f"/api/collections/points/items/{ID}",
                "pygeoapi": f"/collections/points/items/{ID}?f=json",
                "tipg": f"/collections/bench.points/items/{ID}?f=geojson",
            },
            kind="feature",
        ),
        _items("offset", "offset 15,000, limit 100", "points", f"offset={OFFSET}&limit=100"),
        Question(
            "cursor",
            "the same page by its cursor",
            {
                "floor": "/cursor",
                "ours": f"/api/collections/points/items?limit=100&cursor={cursor('points', OFFSET)}",
            },
        ),
        Question(
            "tile",
            "tile of points, zoom 14",
            {
                "floor": "/tile",
                "ours": f"/api/collections/points/tiles/WebMercatorQuad/{z}/{y}/{x}",
                "tipg": f"/collections/bench.points/tiles/WebMercatorQuad/{z}/{x}/{y}",
            },
            kind="tile",
        ),
        Question(
            "collections",
            "list of the three layers",
            {"ours": "/api/collections", "pygeoapi": "/collections?f=json", "tipg": "/collections?f=json"},
            kind="document",
        ),
        Question("memory", "the same body from memory: points, limit 100", {"floor": "/memory/points-100"}),
        *(
            Question(
                f"repeated-{key}",
                f"repeated, unchanged: {title}",
                {"ours": path},
                kind=kind,
                headers={},
                like=key,
            )
            for key, title, path, kind in _repeated()
        ),
        Question(
            "conditional",
            "conditional, unchanged: points, limit 100",
            {"ours": "/api/collections/points/items?limit=100"},
            headers={},
            like="points-100",
            conditional=True,
        ),
    ]
    return [*rows, *_scaling()]


def _repeated() -> list[tuple[str, str, str, Kind]]:
    z, x, y = TILE
    points = "/api/collections/points"
    return [
        ("points-10", "points, limit 10", f"{points}/items?limit=10", "features"),
        ("points-100", "points, limit 100", f"{points}/items?limit=100", "features"),
        ("tile", "tile", f"{points}/tiles/WebMercatorQuad/{z}/{y}/{x}", "tile"),
        ("collections", "list of layers", "/api/collections", "document"),
    ]


def _scaling() -> list[Question]:
    rows = []
    for name, after in PAGES.items():
        key = f"many-{name.replace(',', '')}"
        page = f"limit={PAGE}&cursor={cursor('many', after)}" if after else f"limit={PAGE}"
        far = f"limit={PAGE}&offset={after}"
        rows.append(
            Question(
                key,
                f"{name} page of {MANY:,}",
                {
                    "floor": f"/{key}",
                    "ours": f"/api/collections/many/items?{page}",
                    "pygeoapi": f"/collections/many/items?f=json&{far}",
                    "tipg": f"/collections/bench.many/items?f=geojson&{far}",
                },
                section="scaling",
            )
        )
    return rows


def _items(key: str, title: str, table: str, query: str, tolerance: float = DEGREES) -> Question:
    return Question(
        key,
        title,
        {
            "floor": f"/{key}",
            "ours": f"/api/collections/{table}/items?{query}",
            "pygeoapi": f"/collections/{table}/items?f=json&{query}",
            "tipg": f"/collections/bench.{table}/items?f=geojson&{query}",
        },
        tolerance=tolerance,
    )


def cursor(table: str, after: int) -> str:
    """The token of the page behind the row with an id."""
    layer = next(layer for layer in LAYERS if layer.id == table)
    return encode_cursor(layer, (), Cursor((str(after),)))
