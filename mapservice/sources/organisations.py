"""`organisations.csv`: who runs places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "name", "source")
OPTIONAL = ("kind", "website", "note")


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    source = checks.one_of(context.sources, "source")
    records = []
    for row in table.rows:
        record: dict[str, Any] = {
            "id": row.take("id", checks.slug, required=True),
            "name": row.text("name", required=True),
            "source_id": row.take("source", source, required=True),
        }
        if "kind" in table.columns:
            record["kind"] = row.take("kind", checks.slug)
        if "website" in table.columns:
            record["website"] = row.take("website", checks.url)
        if "note" in table.columns:
            record["note"] = row.text("note")
        records.append(record)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    into = target("organisations", ["id"], dict.fromkeys(records[0], "text"))
    staged = upsert(cursor, into, records, report)
    if replace:
        remove_missing(cursor, "organisations", ["id"], staged, report)
