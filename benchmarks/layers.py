"""The benchmark's tables as layers of the service, and the service with them."""

from __future__ import annotations

import os

from flask import Flask

from mapservice import create_app
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.layer import Layer, Property, Style

ATTRIBUTES = (
    Property("name", "string", "Name"),
    Property("kind", "string", "Kind"),
    Property("status", "string", "Status"),
    Property("address", "string", "Address"),
    Property("capacity", "integer", "Capacity"),
    Property("score", "number", "Score"),
    Property("accessible", "boolean", "Accessible"),
    Property("opened_on", "date", "Opened on"),
    Property("updated_at", "date-time", "Updated"),
    Property("note", "string", "Note"),
)
TRACKED = os.environ.get("BENCH_TRACKED") == "1"
"""Whether the scratch database counts versions, which keeping answers needs."""
FEW = tuple(prop for prop in ATTRIBUTES if prop.name in ("name", "kind", "capacity"))


def _layer(table: str, kind: str, srid: int = 4326, properties: tuple[Property, ...] = ATTRIBUTES) -> Layer:
    return Layer(
        id=table,
        title=table,
        description=f"The benchmark's table {table}.",
        relation=f"bench.{table}",
        geometry_kind="point" if kind == "point" else "polygon",
        properties=properties,
        style=Style("#1d70b8", "circle"),
        id_type="bigint",
        geometries={srid: "geom"},
        storage_srid=srid,
        visibility_column=None,
        tracked=TRACKED,
    )


LAYERS = (
    _layer("points", "point"),
    _layer("polygons", "polygon"),
    _layer("polygons_27700", "polygon", 27700),
    _layer("many", "point", properties=FEW),
)


def app() -> Flask:
    """The service as it is, its catalogue made of the benchmark's layers."""
    application = create_app()
    catalogue = Catalogue(())
    for layer in LAYERS:
        if layer.id in os.environ["BENCH_TABLES"].split(","):
            catalogue = catalogue.with_layer(layer)
    application.extensions["catalogue"] = catalogue
    return application
