"""A whole layer as one file: GeoJSON streamed from the database, other formats written by GDAL."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO

import geopandas

from mapservice.database import Database
from mapservice.layers.features import stream_features
from mapservice.layers.layer import Layer
from mapservice.layers.query import CRS84, STORAGE_CRS, FeatureQuery

# Ending: GDAL's driver. These keep EPSG:27700; GeoJSON is always longitude and latitude (RFC 7946).
DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".csv": "CSV"}
ENDINGS = (".geojson", ".json", *DRIVERS)


class UnknownFormat(ValueError):
    """The file's ending is not one of a format that is written; the message lists those that are."""


def export_layer(database: Database, layer: Layer, path: Path, site: str = "") -> int:
    """Write a layer to a file whose ending chooses the format; returns how many features it wrote.

    The file appears whole or not at all. GeoJSON is in longitude and latitude, the other formats in
    EPSG:27700. Raises UnknownFormat.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UnknownFormat(f"{path.name}: the ending must be one of {', '.join(ENDINGS)}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        geojson = Path(folder) / "layer.geojson"
        driver = DRIVERS.get(ending)
        with geojson.open("w", encoding="utf-8") as output:
            written = write_geojson(database, layer, output, STORAGE_CRS if driver else CRS84, site)
        finished = geojson
        if driver:
            finished = Path(folder) / f"layer{ending}"
            frame = geopandas.read_file(geojson).set_crs(27700, allow_override=True)
            options = {"GEOMETRY": "AS_WKT"} if driver == "CSV" else {}
            frame.to_file(finished, driver=driver, layer=layer.id, **options)
        finished.replace(path)
    return written


def write_geojson(database: Database, layer: Layer, output: IO[str], crs: str, site: str = "") -> int:
    """Write a layer as one FeatureCollection; returns how many features it holds.

    It is read in one snapshot, so that the file is the layer as it was at one moment.
    """
    written = 0
    output.write('{"type":"FeatureCollection","features":[\n')
    with database.reading() as cursor:
        for feature in stream_features(cursor.connection, layer, FeatureQuery(crs=crs), site):
            output.write(f",\n{feature}" if written else feature)
            written += 1
    output.write("\n]}\n")
    return written
