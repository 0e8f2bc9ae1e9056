"""`contacts.csv`: telephone numbers, e-mail and web addresses of the whole borough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.register.vocabulary import SUPPORT
from mapservice.sources import checks
from mapservice.sources.assets import CONTACT_PREFIX, CONTACTS
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "name", "kind", "value", "source")
OPTIONAL = (
    "purpose",
    "hours",
    "opening_hours",
    "needs",
    "audience",
    "rank",
    "emergency",
    "confirmed_on",
    "as_of",
    "note",
)
_KINDS = dict(CONTACTS.values())
_TYPES = {"support": "text[]", "rank": "integer", "emergency": "boolean", "confirmed_on": "date"}
_NAMES = {"needs": "support", "source": "source_id"}
_DEFAULTS = {"needs": [], "rank": 100, "emergency": False}


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    check = {
        "id": checks.slug,
        "kind": checks.one_of(_KINDS),
        "source": checks.one_of(context.sources, "source"),
        "opening_hours": checks.opening_hours,
        "needs": checks.some_of(SUPPORT, "dimension of support"),
        "rank": checks.whole_number,
        "emergency": checks.yes_no,
        "confirmed_on": checks.iso_date,
    }
    records = []
    for row in table.rows:
        record: dict[str, Any] = {
            column: row.take(column, check.get(column, checks.text), required=column in REQUIRED)
            for column in table.columns
        }
        if record["kind"] and record["value"]:
            record["value"] = row.take("value", _KINDS[record["kind"]])
        if (record["id"] or "").startswith(CONTACT_PREFIX):
            row.refuse(
                "id", f"must not begin with {CONTACT_PREFIX}: such ids belong to assets; change it there"
            )
        records.append(
            {
                _NAMES.get(column, column): _DEFAULTS.get(column) if value is None else value
                for column, value in record.items()
            }
        )
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    columns = {column: _TYPES.get(column, "text") for column in records[0]}
    staged = upsert(cursor, target("contact_points", ["id"], columns), records, report)
    if replace:
        remove_missing(cursor, "contact_points", ["id"], staged, report, "t.asset_key IS NULL")
