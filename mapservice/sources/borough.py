"""`borough.toml`: the borough's extent, its boundary sets, and the grid fitted to it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from mapservice.register.borough import Borough, BoroughFileError, read_borough
from mapservice.sources import checks, grid
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, target, upsert

LOCALITIES = "localities"
"""The id of the boundary set that localities are kept in."""

HUB = "hub"
"""The id of the kind of place that is a locality's way in, whatever the borough calls it."""

WIDEST_EXTENT = 150_000
"""Metres; over more than this the fitted grid would no longer be within reach of OSTN15."""

_BOROUGH = {
    "singleton": "boolean",
    "code": "text",
    "name": "text",
    "margin_m": "integer",
    "locality_vintage": "text",
    "grid_max_error_m": "double precision",
    "grid_rms_error_m": "double precision",
}
_CORNERS = {c: "double precision" for c in ("west", "south", "east", "north")}
_EXTENT = {"extent": "ST_MakeEnvelope(s.west, s.south, s.east, s.north, 27700)"}
_SETS = {
    "id": "text",
    "kind": "text",
    "vintage": "text",
    "title": "text",
    "valid_from": "date",
    "valid_to": "date",
    "accuracy": "text",
    "source_id": "text",
}

_NAME_HUBS = """
UPDATE register.categories SET name = %(name)s, plural = %(plural)s
WHERE id = %(id)s AND (name, plural) IS DISTINCT FROM (%(name)s, %(plural)s)
"""


def read(path: Path, context: Context, report: Report) -> list[Borough]:
    """Read and check the file."""
    if path.name != "borough.toml":
        report.reject(None, "file", path.name, "must be named borough.toml")
        return []
    try:
        borough = read_borough(path.parent)
    except (BoroughFileError, OSError, UnicodeDecodeError) as error:
        report.reject(None, path.name, "", str(error))
        return []
    west, south, east, north = borough.extent
    if max(east - west, north - south) > WIDEST_EXTENT:
        report.reject(None, "extent", "", f"is wider than {WIDEST_EXTENT // 1000} km")
    if not 0 <= borough.margin_m <= 50_000:
        report.reject(None, "extent.margin_m", borough.margin_m, "must be between 0 and 50000")
    vintages = [item.vintage for item in borough.boundary_sets]
    if borough.locality_vintage not in vintages:
        hint = f"must be one of {', '.join(vintages)}"
        report.reject(None, "locality_vintage", borough.locality_vintage, hint)
    known = checks.one_of(context.sources, "source")
    files = {item.file: item.source for item in borough.boundary_sets}
    for file, source in {**files, borough.localities.file: borough.localities.source}.items():
        try:
            known(source)
        except checks.Refused as error:
            report.reject(None, f"{file}: source", source, str(error))
    for item in borough.boundary_sets:
        if not checks.SLUG.fullmatch(item.id) or item.id == LOCALITIES:
            report.reject(None, "boundary_sets.id", item.id, "must be an id such as wards-2022")
        for field, day in (("valid_from", item.valid_from), ("valid_to", item.valid_to)):
            if day is not None and type(day) is not date:
                reason = "must be a date without quotes, such as 2022-05-05"
                report.reject(None, f"{item.id}: {field}", day, reason)
    if not report.ok:
        return []
    for item in borough.boundary_sets:
        if item.valid_from and item.valid_to and item.valid_to <= item.valid_from:
            report.reject(None, f"{item.id}: valid_to", item.valid_to, "must be later than valid_from")
    return [borough]


def apply(cursor: Cursor, records: list[Borough], report: Report, *, replace: bool = False) -> None:
    """Fit the grid, register borough and boundary sets; recompute stored degrees if the fit changed."""
    borough = records[0]
    try:
        fitted = grid.fit(borough.extent)
    except ValueError as error:
        report.reject(None, "extent", "", str(error))
        return
    refitted = grid.install(cursor, fitted)
    west, south, east, north = borough.extent
    upsert(
        cursor,
        target("borough", ["singleton"], _BOROUGH, _CORNERS, _EXTENT),
        [
            {
                "singleton": True,
                "code": borough.code,
                "name": borough.name,
                "margin_m": borough.margin_m,
                "locality_vintage": borough.locality_vintage,
                "grid_max_error_m": fitted.max_error_m,
                "grid_rms_error_m": fitted.rms_error_m,
                "west": west,
                "south": south,
                "east": east,
                "north": north,
            }
        ],
        report,
    )
    upsert(cursor, target("boundary_sets", ["id"], _SETS), _boundary_sets(borough), report)
    cursor.execute(_NAME_HUBS, {"id": HUB, "name": borough.hub.singular, "plural": borough.hub.plural})
    if refitted:
        grid.recompute(cursor)
        report.warnings.append(
            f"grid fitted to OSTN15: largest error {fitted.max_error_m:.3f} m, "
            f"root mean square {fitted.rms_error_m:.3f} m; a running service needs a restart to use it"
        )


def _boundary_sets(borough: Borough) -> list[dict[str, object]]:
    wards: list[dict[str, object]] = [
        {
            "id": item.id,
            "kind": "ward",
            "vintage": item.vintage,
            "title": item.title,
            "valid_from": item.valid_from,
            "valid_to": item.valid_to,
            "accuracy": item.accuracy or None,
            "source_id": item.source,
        }
        for item in borough.boundary_sets
    ]
    localities = borough.localities
    return [
        *wards,
        {
            "id": LOCALITIES,
            "kind": "locality",
            "vintage": borough.locality_vintage,
            "title": localities.title,
            "accuracy": localities.accuracy or None,
            "source_id": localities.source,
        },
    ]
