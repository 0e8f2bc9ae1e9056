"""Every format features are written in: one registry for the API, its documents and the command line."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from mapservice.layers.formats import delimited, gdal, geojson, kml, parquet, shapefile
from mapservice.layers.formats.job import Job, snapshot
from mapservice.layers.query import CRS84, STORAGE_CRS

__all__ = ["FORMATS", "FORMAT_BY_ID", "Format", "Job", "format_of_path", "snapshot"]

Stream = Callable[[Connection[Any], Job], Generator[bytes, None, None]]
Write = Callable[[Connection[Any], Job, Path], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A format. It is text that streams (`stream`) or a file that must be finished first (`write`).

    `endings`: how names of its files end, the usual one first. `degrees_only`: it knows longitude and
    latitude and nothing else. `export_crs` is what the command line writes. `holds` says in words what it
    keeps and what it loses.
    """

    id: str
    title: str
    media_type: str
    endings: tuple[str, ...]
    holds: str
    stream: Stream | None = None
    write: Write | None = None
    degrees_only: bool = False
    export_crs: str = STORAGE_CRS

    @property
    def ending(self) -> str:
        """The usual ending of its files, with the dot."""
        return self.endings[0]

    def save(self, connection: Connection[Any], job: Job, path: Path) -> None:
        """Write a file, in constant memory."""
        if self.write is not None:
            self.write(connection, job, path)
        elif self.stream is not None:
            with path.open("wb") as output:
                for chunk in self.stream(connection, job):
                    output.write(chunk)


FORMATS = (
    Format(
        "json",
        "GeoJSON",
        "application/geo+json",
        (".geojson", ".json"),
        "Everything, lists and objects too. 7 decimals of a degree, 2 of a metre.",
        stream=geojson.stream_collection,
        export_crs=CRS84,
    ),
    Format(
        "geojsonseq",
        "GeoJSON text sequence",
        "application/geo+json-seq",
        (".geojsons", ".geojsonseq"),
        "As GeoJSON, one feature at a time (RFC 8142): for programs that read while it arrives.",
        stream=geojson.stream_sequence,
        export_crs=CRS84,
    ),
    Format(
        "jsonfg",
        "JSON-FG",
        "application/vnd.ogc.fg+json",
        (".fg.json", ".jsonfg"),
        "As GeoJSON, and says its CRS and the time of its features.",
        stream=geojson.stream_json_fg,
    ),
    Format(
        "csv",
        "CSV",
        "text/csv",
        (".csv",),
        "One row for each feature, with coordinates in degrees and in metres; outlines also as WKT, unless "
        "that is longer than a spreadsheet's cell can be.",
        stream=delimited.stream_csv,
    ),
    Format(
        "gpkg",
        "GeoPackage",
        "application/geopackage+sqlite3",
        (".gpkg",),
        "Everything; lists and objects as text. The best choice for QGIS and ArcGIS.",
        write=gdal.write_geopackage,
    ),
    Format(
        "fgb",
        "FlatGeobuf",
        "application/flatgeobuf",
        (".fgb",),
        "Everything; lists and objects as text. Has a spatial index where it can (see below).",
        write=gdal.write_flatgeobuf,
    ),
    Format(
        "parquet",
        "GeoParquet",
        "application/vnd.apache.parquet",
        (".parquet", ".geoparquet"),
        "Everything; lists as lists, objects as text. For notebooks and large layers.",
        write=parquet.write_parquet,
    ),
    Format(
        "shp",
        "Shapefile",
        "application/zip",
        (".shp.zip", ".zip"),
        "Zipped, a file for each geometry type; short column names, texts of 254 bytes, no times of day.",
        write=shapefile.write_shapefile,
    ),
    Format(
        "kml",
        "KML",
        "application/vnd.google-earth.kml+xml",
        (".kml",),
        "Everything; lists and objects as text. Always longitude and latitude.",
        stream=kml.stream_kml,
        degrees_only=True,
        export_crs=CRS84,
    ),
)
FORMAT_BY_ID = {each.id: each for each in FORMATS}


def format_of_path(path: Path) -> Format | None:
    """The format that the ending of a file's name asks for, or None."""
    endings = {ending: each for each in FORMATS for ending in each.endings}
    fitting = [ending for ending in endings if path.name.lower().endswith(ending)]
    return endings[max(fitting, key=len)] if fitting else None
