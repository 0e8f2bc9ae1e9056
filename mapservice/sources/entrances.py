"""`entrances.csv`: where places and green spaces are entered, and whether without steps; walks end there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from shapely import Point

from mapservice.register.vocabulary import YES_NO_UNKNOWN
from mapservice.sources import checks
from mapservice.sources.assets import latitude, longitude
from mapservice.sources.context import Context, to_grid
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import Row, read_table, refuse_repeated

REQUIRED = ("place", "step_free", "source")
POSITIONS = (("longitude", "latitude"), ("easting", "northing"))
OPTIONAL = ("id", *POSITIONS[0], *POSITIONS[1], "name", "confirmed_on", "note")
SUBJECTS = {"assets": "asset", "green-spaces": "green_space"}
FARTHEST_M = 500
"""An entrance farther than this from its place belongs to another, or its numbers are swapped."""

_COLUMNS = {
    "id": "text",
    "name": "text",
    "geom": "geometry(Point, 27700)",
    "step_free": "text",
    "source_id": "text",
    "confirmed_on": "date",
    "note": "text",
}
_KEYS = {
    "asset_key": "(SELECT key FROM register.assets WHERE id = s.asset)",
    "green_space_key": "(SELECT key FROM register.green_spaces WHERE id = s.green_space)",
}
_DISTANCES = """
SELECT w.number, ST_Distance(COALESCE(a.geom, g.geom), ST_SetSRID(ST_MakePoint(w.easting, w.northing), 27700))
FROM unnest(%(numbers)s::integer[], %(assets)s::text[], %(spaces)s::text[],
            %(eastings)s::double precision[], %(northings)s::double precision[])
     AS w(number, asset, space, easting, northing)
LEFT JOIN register.assets a ON a.id = w.asset
LEFT JOIN register.green_spaces g ON g.id = w.space
"""
_DENIED = """
SELECT DISTINCT a.id FROM register.assets a JOIN register.entrances e ON e.asset_key = a.key
WHERE a.step_free = 'no' AND e.step_free = 'yes' AND e.id = ANY (%s) ORDER BY a.id
"""


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file. `place` is an id, `assets/` or `green-spaces/` before it if need be."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    known = {subject: context.ids(subject) for subject in SUBJECTS}
    source = checks.one_of(context.sources, "source")
    records = []
    for row in table.rows:
        record = {
            **_place(row, known),
            "name": row.text("name"),
            "geom": _position(row, context),
            "step_free": row.take("step_free", checks.one_of(YES_NO_UNKNOWN), required=True),
            "source_id": row.take("source", source, required=True),
            "confirmed_on": row.take("confirmed_on", checks.iso_date),
            "note": row.text("note"),
        }
        record["id"] = row.cells["id"] = row.take("id", checks.slug) or _id(record)
        records.append(record)
    refuse_repeated(table.rows, ["id"])
    _refuse_far(table.rows, records, context.cursor)
    return records


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; with `replace`, entrances of the file's sources that it lacks are removed."""
    helpers = dict.fromkeys(SUBJECTS.values(), "text")
    staged = upsert(cursor, target("entrances", ["id"], _COLUMNS, helpers, _KEYS), records, report)
    if replace:
        mine = f"t.source_id IN (SELECT source_id FROM {staged.as_string(cursor)})"  # noqa: S608 - our own name
        remove_missing(cursor, "entrances", ["id"], staged, report, mine)
    denied = [key for (key,) in cursor.execute(_DENIED, ([record["id"] for record in records],))]
    if denied:
        report.warnings.append(
            f"{', '.join(denied)}: has an entrance without steps, but step_free of the place is no;"
            " who asks for a way in without steps is answered by the place's own"
        )


def _place(row: Row, known: dict[str, set[str]]) -> dict[str, str | None]:
    """The one place or green space that is meant, under the name of its kind."""
    found: dict[str, str | None] = dict.fromkeys(SUBJECTS.values())
    typed = row.text("place", required=True)
    if typed is None:
        return found
    subject, slash, rest = typed.partition("/")
    meant = [(subject, rest)] if slash else [(each, typed) for each in SUBJECTS]
    hits = [(each, place) for each, place in meant if place in known.get(each, ())]
    if len(hits) == 1:
        found[SUBJECTS[hits[0][0]]] = hits[0][1]
    elif hits:
        row.refuse("place", "is both a place and a green space: write assets/ or green-spaces/ before it")
    else:
        ids = {place for each, _ in meant for place in known.get(each, ())}
        row.refuse("place", f"is not a known place or green space{checks.did_you_mean(meant[0][1], ids)}")
    return found


def _position(row: Row, context: Context) -> Point | None:
    """The point, from one pair of numbers or the other, whichever is filled in."""
    given = [pair for pair in POSITIONS if any(row.cells.get(column) for column in pair)]
    if not given:
        row.refuse("longitude", "must be filled in, with latitude; or easting and northing")
        return None
    if len(given) > 1:
        row.refuse("longitude", "is given beside easting or northing: fill in one pair or the other")
        return None
    pair = given[0]
    degrees = pair == POSITIONS[0]
    first_check, second_check = (longitude, latitude) if degrees else (checks.number, checks.number)
    first = row.take(pair[0], first_check, required=True)
    second = row.take(pair[1], second_check, required=True)
    if first is None or second is None:
        return None
    point = Point(to_grid([first], [second])[0] if degrees else (first, second))
    if not np.isfinite((point.x, point.y)).all():
        row.refuse(pair[0], "lies outside the reach of the National Grid")
        return None
    context.refuse_outside(row, pair[0], point)
    return point


def _id(record: dict[str, Any]) -> str:
    """An id for an entrance without one: its place and name, or its place and position to the metre."""
    place = record["asset"] or record["green_space"] or "unknown"
    if record["name"]:
        return f"{place}-{checks.slug_of(record['name'])}"
    point = record["geom"]
    return f"{place}-{point.x:.0f}-{point.y:.0f}" if point else place


def _refuse_far(rows: list[Row], records: list[dict[str, Any]], cursor: Cursor) -> None:
    """Refuse what lies nowhere near its place."""
    placed = [n for n, each in enumerate(records) if each["geom"] and (each["asset"] or each["green_space"])]
    wanted = {
        "numbers": placed,
        "assets": [records[n]["asset"] for n in placed],
        "spaces": [records[n]["green_space"] for n in placed],
        "eastings": [records[n]["geom"].x for n in placed],
        "northings": [records[n]["geom"].y for n in placed],
    }
    for number, metres in cursor.execute(_DISTANCES, wanted).fetchall():
        if metres is not None and metres > FARTHEST_M:
            reason = f"lies {metres:.0f} m from this position; an entrance is within {FARTHEST_M} m"
            rows[number].refuse("place", reason)
