"""`assets.csv`: places that help, with their telephone, e-mail and web address."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql
from shapely import Point

from mapservice.register.vocabulary import ACCESS_FACTS, SUPPORT, YES_NO_UNKNOWN
from mapservice.sources import checks
from mapservice.sources.borough import HUB, LOCALITIES
from mapservice.sources.context import Context, to_grid
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, stage, target, upsert
from mapservice.sources.tables import Row, read_table, refuse_repeated

REQUIRED = ("id", "name", "categories", "longitude", "latitude", "position", "source", "verified")
OPTIONAL = (
    "description",
    "hub_for",
    "listed_under",
    "organisation",
    "address",
    "postcode",
    "opening_hours",
    "opening_note",
    *ACCESS_FACTS,
    "phone",
    "email",
    "website",
    "ods_code",
    "uprn",
    "support",
    "visibility",
    "confirmed_on",
    "as_of",
    "demonstration",
    "note",
)
CONTACTS = {
    "phone": ("phone", checks.phone),
    "email": ("email", checks.email),
    "website": ("web", checks.url),
}
CONTACT_PREFIX = "asset-"
POSITIONS = ("building", "postcode", "none")

_TYPES = {
    "categories": "text[]",
    "support": "text[]",
    "geom": "geometry(Point, 27700)",
    "verified": "boolean",
    "demonstration": "boolean",
    "confirmed_on": "date",
}
_LOCALITY = f"(SELECT key FROM register.areas WHERE boundary_set_id = '{LOCALITIES}' AND id = s.{{}})"  # noqa: S608
_RESOLVED = {"hub_for": "hub_for_key", "listed_under": "listed_area_key"}
_NAMES = {"organisation": "organisation_id", "source": "source_id"}
_DEFAULTS = {
    "support": [],
    "visibility": "public",
    "demonstration": False,
    **dict.fromkeys(ACCESS_FACTS, "unknown"),
}


def _ods_code(value: str) -> str:
    if not (value.isalnum() and value.isascii() and 3 <= len(value) <= 10):
        raise checks.Refused("is not an ODS code, such as F83004")
    return value.upper()


def _uprn(value: str) -> str:
    if not (value.isdigit() and value.isascii() and len(value) <= 12):
        raise checks.Refused("is not a UPRN: up to 12 digits")
    return value


def longitude(value: str) -> float:
    """Degrees east, in Great Britain."""
    result = checks.number(value)
    if not -9 <= result <= 3:
        raise checks.Refused("is not a longitude of Great Britain (between -9 and 3)")
    return result


def latitude(value: str) -> float:
    """Degrees north, in Great Britain."""
    result = checks.number(value)
    if not 49 <= result <= 61:
        raise checks.Refused("is not a latitude of Great Britain (between 49 and 61)")
    return result


def _checks(context: Context) -> dict[str, Callable[[str], Any]]:
    locality = checks.one_of(context.localities, "locality")
    return {
        "id": checks.slug,
        "categories": checks.some_of(context.categories, "category"),
        "longitude": longitude,
        "latitude": latitude,
        "position": checks.one_of(POSITIONS),
        "source": checks.one_of(context.sources, "source"),
        "verified": checks.yes_no,
        "hub_for": locality,
        "listed_under": locality,
        "organisation": checks.one_of(context.organisations, "organisation"),
        "postcode": checks.postcode,
        "opening_hours": checks.opening_hours,
        **dict.fromkeys(ACCESS_FACTS, checks.one_of(YES_NO_UNKNOWN)),
        "ods_code": _ods_code,
        "uprn": _uprn,
        "support": checks.some_of(SUPPORT, "dimension of support"),
        "visibility": checks.one_of(("public", "network", "council")),
        "confirmed_on": checks.iso_date,
        "demonstration": checks.yes_no,
        **{column: check for column, (_, check) in CONTACTS.items()},
    }


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file. An asset without a place yet has the position `none`."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    refuse_repeated(table.rows, ["ods_code"])
    check = _checks(context)
    filled = {"id", "name", "categories", "position", "source", "verified"}
    records = []
    for row in table.rows:
        record = {
            column: row.take(column, check.get(column, checks.text), required=column in filled)
            for column in table.columns
        }
        for column, value in _DEFAULTS.items():
            if column in record and record[column] is None:
                record[column] = value
        _agree(row, record)
        record["row"] = row
        records.append(record)
    locate(records, context)
    return records


# A mistyped postcode or a slipped point: both look right on their own.
_FAR_APART = """
SELECT f.name, f.postcode, round(ST_Distance(f.geom, p.geom))::int
FROM {staged} s JOIN register.assets f ON f.id = s.id JOIN register.postcodes p ON p.postcode = f.postcode
WHERE f.geom IS NOT NULL AND NOT ST_DWithin(f.geom, p.geom, %s) ORDER BY f.name
"""
FAR_FROM_POSTCODE = 300


def _agree(row: Row, record: dict[str, Any]) -> None:
    placed = bool(row.cells["longitude"]) and bool(row.cells["latitude"])
    unplaced = not row.cells["longitude"] and not row.cells["latitude"]
    if record["position"] == "none" and not unplaced:
        row.refuse("position", "is none, yet there is a longitude or latitude")
    if record["position"] in ("building", "postcode") and not placed:
        row.refuse("position", "needs a longitude and a latitude (or must be none)")
    if record.get("hub_for") and record["categories"] and HUB not in record["categories"]:
        row.refuse("hub_for", f"needs the category {HUB}")
    if record.get("listed_under") and record.get("demonstration"):
        row.refuse("listed_under", "must be empty for a demonstration record")


def locate(records: list[dict[str, Any]], context: Context) -> None:
    """Give records their point on the grid; refuse what lies elsewhere. Each holds its `row`."""
    placed = [r for r in records if r["longitude"] is not None and r["latitude"] is not None]
    points = to_grid([r["longitude"] for r in placed], [r["latitude"] for r in placed])
    for record, (easting, northing) in zip(placed, points, strict=True):
        if not (math.isfinite(easting) and math.isfinite(northing)):
            record["row"].refuse("longitude", "lies outside Great Britain")
            continue
        record["geom"] = Point(easting, northing)
        context.refuse_outside(record["row"], "longitude", record["geom"])


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; a telephone, e-mail or web address that is now empty is taken away."""
    given = [column for column in records[0] if column != "row"]
    plain = [c for c in given if c not in (*CONTACTS, *_RESOLVED, "longitude", "latitude", "geom")]
    columns = {_NAMES.get(c, c): _TYPES.get(c, "text") for c in plain} | {"geom": _TYPES["geom"]}
    references = [c for c in _RESOLVED if c in given]
    into = target(
        "assets",
        ["id"],
        columns,
        dict.fromkeys(references, "text"),
        {_RESOLVED[c]: _LOCALITY.format(c) for c in references},
    )
    rows = [{_NAMES.get(c, c): value for c, value in record.items()} for record in records]
    staged = upsert(cursor, into, rows, report)
    if replace:
        remove_missing(cursor, "assets", ["id"], staged, report)
    far = cursor.execute(sql.SQL(_FAR_APART).format(staged=staged), (FAR_FROM_POSTCODE,)).fetchall()
    report.warnings += [f"{name} is {metres} m from its postcode {code}" for name, code, metres in far]
    kinds = [c for c in CONTACTS if c in given]
    if kinds:
        part = Report("telephone, e-mail and web addresses of assets")
        report.parts.append(part)
        _apply_contacts(cursor, records, kinds, part)


