"""`closures.csv`: days on which a place is shut whatever its opening hours say, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "asset", "from", "reason", "source")
OPTIONAL = ("to", "note")
_COLUMNS = {
    "id": "text",
    "first_day": "date",
    "last_day": "date",
    "reason": "text",
    "source_id": "text",
    "note": "text",
}
_ASSET = {"asset_key": "(SELECT key FROM register.assets WHERE id = s.asset)"}


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file; without `to` a place is shut until further notice."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    asset = checks.one_of(context.ids("assets"), "asset")
    source = checks.one_of(context.sources, "source")
    records = []
    for row in table.rows:
        first, last = row.take("from", checks.any_day, required=True), row.take("to", checks.any_day)
        record = {
            "id": row.take("id", checks.slug, required=True),
            "asset": row.take("asset", asset, required=True),
            "first_day": first,
            "last_day": last,
            "reason": row.text("reason", required=True),
            "source_id": row.take("source", source, required=True),
            "note": row.text("note"),
        }
        if first and last and last < first:
            row.refuse("to", "lies before the first day")
        records.append(record)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    staged = upsert(cursor, target("closures", ["id"], _COLUMNS, {"asset": "text"}, _ASSET), records, report)
    if replace:
        remove_missing(cursor, "closures", ["id"], staged, report)
