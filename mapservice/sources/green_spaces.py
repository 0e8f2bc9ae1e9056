"""Green spaces, existing and potential, from GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.features import Feature, read_features
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import refuse_repeated

STATUSES = ("existing", "potential")
TYPES = (
    "park-or-garden",
    "natural-green-space",
    "play-space",
    "playing-field",
    "sports-facility",
    "allotments",
    "burial-ground",
    "churchyard",
    "civic-space",
    "community-garden",
    "amenity-green-space",
    "green-corridor",
    "other",
    "unknown",
)
ACCESS = ("open-to-all", "restricted-hours", "members-or-residents", "no-access", "unknown")
STAGES = ("suggested", "checked-on-site", "owner-contacted", "plan", "opened", "declined")
LARGEST_AREA_HA = 5000
_SHAPES = {"outline": "MultiPolygon", "approximate": "Point"}

REQUIRED = ("id", "status", "type", "access", "position", "source", "verified")
OPTIONAL = (
    "name",
    "access_note",
    "address",
    "postcode",
    "current_use",
    "owner_kind",
    "area_stated_ha",
    "cost_gbp",
    "stage",
    "stage_reason",
    "visibility",
    "as_of",
    "confirmed_on",
    "verified_fields",
    "demonstration",
    "note",
)
_COLUMNS = {
    **dict.fromkeys((*REQUIRED, *OPTIONAL), "text"),
    "area_stated_ha": "double precision",
    "cost_gbp": "integer",
    "confirmed_on": "date",
    "verified": "boolean",
    "demonstration": "boolean",
    "geom": "geometry(Geometry, 27700)",
}
_DEFAULTS = {"visibility": "public", "demonstration": False}


def _area(value: str) -> float:
    hectares = checks.number(value)
    if not 0 < hectares <= LARGEST_AREA_HA:
        raise checks.Refused(f"must be hectares, more than 0 and up to {LARGEST_AREA_HA}")
    return hectares


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file; every property that a feature leaves out is taken as not known."""
    features = read_features(path, report, REQUIRED, OPTIONAL, ["MultiPolygon", "Point"])
    refuse_repeated([feature.row for feature in features.rows], ["id"])
    check = {
        "id": checks.slug,
        "status": checks.one_of(STATUSES),
        "type": checks.one_of(TYPES, "type of green space"),
        "access": checks.one_of(ACCESS, "kind of access"),
        "position": checks.one_of(_SHAPES),
        "source": checks.one_of(context.sources, "source"),
        "verified": checks.yes_no,
        "postcode": checks.postcode,
        "area_stated_ha": _area,
        "cost_gbp": checks.count,
        "stage": checks.one_of(STAGES, "stage"),
        "visibility": checks.one_of(("public", "network", "council")),
        "confirmed_on": checks.iso_date,
        "demonstration": checks.yes_no,
    }
    records = []
    for feature in features.rows:
        record: dict[str, Any] = {
            column: feature.row.take(column, check.get(column, checks.text), required=column in REQUIRED)
            for column in (*REQUIRED, *OPTIONAL)
        }
        for column, value in _DEFAULTS.items():
            record[column] = value if record[column] is None else record[column]
        record["geom"] = feature.geometry
        _agree(feature, record, context)
        records.append(record)
    return records


def _agree(feature: Feature, record: dict[str, Any], context: Context) -> None:
    row, geometry = feature.row, feature.geometry
    if geometry is not None:
        context.refuse_outside(row, "geometry", geometry)
        wanted = _SHAPES.get(record["position"] or "")
        if wanted and geometry.geom_type != wanted:
            row.refuse("position", f"needs a {wanted}, not a {geometry.geom_type}")
    stage, status = record["stage"], record["status"]
    if status == "existing" and stage not in (None, "opened"):
        row.refuse("stage", "must be empty or opened for an existing space")
    if status == "potential" and (stage is None or stage == "opened"):
        row.refuse("stage", "must be filled in for a potential space, and cannot be opened")
    if stage == "declined" and not record["stage_reason"]:
        row.refuse("stage_reason", "must say why the space was declined")


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; with `replace`, spaces of the statuses in the file that it lacks are removed."""
    columns = {("source_id" if c == "source" else c): kind for c, kind in _COLUMNS.items()}
    rows = [{**record, "source_id": record["source"]} for record in records]
    staged = upsert(cursor, target("green_spaces", ["id"], columns), rows, report)
    if replace:
        statuses = ", ".join(f"'{status}'" for status in sorted({record["status"] for record in records}))
        remove_missing(cursor, "green_spaces", ["id"], staged, report, f"t.status IN ({statuses})")
