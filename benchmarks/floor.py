"""The floor: what the database and the web server cost with nothing between them.

For each row one statement written by hand for it: no parameters to check, no links, no count. It runs through
psycopg behind a bare Flask function, on a connection that each thread keeps.
"""

# ruff: noqa: S608 - composed of constants of this package

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask, Response

from benchmarks.dataset import box_of
from benchmarks.layers import ATTRIBUTES, FEW
from benchmarks.questions import BOX_LIMIT, ID, KIND, OFFSET, PAGES, TILE
from mapservice.layers.layer import Property
from mapservice.layers.tiles import BUFFER
from mapservice.sources.grid import SRID

GEOJSON = "application/geo+json"
TILE_TYPE = "application/vnd.mapbox-vector-tile"


@dataclass(frozen=True)
class Statement:
    """SQL that gives features as rows of text, or one tile as bytes."""

    text: str
    parameters: dict[str, Any] = field(default_factory=dict)
    media_type: str = GEOJSON


def _feature(place: str = "f.geom", properties: tuple[Property, ...] = ATTRIBUTES) -> str:
    columns = ", ".join(f"f.{prop.name}" for prop in properties)
    return (
        f"""'{{"type":"Feature","id":' || f.id || ',"geometry":' || ST_AsGeoJSON({place}, 7, 0) """
        f"""|| ',"properties":' || (SELECT row_to_json(p)::text FROM (SELECT {columns}) p) || '}}'"""
    )


def statements() -> dict[str, Statement]:
    """By the key of the row."""
    west, south, east, north = box_of(261)
    z, x, y = TILE
    from_grid = f"ST_Transform(ST_SetSRID(f.geom, {SRID}), 4326)"
    points = f"SELECT {_feature()} FROM bench.points f"
    found = {
        # A limit that is a parameter is planned anew each time.
        f"points-{limit}": Statement(f"{points} ORDER BY f.id LIMIT {limit}")
        for limit in (10, 100, 1000)
    }
    found |= {
        "polygons": Statement(f"SELECT {_feature()} FROM bench.polygons f ORDER BY f.id LIMIT 100"),
        "polygons-27700": Statement(
            f"SELECT {_feature(from_grid)} FROM bench.polygons_27700 f ORDER BY f.id LIMIT 100"
        ),
        "bbox": Statement(
            f"{points} WHERE ST_Intersects(f.geom,"
            " ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326))"
            f" ORDER BY f.id LIMIT {BOX_LIMIT}",
            {"west": west, "south": south, "east": east, "north": north},
        ),
        "filter": Statement(f"{points} WHERE f.kind = %(kind)s ORDER BY f.id LIMIT 100", {"kind": KIND}),
        "item": Statement(f"{points} WHERE f.id = %(id)s", {"id": ID}),
        # Skipped inside: what is skipped outside is made into GeoJSON first.
        "offset": Statement(
            f"SELECT {_feature()} FROM"
            " (SELECT * FROM bench.points ORDER BY id LIMIT 100 OFFSET %(offset)s) f",
            {"offset": OFFSET},
        ),
        "cursor": Statement(f"{points} WHERE f.id > %(after)s ORDER BY f.id LIMIT 100", {"after": OFFSET}),
        "tile": Statement(
            f"""
            SELECT ST_AsMVT(t, 'points', 4096, 'geom', 'id') FROM (
                SELECT f.id, {", ".join(f"f.{prop.name}" for prop in ATTRIBUTES)},
                       ST_AsMVTGeom(ST_Transform(f.geom, 3857), tile.envelope, 4096, {BUFFER}) AS geom
                FROM bench.points f, (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS envelope) tile
                WHERE f.geom && ST_Transform(
                    ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER / 4096}), 4326)
                ORDER BY f.id
            ) t
            """,
            {"z": z, "x": x, "y": y},
            TILE_TYPE,
        ),
    }
    many = f"SELECT {_feature(properties=FEW)} FROM bench.many f"
    for name, after in PAGES.items():
        found[f"many-{name.replace(',', '')}"] = Statement(
            f"{many} WHERE f.id > %(after)s ORDER BY f.id LIMIT 100", {"after": after}
        )
    return found


def app() -> Flask:
    """A bare Flask application with a function for each row."""
    application = Flask("floor", static_folder=None)
    connections = threading.local()
    memory: dict[str, bytes] = {}

    def connection() -> psycopg.Connection[Any]:
        if not hasattr(connections, "kept"):
            connections.kept = psycopg.connect(os.environ["BENCH_CONNECTION"], autocommit=True)
        kept: psycopg.Connection[Any] = connections.kept
        return kept

    def run(statement: Statement) -> bytes:
        rows = connection().execute(statement.text.encode(), statement.parameters, prepare=True).fetchall()
        if statement.media_type == TILE_TYPE:
            return bytes(rows[0][0])
        features = ",\n".join([row[0] for row in rows])
        return f'{{"type":"FeatureCollection","features":[\n{features}\n]}}'.encode()

    def asked(statement: Statement) -> Callable[[], Response]:
        return lambda: Response(run(statement), content_type=statement.media_type)

    known = statements()
    for key, statement in known.items():
        application.add_url_rule(f"/{key}", key, asked(statement))

    @application.get("/memory/<key>")
    def from_memory(key: str) -> Response:
        if key not in memory:
            memory[key] = run(known[key])
        return Response(memory[key], content_type=GEOJSON)

    return application
