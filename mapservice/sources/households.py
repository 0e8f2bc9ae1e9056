"""Households of output areas, each at one point, from CSV: where in a small area its residents live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shapely import Point

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("code", "easting", "northing", "source")
OPTIONAL = ("households",)
_COLUMNS = {
    "code": "text",
    "households": "integer",
    "source_id": "text",
    "geom": "geometry(Point, 27700)",
}


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file; an empty count is one that is not known."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["code"])
    source = checks.one_of(context.sources, "source")
    records = []
    for row in table.rows:
        easting = row.take("easting", checks.number, required=True)
        northing = row.take("northing", checks.number, required=True)
        point = Point(easting, northing) if easting is not None and northing is not None else None
        if point is not None:
            context.refuse_outside(row, "easting", point)
        records.append(
            {
                "code": row.text("code", required=True),
                "households": row.take("households", checks.count),
                "source_id": row.take("source", source, required=True),
                "geom": point,
            }
        )
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; the database places the residents on postcodes again."""
    staged = upsert(cursor, target("household_points", ["code"], _COLUMNS), records, report)
    if replace:
        remove_missing(cursor, "household_points", ["code"], staged, report)
