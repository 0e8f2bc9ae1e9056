"""GeoPackage and FlatGeobuf: GDAL writes them from a stream of Arrow batches, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job
from mapservice.layers.formats.table import GEOMETRY, arrow_batches, arrow_schema, columns, crs_of

if TYPE_CHECKING:
    import pyarrow

GEOMETRY_TYPES = {"point": "Point", "polygon": "MultiPolygon", "mixed": "Unknown"}
# GDAL sorts GeoPackage's spatial index in memory up to a tenth of the machine's, unless told otherwise.
INDEX_MEGABYTES = 8
# So many features FlatGeobuf's index is made for at most.
MOST_INDEXED = 20_000


def write_geopackage(connection: Connection[Any], job: Job, path: Path) -> None:
    """One table with a spatial index, described in the file's own metadata."""
    import pyogrio

    pyogrio.set_gdal_config_options({"OGR_GPKG_MAX_RAM_USAGE_RTREE": str(INDEX_MEGABYTES * 1024 * 1024)})
    _write(
        connection,
        job,
        path,
        driver="GPKG",
        layer_metadata=_upper(job.facts),
        layer_options={"IDENTIFIER": job.layer.title, "DESCRIPTION": job.credit},
    )


def write_flatgeobuf(connection: Connection[Any], job: Job, path: Path) -> None:
    """One layer, described in its header, with a spatial index or else in the order asked for."""
    _write(
        connection,
        job,
        path,
        driver="FlatGeobuf",
        layer_metadata=_upper(job.facts),
        layer_options={
            "SPATIAL_INDEX": "YES" if _indexable(connection, job) else "NO",
            "TITLE": job.layer.title,
            "DESCRIPTION": job.credit,
        },
    )


def _indexable(connection: Connection[Any], job: Job) -> bool:
    """Whether FlatGeobuf's spatial index can be had.

    It changes the order, has no room for a feature without geometry, and keeps every feature's box in memory
    while it is made: a hundred bytes each, so that the largest layers go without.
    """
    layer, query = job.layer, job.query
    if query.sort or job.paged or not query.geometry:
        return False
    shape = sql.shape_of(query)
    place = sql.geometry(layer, layer.storage_srid)
    rows = f"{sql.relation(layer, shape.as_of)} f{sql.where(sql.conditions(layer, shape))}"
    some = f"SELECT {place} AS place FROM {rows} LIMIT {MOST_INDEXED + 1}"
    found = connection.execute(
        f"SELECT count(*), count(place) FROM ({some}) AS counted", sql.bound(query, job.viewer)
    ).fetchone()
    count, placed = found or (0, 0)
    return 0 < count == placed <= MOST_INDEXED


def write_batches(
    batches: Iterator[pyarrow.RecordBatch], schema: pyarrow.Schema, path: Path, **options: Any
) -> None:
    """Let GDAL write Arrow batches, pulled one by one, to a file.

    An error in making a batch (a time limit, a client who left) is raised as what it was.
    """
    import pyarrow
    from pyogrio.raw import write_arrow

    failed: list[BaseException] = []

    def guarded() -> Iterator[pyarrow.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            # Arrow's C interface would hand on its text alone.
            failed.append(error)
            raise

    try:
        write_arrow(
            pyarrow.RecordBatchReader.from_batches(schema, guarded()),
            path,
            geometry_name=GEOMETRY,
            **options,
        )
    finally:
        if failed:
            raise failed[0]


def _write(connection: Connection[Any], job: Job, path: Path, **options: Any) -> None:
    shown = columns(job)
    schema = arrow_schema(shown)
    multi = job.layer.geometry_kind == "polygon"
    write_batches(
        arrow_batches(connection, job, shown, schema, multi=multi),
        schema,
        path,
        layer=job.layer.id,
        crs=crs_of(job),
        geometry_type=GEOMETRY_TYPES[job.layer.geometry_kind],
        **options,
    )


def _upper(facts: dict[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in facts.items()}
