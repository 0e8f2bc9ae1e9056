"""`sources.csv`: where facts come from, under which licence; every other row names one of these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "title", "publisher", "licence")
OPTIONAL = ("licence_url", "edition", "method", "attribution", "quality")


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    records = []
    for row in table.rows:
        record: dict[str, Any] = {"id": row.take("id", checks.slug, required=True)}
        for column in table.columns:
            if column == "licence_url":
                record[column] = row.take(column, checks.url)
            elif column != "id":
                record[column] = row.text(column, required=column in REQUIRED)
        records.append(record)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    columns = dict.fromkeys(records[0], "text")
    staged = upsert(cursor, target("sources", ["id"], columns), records, report)
    if replace:
        remove_missing(cursor, "sources", ["id"], staged, report)
