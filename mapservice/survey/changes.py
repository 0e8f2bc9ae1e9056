"""What was done to a space: every change of the history with before and after, as far back as it goes.

What became part of a space brings its own history along, and so do the entrances of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.layers.visibility import Viewer
from mapservice.maps.difference import SIDE
from mapservice.survey.people import names_at_work
from mapservice.survey.reasons import known_again
from mapservice.survey.spaces import Space

Table = Literal["green_spaces", "entrances"]
MOST_SHOWN = 50
NEWEST = 2**63 - 1
SMALLEST_M = 30
"""The least side of a drawing: of a point there is nothing to see closer up."""
NOT_TOLD = frozenset({"key", "created_at", "updated_at", "green_space_key", "asset_key"})
"""Columns that are the register's own affair."""

SEEN = """(c.before IS NULL OR c.before ->> 'visibility' = ANY (:viewer))
      AND (c.after IS NULL OR c.after ->> 'visibility' = ANY (:viewer))"""
"""Of c, a change of a space: whether the viewer might have seen it before and after."""

_IDS = """
    SELECT o.id FROM history.changes o WHERE o.table_name = 'green_spaces' AND o.row_key = ANY (:keys)
    UNION ALL
    SELECT o.id FROM (
        SELECT DISTINCT e.row_key FROM history.changes e
        WHERE e.table_name = 'entrances' AND e.after ->> 'green_space_key' = ANY (:keys)) e
    JOIN history.changes o ON o.table_name = 'entrances' AND o.row_key = e.row_key"""
"""The changes of spaces with these keys, and of what was an entrance to them: found by indexes, unread."""

_KNOWN = f"""CASE c.table_name WHEN 'green_spaces' THEN {SEEN}
        ELSE (c.before ->> 'green_space_key' = ANY (:keys) OR c.after ->> 'green_space_key' = ANY (:keys))
            -- An entrance is for whom its space was at the time.
            AND NOT EXISTS (
                SELECT FROM (VALUES (c.before ->> 'green_space_key'), (c.after ->> 'green_space_key')) k (key)
                WHERE (SELECT COALESCE(g.after, g.before) ->> 'visibility' FROM history.changes g
                       WHERE g.table_name = 'green_spaces' AND g.row_key = k.key AND g.id < c.id
                       ORDER BY g.id DESC LIMIT 1) <> ALL (:viewer))
        END"""
"""Of c, one of these: whether it is a change of the spaces that the viewer may know of."""

OF_SPACE = f"c.id IN ({_IDS}) AND {_KNOWN}"
"""Whether c is a change of a space with these keys that the viewer may know of."""

# From the latest one back, no more of them than a page shows: states are large, with their outlines.
_LATEST = f"""
    SELECT c.id, c.at, c.table_name, c.row_key, c.operation, c.actor, c.reason, c.before, c.after
    FROM (SELECT o.id FROM ({_IDS}) o WHERE o.id < :earlier ORDER BY o.id DESC OFFSET 0) o
    JOIN history.changes c ON c.id = o.id
    WHERE {_KNOWN}
    ORDER BY o.id DESC LIMIT :most
"""

_DRAWN = """
    WITH given AS (
        SELECT c.id, CAST(c.before ->> 'geom' AS geometry) AS was, CAST(c.after ->> 'geom' AS geometry) AS now
        FROM history.changes c
        WHERE c.id = ANY (:ids) AND c.before ->> 'geom' IS DISTINCT FROM c.after ->> 'geom'
    ), box AS (
        SELECT id, was, now, ST_Envelope(ST_Collect(was, now)) AS box FROM given
    ), frame AS (
        SELECT id, was, now, (ST_XMin(box) + ST_XMax(box)) / 2 AS x, (ST_YMin(box) + ST_YMax(box)) / 2 AS y,
               greatest(CAST(:smallest AS double precision), 1.3 * (ST_XMax(box) - ST_XMin(box)),
                        1.3 * (ST_YMax(box) - ST_YMin(box))) AS side
        FROM box
    ), placed AS (
        -- From the upper left corner; ST_AsSVG counts y downwards. A point is the disc around it.
        SELECT id, part, ST_AsSVG(ST_Affine(
            CASE WHEN GeometryType(g) = 'POINT' THEN ST_Buffer(g, side / 25) ELSE g END,
            k, 0, 0, k, (side / 2 - x) * k, -(side / 2 + y) * k), 0, 1) AS path
        FROM frame,
             LATERAL (SELECT CAST(:units AS double precision) / side AS k) scale,
             LATERAL (VALUES (was, 1), (now, 2)) each(g, part)
    )
    SELECT id, max(path) FILTER (WHERE part = 1) AS before, max(path) FILTER (WHERE part = 2) AS after
    FROM placed GROUP BY id
"""


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


def changes_of(session: Session, space: Space, viewer: Viewer, before: int | None = None) -> list[Change]:
    """The latest changes of a space, or those before one (its id), newest first, as far as somebody sees."""
    rows = session.execute(
        text(_LATEST),
        {
            "keys": keys_of(session, space),
            "viewer": list(viewer),
            "earlier": NEWEST if before is None else before,
            "most": MOST_SHOWN,
        },
    ).all()
    names = names_at_work(session, {row.actor for row in rows})
    drawn = _drawn(session, [row.id for row in rows])
    return [_change(row, names, drawn.get(row.id)) for row in rows]


def is_change_of(session: Session, space: Space, change_id: int, viewer: Viewer) -> bool:
    """Whether a change is one of those that `changes_of` tells of."""
    found = session.execute(
        text(f"SELECT FROM history.changes c WHERE c.id = :change AND {OF_SPACE}"),
        {"change": change_id, "keys": keys_of(session, space), "viewer": list(viewer)},
    )
    return found.first() is not None


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


def _change(row: Row[Any], names: Mapping[str | None, str], drawn: Drawn | None) -> Change:
    return Change(
        id=row.id,
        at=row.at,
        table=row.table_name,
        row_id=(row.after or row.before)["id"],
        operation=row.operation,
        by=names[row.actor],
        reason=known_again(row.reason),
        differences=differences(row.before, row.after),
        drawn=drawn,
    )


def _drawn(session: Session, ids: Sequence[int]) -> dict[int, Drawn]:
    """The outlines of those changes that moved one, before and after in one drawing."""
    rows = session.execute(text(_DRAWN), {"ids": [*ids], "smallest": SMALLEST_M, "units": SIDE})
    return {row.id: Drawn(row.before, row.after) for row in rows}
