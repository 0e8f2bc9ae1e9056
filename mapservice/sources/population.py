"""Small areas of the census with residents, ages, households and deprivation, from GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.features import read_features
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import Row, refuse_repeated

REQUIRED = ("code", "name", "residents", "source")
OPTIONAL = (
    "aged_0_14",
    "aged_65_plus",
    "households",
    "imd_rank",
    "imd_decile",
    "imd_score",
    "deprivation_source",
    "as_of",
)
_COUNTS = ("residents", "aged_0_14", "aged_65_plus", "households")
_DEPRIVATION = ("imd_rank", "imd_decile", "imd_score", "deprivation_source")
_COLUMNS = {
    "code": "text",
    "name": "text",
    **dict.fromkeys(_COUNTS, "integer"),
    "imd_rank": "integer",
    "imd_decile": "smallint",
    "imd_score": "double precision",
    "source_id": "text",
    "deprivation_source_id": "text",
    "as_of": "text",
    "geom": "geometry(MultiPolygon, 27700)",
}


def _from_one(value: str) -> int:
    number = checks.whole_number(value)
    if number < 1:
        raise checks.Refused("must be 1 or more; 1 is the most deprived")
    return number


def _decile(value: str) -> int:
    number = _from_one(value)
    if number > 10:
        raise checks.Refused("must be from 1 (the most deprived tenth) to 10")
    return number


def _score(value: str) -> float:
    number = checks.number(value)
    if not 0 <= number <= 100:
        raise checks.Refused("must be from 0 to 100")
    return number


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file; what a feature leaves out is taken as not known."""
    features = read_features(path, report, REQUIRED, OPTIONAL, ["MultiPolygon"])
    refuse_repeated([feature.row for feature in features.rows], ["code"])
    source = checks.one_of(context.sources, "source")
    check = {
        **dict.fromkeys(_COUNTS, checks.count),
        "imd_rank": _from_one,
        "imd_decile": _decile,
        "imd_score": _score,
        "source": source,
        "deprivation_source": source,
    }
    records = []
    for feature in features.rows:
        record: dict[str, Any] = {
            column: feature.row.take(column, check.get(column, checks.text), required=column in REQUIRED)
            for column in (*REQUIRED, *OPTIONAL)
        }
        if feature.geometry is not None:
            context.refuse_outside(feature.row, "geometry", feature.geometry)
        _agree(feature.row, record)
        records.append(
            {
                **record,
                "source_id": record["source"],
                "deprivation_source_id": record["deprivation_source"],
                "geom": feature.geometry,
            }
        )
    return records


def _agree(row: Row, record: dict[str, Any]) -> None:
    residents = record["residents"]
    for part in ("aged_0_14", "aged_65_plus"):
        if residents is not None and (record[part] or 0) > residents:
            row.refuse(part, f"is more than the {residents} residents")
    given = [column for column in _DEPRIVATION if record[column] is not None]
    for column in ("imd_rank", "deprivation_source"):
        if given and record[column] is None:
            row.refuse(column, f"must be given with {given[0]}")


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; the database places the residents on postcodes again."""
    staged = upsert(cursor, target("small_areas", ["code"], _COLUMNS), records, report)
    if replace:
        remove_missing(cursor, "small_areas", ["code"], staged, report)
