"""`evidence.csv`: what each source says about a place, kept whether or not the register follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("subject", "id", "source", "says", "used")
SUBJECTS = ("assets", "green-spaces")
_KEY = ("subject", "subject_id", "source_id", "says")
_COLUMNS = {**dict.fromkeys(_KEY, "text"), "used": "boolean"}


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED)
    refuse_repeated(table.rows, ["subject", "id", "source", "says"])
    source = checks.one_of(context.sources, "source")
    known = {subject: context.ids(subject) for subject in SUBJECTS}
    records = []
    for row in table.rows:
        subject = row.take("subject", checks.one_of(SUBJECTS, "subject"), required=True)
        about = checks.one_of(known[subject], f"id of {subject}") if subject else checks.slug
        records.append(
            {
                "subject": subject,
                "subject_id": row.take("id", about, required=True),
                "source_id": row.take("source", source, required=True),
                "says": row.text("says", required=True),
                "used": row.take("used", checks.yes_no, required=True),
            }
        )
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    staged = upsert(cursor, target("evidence", _KEY, _COLUMNS), records, report)
    if replace:
        remove_missing(cursor, "evidence", _KEY, staged, report)
