"""`postcodes-extra.csv`: postcodes that people use and the national list lacks, above all retired ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shapely import Point

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, Target, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("postcode", "easting", "northing", "status", "source")
OPTIONAL = ("last_seen", "note")
COLUMNS = {
    "postcode": "text",
    "quality": "smallint",
    "status": "text",
    "last_seen": "text",
    "source_id": "text",
    "note": "text",
    "district": "text",
}
_POSITION = {"easting": "double precision", "northing": "double precision"}
_GEOMETRY = "ST_SetSRID(ST_MakePoint(s.easting, s.northing), 27700)"
QUALITY = 50
"""Code-Point Open's positional quality for a position taken from elsewhere: fit for a neighbourhood."""


def postcode_target() -> Target:
    """Where postcodes go."""
    return target("postcodes", ["postcode"], COLUMNS, _POSITION, {"geom": _GEOMETRY})


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    source = checks.one_of(context.sources, "source")
    records = []
    for row in table.rows:
        record: dict[str, Any] = {
            "postcode": row.take("postcode", checks.postcode, required=True),
            "quality": QUALITY,
            "status": row.take("status", checks.one_of(("live", "retired"), "status"), required=True),
            "last_seen": row.text("last_seen"),
            "source_id": row.take("source", source, required=True),
            "note": row.text("note"),
        }
        easting = row.take("easting", checks.number, required=True)
        northing = row.take("northing", checks.number, required=True)
        if easting is not None and northing is not None:
            record |= {"easting": easting, "northing": northing}
            context.refuse_outside(row, "easting", Point(easting, northing))
        row.cells["postcode"] = record["postcode"] or ""
        records.append(record)
    refuse_repeated(table.rows, ["postcode"])
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; with `replace`, postcodes earlier files added and this one lacks are removed."""
    staged = upsert(cursor, postcode_target(), records, report)
    if replace:
        mine = f"t.quality = {QUALITY} AND t.note IS NOT NULL"
        remove_missing(cursor, "postcodes", ["postcode"], staged, report, mine)