def _apply_contacts(cursor: Cursor, records: list[dict[str, Any]], kinds: list[str], part: Report) -> None:
    columns = dict.fromkeys(("id", "name", "kind", "value", "source_id", "as_of"), "text")
    columns["confirmed_on"] = "date"
    key = {"asset_key": "(SELECT key FROM register.assets WHERE id = s.asset)"}
    into = target("contact_points", ["id"], columns, {"asset": "text"}, key)
    upsert(cursor, into, list(_contacts(records, kinds)), part)
    gone = stage(
        cursor,
        {"id": "text"},
        ([_contact_id(r["id"], CONTACTS[c][0])] for r in records for c in kinds if not r[c]),
    )
    delete = "DELETE FROM register.contact_points WHERE asset_key IS NOT NULL AND id IN (SELECT id FROM {})"
    cursor.execute(sql.SQL(delete).format(gone))
    part.removed += cursor.rowcount


def _contact_id(asset: str, kind: str) -> str:
    """Ids of assets' contacts begin with a word that no contact of the borough as a whole may begin with."""
    return f"{CONTACT_PREFIX}{asset}-{kind}"


def _contacts(records: list[dict[str, Any]], kinds: list[str]) -> Iterator[dict[str, Any]]:
    for record in records:
        for column in kinds:
            if record[column]:
                yield {
                    "id": _contact_id(record["id"], CONTACTS[column][0]),
                    "name": record["name"],
                    "kind": CONTACTS[column][0],
                    "value": record[column],
                    "source_id": record["source"],
                    "as_of": record.get("as_of"),
                    "confirmed_on": record.get("confirmed_on"),
                    "asset": record["id"],
                }
