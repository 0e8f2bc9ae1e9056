"""`localities.csv`: which wards make up each locality. Their outlines follow from the wards'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import sql

from mapservice.sources import checks
from mapservice.sources.borough import LOCALITIES
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, stage, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "name", "ward_code")
_COLUMNS = {"id": "text", "name": "text", "ward_code": "text"}
_WARD = """(SELECT w.key FROM register.areas w JOIN register.boundary_sets b ON b.id = w.boundary_set_id
    WHERE b.kind = 'ward' AND b.vintage = (SELECT locality_vintage FROM register.borough)
    AND w.code = s.ward_code)"""
_LOCALITY = f"(SELECT key FROM register.areas WHERE boundary_set_id = '{LOCALITIES}' AND id = s.id)"  # noqa: S608
# New localities get their outline here; later the database keeps it the union of the wards.
_INSERT = """
INSERT INTO register.areas (boundary_set_id, id, name, geom)
SELECT '{localities}', s.id, min(s.name), ST_Multi(ST_Union(w.geom))
FROM {staged} s JOIN register.areas w ON w.key = {ward}
WHERE NOT EXISTS (SELECT FROM register.areas a WHERE a.boundary_set_id = '{localities}' AND a.id = s.id)
GROUP BY s.id
"""
_RENAME = """
UPDATE register.areas a SET name = s.name
FROM (SELECT DISTINCT id, name FROM {staged}) s
WHERE a.boundary_set_id = '{localities}' AND a.id = s.id AND a.name <> s.name
"""
_HOMELESS = """
SELECT w.name FROM register.areas w JOIN register.boundary_sets b ON b.id = w.boundary_set_id
WHERE b.kind = 'ward' AND b.vintage = (SELECT locality_vintage FROM register.borough)
  AND NOT EXISTS (SELECT FROM register.locality_wards l WHERE l.ward_key = w.key) ORDER BY w.name
"""


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file: one row for each ward of a locality."""
    table = read_table(path, report, REQUIRED)
    refuse_repeated(table.rows, ["ward_code"])
    ward = checks.one_of(context.locality_ward_codes, f"ward of {context.locality_vintage}")
    names: dict[str, str] = {}
    records = []
    for row in table.rows:
        record = {
            "id": row.take("id", checks.slug, required=True),
            "name": row.text("name", required=True),
            "ward_code": row.take("ward_code", ward, required=True),
        }
        if record["id"] and record["name"]:
            first = names.setdefault(record["id"], record["name"])
            if first != record["name"]:
                row.refuse("name", f'differs from the name on an earlier line, "{first}"')
        records.append(record)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; a ward moves from one locality to another when the file says so."""
    staged = stage(cursor, _COLUMNS, ([record[column] for column in _COLUMNS] for record in records))
    parts = {"localities": sql.SQL(LOCALITIES), "staged": staged, "ward": sql.SQL(_WARD)}
    cursor.execute(sql.SQL(_INSERT).format(**parts))
    report.created += cursor.rowcount
    cursor.execute(sql.SQL(_RENAME).format(**parts))
    report.updated += cursor.rowcount
    into = target(
        "locality_wards",
        ["ward_key"],
        {},
        {"id": "text", "ward_code": "text"},
        {"ward_key": _WARD, "locality_key": _LOCALITY},
    )
    members = upsert(cursor, into, records, report)
    if replace:
        left = f"NOT EXISTS (SELECT FROM {{}} s WHERE {_WARD} = t.ward_key)"
        cursor.execute(
            sql.SQL(f"DELETE FROM register.locality_wards t WHERE {left}").format(members)  # noqa: S608
        )
        report.removed += cursor.rowcount
        mine = f"t.boundary_set_id = '{LOCALITIES}'"
        remove_missing(cursor, "areas", ["id"], staged, report, mine)
    homeless = [row[0] for row in cursor.execute(_HOMELESS).fetchall()]
    if homeless:
        report.warnings.append(f"these wards are in no locality: {', '.join(homeless)}")
