"""`service-locations.csv`: where services are given: at places, in green spaces, at pop-up places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.assets import latitude, locate, longitude
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "service", "source")
PLACES = ("asset", "green_space", "place_name")
OPTIONAL = (
    *PLACES,
    "address",
    "postcode",
    "longitude",
    "latitude",
    "whenever_open",
    "confirmed_on",
    "as_of",
    "note",
)
_COLUMNS = {
    "id": "text",
    "service_id": "text",
    "place_name": "text",
    "address": "text",
    "postcode": "text",
    "geom": "geometry(Point, 27700)",
    "whenever_open": "boolean",
    "source_id": "text",
    "confirmed_on": "date",
    "as_of": "text",
    "note": "text",
}
_KEYS = {
    "asset_key": "(SELECT key FROM register.assets f WHERE f.id = s.asset)",
    "green_space_key": "(SELECT key FROM register.green_spaces f WHERE f.id = s.green_space)",
}
INTO = target("service_at_locations", ["id"], _COLUMNS, {"asset": "text", "green_space": "text"}, _KEYS)


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    check = {
        "id": checks.slug,
        "service": checks.one_of(context.services, "service"),
        "asset": checks.one_of(context.ids("assets"), "place"),
        "green_space": checks.one_of(context.ids("green-spaces"), "green space"),
        "postcode": checks.postcode,
        "longitude": longitude,
        "latitude": latitude,
        "whenever_open": checks.yes_no,
        "source": checks.one_of(context.sources, "source"),
        "confirmed_on": checks.iso_date,
    }
    records = []
    for row in table.rows:
        record: dict[str, Any] = {
            column: row.take(column, check.get(column, checks.text), required=column in REQUIRED)
            for column in (*REQUIRED, *OPTIONAL)
        }
        record.update(row=row, service_id=record.pop("service"), source_id=record.pop("source"))
        record["whenever_open"] = bool(record["whenever_open"])
        if sum(bool(row.cells.get(column)) for column in PLACES) != 1:
            row.refuse("asset", "exactly one of asset, green_space and place_name must be filled in")
        if (record["longitude"] is None) != (record["latitude"] is None):
            row.refuse("longitude", "longitude and latitude go together")
        if not row.cells.get("place_name") and any(
            row.cells.get(column) for column in ("address", "postcode", "longitude", "latitude")
        ):
            row.refuse("address", "is the place's own; it is for a pop-up place (place_name) alone")
        if record["whenever_open"] and not row.cells.get("asset"):
            row.refuse("whenever_open", "needs an asset, whose hours it follows")
        records.append(record)
    locate(records, context)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    staged = upsert(cursor, INTO, records, report)
    if replace:
        remove_missing(cursor, "service_at_locations", ["id"], staged, report)
