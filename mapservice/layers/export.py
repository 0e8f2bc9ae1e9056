"""A whole layer as one file, streamed from the database page by page."""

from __future__ import annotations

from typing import IO

from mapservice.database import Database
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.features import read_page
from mapservice.layers.query import CRS84, MAX_LIMIT, FeatureQuery, suggest


class UnknownLayer(Exception):
    """There is no such layer; the message names the nearest one there is."""


def export_layer(
    database: Database,
    catalogue: Catalogue,
    layer_id: str,
    output: IO[str],
    crs: str = CRS84,
    site: str = "",
) -> int:
    """Write a layer to `output` as one GeoJSON FeatureCollection; returns how many features it wrote.

    All pages are read in one snapshot, so that the file is the layer as it was at one moment. Raises
    UnknownLayer.
    """
    layer = catalogue.get(layer_id)
    if layer is None:
        near = suggest(layer_id, (known.id for known in catalogue))
        raise UnknownLayer(f"there is no layer {layer_id!r}" + (f": {near}" if near else ""))
    written = 0
    after: str | None = None
    output.write('{"type":"FeatureCollection","features":[\n')
    with database.reading() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        while True:
            page = read_page(cursor, layer, FeatureQuery(limit=MAX_LIMIT, after=after, crs=crs), site)
            if page.returned and written:
                output.write(",\n")
            output.write(page.features)
            written += page.returned
            after = page.next_after
            if after is None:
                break
    output.write("\n]}\n")
    return written
