"""Writing what a person decided: new spaces, outlines and entrances taken over, and the decision itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from mapservice.sources.checks import slug_of
from mapservice.sources.context import Context
from mapservice.sources.exchange.matching import SAME_DOOR_M, Compared
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, stage, target, upsert

if TYPE_CHECKING:
    from mapservice.sources.exchange import Decision

_TEXTS = ("id", "name", "status", "stage", "type", "access", "position", "source_id", "as_of")
_NEW = target(
    "green_spaces",
    ["id"],
    {**dict.fromkeys(_TEXTS, "text"), "verified": "boolean", "geom": "geometry(Geometry, 27700)"},
)
_TAKEN = {
    "id": "text",
    "name": "text",
    "type": "text",
    "source_id": "text",
    "as_of": "text",
    "geom": "geometry(Geometry, 27700)",
}
# An outline takes the place of a point, never a point that of an outline.
_TAKE = """
    UPDATE register.green_spaces g
    SET name = COALESCE(s.name, g.name), type = CASE g.type WHEN 'unknown' THEN s.type ELSE g.type END,
        geom = CASE WHEN ST_Dimension(s.geom) >= ST_Dimension(g.geom) THEN s.geom ELSE g.geom END,
        position = CASE WHEN ST_Dimension(s.geom) = 2 THEN 'outline' ELSE g.position END,
        source_id = s.source_id, as_of = s.as_of, verified = true
    FROM {staged} s WHERE g.id = s.id
      AND (COALESCE(s.name, g.name), s.source_id, NOT ST_Equals(s.geom, g.geom))
          IS DISTINCT FROM (g.name, g.source_id, false)
"""
_DOORS = """
    INSERT INTO register.entrances (id, green_space_key, geom, source_id)
    SELECT DISTINCT ON (s.id) s.id, g.key, s.geom, s.source_id
    FROM {staged} s JOIN register.green_spaces g ON g.id = s.space
    WHERE NOT EXISTS (SELECT FROM register.entrances e
                      WHERE e.green_space_key = g.key AND ST_DWithin(e.geom, s.geom, {same}))
    ON CONFLICT (id) DO NOTHING
"""
_MATCHES = target(
    "green_space_matches",
    ["source_id", "digest"],
    dict.fromkeys(("source_id", "digest", "reference", "decision"), "text"),
    {"space": "text"},
    {"green_space_key": "(SELECT key FROM register.green_spaces g WHERE g.id = s.space)"},
)


def write(
    cursor: Cursor,
    compared: Sequence[Compared],
    decisions: Mapping[str, Decision],
    source_id: str,
    as_of: str,
    report: Report,
) -> None:
    """Do what was decided of a file's spaces, in the cursor's transaction, and count it in the report."""
    taken_ids = Context(cursor).ids("green-spaces")
    new: list[dict[str, Any]] = []
    taken: list[dict[str, Any]] = []
    doors: list[tuple[str, str, Any, str]] = []
    matches: list[dict[str, Any]] = []
    for each in compared:
        found, decision = each.found, decisions.get(each.found.digest)
        if decision is None or decision.what == each.decided:
            report.unchanged += each.verdict == "same"
            continue
        space = decision.ours
        if decision.what == "add":
            space = _free_id(each, taken_ids)
            taken_ids.add(space)
            new.append(_new(each, space, source_id, as_of))
        elif decision.what == "take":
            shared = {"id": space, "name": found.name, "type": found.type}
            taken.append({**shared, "source_id": source_id, "as_of": as_of, "geom": found.geometry})
        if decision.what in ("add", "take") and space:
            doors += [(_door_id(space, door), space, door, source_id) for door in found.entrances]
        match = {"source_id": source_id, "digest": found.digest, "reference": found.reference}
        matches.append({**match, "decision": decision.what, "space": space})
    if new:
        upsert(cursor, _NEW, new, report)
    if taken:
        staged = stage(cursor, _TAKEN, ([row[column] for column in _TAKEN] for row in taken))
        cursor.execute(sql.SQL(_TAKE).format(staged=staged))
        report.updated += cursor.rowcount
    if doors:
        columns = {"id": "text", "space": "text", "geom": "geometry(Point, 27700)", "source_id": "text"}
        staged = stage(cursor, columns, doors)
        cursor.execute(sql.SQL(_DOORS).format(staged=staged, same=sql.Literal(SAME_DOOR_M)))
        part = Report("entrances", created=cursor.rowcount)
        report.parts.append(part)
    if matches:
        part = Report("decisions")
        upsert(cursor, _MATCHES, matches, part)
        report.parts.append(part)


def _new(each: Compared, space: str, source_id: str, as_of: str) -> dict[str, Any]:
    found = each.found
    return {
        "id": space,
        "name": found.name,
        "status": found.status,
        "stage": "suggested" if found.status == "potential" else None,
        "type": found.type,
        "access": found.access,
        "position": "outline" if found.geometry.geom_type == "MultiPolygon" else "approximate",
        "source_id": source_id,
        "as_of": as_of,
        "verified": True,
        "geom": found.geometry,
    }


def _free_id(each: Compared, known: set[str]) -> str:
    middle = each.found.geometry.representative_point()
    plain = slug_of(each.found.name or "") or f"green-space-{middle.x:.0f}-{middle.y:.0f}"
    number, free = 2, plain
    while free in known:
        free, number = f"{plain}-{number}", number + 1
    return free


def _door_id(space: str, door: Any) -> str:
    return f"{space}-at-{door.x:.0f}-{door.y:.0f}"
