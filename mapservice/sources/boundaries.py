"""Ward outlines of one vintage, from GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.features import read_features
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import refuse_repeated

REQUIRED = ("code", "name")
OPTIONAL = ("id",)
_COLUMNS = {
    "boundary_set_id": "text",
    "code": "text",
    "name": "text",
    "geom": "geometry(MultiPolygon, 27700)",
}

# A public id stays when a name is corrected, unless the file gives another.
_ID = """COALESCE(s.given, (SELECT a.id FROM register.areas a
    WHERE a.boundary_set_id = s.boundary_set_id AND a.code = s.code), s.suggested)"""


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file; its `name` member, or else its file name, says which boundary set it is."""
    features = read_features(path, report, REQUIRED, OPTIONAL, ["MultiPolygon"])
    known = [item.id for item in context.ward_sets]
    boundary_set = next((name for name in (features.name, path.stem) if name in known), None)
    if boundary_set is None:
        name = features.name or path.stem
        hint = checks.did_you_mean(name, known) or f" (one of {', '.join(known)})"
        report.reject(1, "name", name, f"is no boundary set of borough.toml{hint}")
    refuse_repeated([feature.row for feature in features.rows], ["code"])
    records = []
    for feature in features.rows:
        row = feature.row
        title = row.text("name", required=True)
        given = row.take("id", checks.slug)
        suggested = checks.slug_of(title or "")
        if title and not suggested:
            row.refuse("name", "holds no letter or digit")
        if feature.geometry is not None:
            context.refuse_outside(row, "geometry", feature.geometry)
        row.cells["id"] = given or suggested
        records.append(
            {
                "boundary_set_id": boundary_set,
                "given": given,
                "suggested": suggested,
                "code": row.text("code", required=True),
                "name": title,
                "geom": feature.geometry,
            }
        )
    refuse_repeated([feature.row for feature in features.rows], ["id"])
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; the database works out again what lies where."""
    helpers = {"given": "text", "suggested": "text"}
    into = target("areas", ["boundary_set_id", "code"], _COLUMNS, helpers, {"id": _ID})
    staged = upsert(cursor, into, records, report)
    if replace:
        mine = f"t.boundary_set_id = '{records[0]['boundary_set_id']}'"
        remove_missing(cursor, "areas", ["boundary_set_id", "code"], staged, report, mine)
