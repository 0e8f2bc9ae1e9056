"""GeoParquet 1.1: Arrow's own writer, because the GDAL that comes with pyogrio has no Parquet driver."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from mapservice.layers.formats.job import Job
from mapservice.layers.formats.table import GEOMETRY, arrow_batches, arrow_schema, columns, crs_of
from mapservice.layers.query import CRS84

if TYPE_CHECKING:
    import pyarrow

# A row group is kept in memory until it is full: few enough for that, many enough to read fast.
GROUP_ROWS = 20_000
GROUP_BYTES = 8 * 1024 * 1024


def write_parquet(connection: Connection[Any], job: Job, path: Path) -> None:
    """One table with WKB geometry, lists as lists, and the layer's facts among the metadata."""
    import pyarrow
    import pyarrow.parquet

    shown = columns(job, lists=True)
    schema = arrow_schema(shown)
    # The extension name on the field is for GDAL; GeoParquet names the column in the file's metadata.
    schema = schema.set(len(shown), pyarrow.field(GEOMETRY, pyarrow.binary()))
    schema = schema.with_metadata({"geo": json.dumps(_geo(job)), **job.facts})
    batches = arrow_batches(connection, job, shown, schema)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(pyarrow.Table.from_batches(group, schema))


def _geo(job: Job) -> dict[str, Any]:
    from pyproj import CRS

    crs = CRS("OGC:CRS84" if job.query.crs == CRS84 else crs_of(job))
    # No list of geometry types: they are not known before the last row is written.
    place = {"encoding": "WKB", "geometry_types": [], "crs": crs.to_json_dict()}
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: place}}


def _groups(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[list[pyarrow.RecordBatch]]:
    group: list[pyarrow.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        full = sum(each.num_rows for each in group) >= GROUP_ROWS
        if full or sum(each.nbytes for each in group) >= GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group
