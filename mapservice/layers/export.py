"""A whole layer as one file, in whichever format the file's ending asks for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mapservice.database import Database
from mapservice.layers import sql
from mapservice.layers.features import PUBLIC
from mapservice.layers.formats import FORMATS, Job, format_of_path, snapshot
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery


class UnknownFormat(ValueError):
    """The file's ending is not one of a format that is written; the message lists those that are."""


class NoLicences(ValueError):
    """The layer does not say of each feature under which licence it is."""


def export_layer(
    database: Database, layer: Layer, path: Path, site: str = "", licence: str | None = None
) -> int:
    """Write a layer to a file whose ending chooses the format; returns how many features it holds.

    The file appears whole or not at all, and is the layer as it was at one moment. GeoJSON, its sequences
    and KML are in longitude and latitude, the other formats in EPSG:27700. With a `licence` it holds the
    features under that one alone. Raises UnknownFormat, NoLicences.
    """
    wanted = format_of_path(path)
    if wanted is None:
        endings = ", ".join(ending for each in FORMATS for ending in each.endings)
        raise UnknownFormat(f"{path.name}: the ending must be one of {endings}")
    stated = layer.find_property("licence")
    if licence is not None and stated is None:
        raise NoLicences(f"the features of {layer.id} have no licence of their own")
    chosen = ((stated, licence),) if stated and licence is not None else ()
    job = Job(layer, FeatureQuery(crs=wanted.export_crs, equals=chosen), site)
    count = sql.count(layer, job.query, PUBLIC)
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder,
        database.reading() as cursor,
        snapshot(cursor.connection),
    ):
        finished = Path(folder) / f"{layer.id}{wanted.ending}"
        wanted.save(cursor.connection, job, finished)
        row = cursor.execute(count.text, count.parameters).fetchone()
        finished.replace(path)
    return int(row[0]) if row else 0
