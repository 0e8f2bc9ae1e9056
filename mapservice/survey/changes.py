"""What was done to a space: every change of the history with before and after, as far back as it goes.

What became part of a space brings its own history along, and so do the entrances of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.maps.difference import SIDE
from mapservice.survey.people import shown_names
from mapservice.survey.spaces import Space

Table = Literal["green_spaces", "entrances"]
MOST_SHOWN = 50
SMALLEST_M = 30
"""The least side of a drawing: of a point there is nothing to see closer up."""
NOT_TOLD = frozenset({"key", "created_at", "updated_at", "green_space_key", "asset_key"})
"""Columns that are the register's own affair."""

OF_SPACE = """
    (c.table_name = 'green_spaces' AND c.row_key = ANY (:keys)
     OR c.table_name = 'entrances' AND c.row_key IN (
        SELECT e.row_key FROM history.changes e
        WHERE e.table_name = 'entrances'
          AND (e.before ->> 'green_space_key' = ANY (:keys)
               OR e.after ->> 'green_space_key' = ANY (:keys))))"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, before and after."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Drawn:
    """Outlines before and after as SVG path data in one drawing; None for none."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a space, of an entrance to it, or of what became part of it."""

    id: int
    at: datetime
    table: Table
    row_id: str
    operation: Literal["created", "updated", "deleted"]
    by: str
    reason: str | None
    differences: tuple[Difference, ...]
    drawn: Drawn | None

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(each.name for each in self.differences)


def changes_of(session: Session, space: Space, before: int | None = None) -> list[Change]:
    """The latest changes of a space, or those before one (its id), newest first."""
    rows = session.execute(
        text(
            "SELECT c.id, c.at, c.table_name, c.row_key, c.operation, c.actor, c.reason, c.before, c.after"
            f" FROM history.changes c WHERE {OF_SPACE}"
            " AND (CAST(:earlier AS bigint) IS NULL OR c.id < :earlier) ORDER BY c.id DESC LIMIT :most"
        ),
        {"keys": keys_of(session, space), "earlier": before, "most": MOST_SHOWN},
    ).all()
    names = shown_names(session, {row.actor for row in rows})
    return [_change(session, row, names) for row in rows]


def keys_of(session: Session, space: Space) -> list[str]:
    """The keys under which the history has a space and whatever became part of it."""
    merged = session.execute(
        text(
            "WITH RECURSIVE parts AS ("
            "  SELECT merged_id FROM survey.merges WHERE into_id = :id"
            "  UNION SELECT m.merged_id FROM survey.merges m JOIN parts p ON m.into_id = p.merged_id"
            ") SELECT DISTINCT c.row_key FROM parts p JOIN history.changes c"
            " ON c.table_name = 'green_spaces' AND c.operation = 'deleted'"
            " AND c.before ->> 'id' = p.merged_id"
        ),
        {"id": space.id},
    ).scalars()
    return [str(space.key), *merged]


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """What differs between two states of a row; of one that came or went all that was known."""
    was, now = before or {}, after or {}
    return tuple(
        Difference(name, was.get(name), now.get(name))
        for name in (now or was)
        if name not in NOT_TOLD and name != "geom" and was.get(name) != now.get(name)
    )


def _change(session: Session, row: Row[Any], names: Mapping[str, str]) -> Change:
    was, now = (row.before or {}).get("geom"), (row.after or {}).get("geom")
    state = row.after or row.before
    return Change(
        id=row.id,
        at=row.at,
        table=row.table_name,
        row_id=state["id"],
        operation=row.operation,
        by=names[row.actor],
        reason=row.reason,
        differences=differences(row.before, row.after),
        drawn=_drawn(session, was, now) if was != now else None,
    )


def _drawn(session: Session, before: str | None, after: str | None) -> Drawn:
    """Two geometries (hexadecimal EWKB) in one drawing, their middle in its middle."""
    row = session.execute(
        text(
            """
            WITH given AS (
                SELECT CAST(:before AS geometry) AS was, CAST(:after AS geometry) AS now
            ), box AS (
                SELECT ST_Envelope(ST_Collect(was, now)) AS box FROM given
            ), frame AS (
                SELECT (ST_XMin(box) + ST_XMax(box)) / 2 AS x, (ST_YMin(box) + ST_YMax(box)) / 2 AS y,
                       greatest(CAST(:smallest AS double precision), 1.3 * (ST_XMax(box) - ST_XMin(box)),
                                1.3 * (ST_YMax(box) - ST_YMin(box))) AS side
                FROM box
            ), scaled AS (
                SELECT x, y, side, CAST(:units AS double precision) / side AS k FROM frame
            ), placed AS (
                -- From the upper left corner; ST_AsSVG counts y downwards. A point is the disc around it.
                SELECT part, ST_AsSVG(ST_Affine(
                    CASE WHEN GeometryType(g) = 'POINT' THEN ST_Buffer(g, side / 25) ELSE g END,
                    k, 0, 0, k, (side / 2 - x) * k, -(side / 2 + y) * k), 0, 1) AS path
                FROM scaled, given, LATERAL (VALUES (was, 1), (now, 2)) each(g, part)
            )
            SELECT max(path) FILTER (WHERE part = 1), max(path) FILTER (WHERE part = 2) FROM placed
            """
        ),
        {"before": before, "after": after, "smallest": SMALLEST_M, "units": SIDE},
    ).one()
    return Drawn(*row)
