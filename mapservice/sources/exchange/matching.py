"""Which green space of the register is which of the file: by place and overlap, then by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from mapservice.sources.checks import slug_of
from mapservice.sources.exchange.reading import Found
from mapservice.sources.staging import Cursor, stage

Verdict = Literal["new", "changed", "same", "conflicting"]
NEAR_M = 150
"""How far apart two records of one space may be, where one is but an approximate point."""
SURE_OVERLAP = 0.5
"""Shared area by common area, from which two outlines are of one space."""
SAME_OVERLAP = 0.995
SAME_DOOR_M = 1.0


@dataclass(frozen=True, slots=True)
class Ours:
    """A green space of the register that one of the file may be."""

    id: str
    name: str | None
    overlap: float
    inside: float
    metres: float
    confirmed: bool
    status: str


@dataclass(slots=True)
class Compared:
    """One of the file beside the register: what it is, and what is different in words."""

    found: Found
    verdict: Verdict
    match: Ours | None = None
    others: list[Ours] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    decided: str | None = None


_CANDIDATES = """
    SELECT s.n, g.id, g.name,
           CASE WHEN both_outlines THEN ST_Area(common) / ST_Area(ST_Union(g.geom, s.geom)) ELSE 0 END,
           CASE WHEN both_outlines THEN ST_Area(common) / LEAST(ST_Area(g.geom), ST_Area(s.geom)) ELSE 0 END,
           ST_Distance(g.geom, s.geom), g.confirmed_on IS NOT NULL, g.status
    FROM {staged} s
    JOIN register.green_spaces g ON ST_DWithin(g.geom, s.geom, {near}) AND NOT g.demonstration
    CROSS JOIN LATERAL (SELECT ST_Dimension(g.geom) = 2 AND ST_Dimension(s.geom) = 2 AS both_outlines,
                               ST_Intersection(g.geom, s.geom) AS common) c
    ORDER BY s.n, 4 DESC, 6, g.id
"""
_NEW_DOORS = """
    SELECT d.n, count(*) FROM {doors} d JOIN {matched} m ON m.n = d.n
    JOIN register.green_spaces g ON g.id = m.id
    WHERE NOT EXISTS (SELECT FROM register.entrances e
                      WHERE e.green_space_key = g.key AND ST_DWithin(e.geom, d.geom, {same}))
    GROUP BY d.n
"""


def compare(cursor: Cursor, found: Sequence[Found], source_id: str) -> list[Compared]:
    """Every space of the file with its verdict. What a person has decided before is the same."""
    staged = stage(
        cursor,
        {"n": "integer", "geom": "geometry(Geometry, 27700)"},
        ((n, f.geometry) for n, f in enumerate(found)),
    )
    candidates: dict[int, list[Ours]] = {}
    query = sql.SQL(_CANDIDATES).format(staged=staged, near=sql.Literal(NEAR_M))
    for n, *ours in cursor.execute(query).fetchall():
        candidates.setdefault(n, []).append(Ours(*ours))
    decided: dict[str, str] = dict(
        cursor.execute(
            "SELECT digest, decision FROM register.green_space_matches WHERE source_id = %s", (source_id,)
        ).fetchall()
    )
    compared = [_judge(item, candidates.get(n, [])) for n, item in enumerate(found)]
    for n, doors in _new_doors(cursor, compared).items():
        compared[n].differences.append(f"{doors} new entrance{'s' if doors > 1 else ''}")
        if compared[n].verdict == "same":
            compared[n].verdict = "changed"
    for each in compared:
        each.decided = decided.get(each.found.digest)
        if each.decided:
            each.verdict = "same"
    return compared


def _judge(item: Found, ours: list[Ours]) -> Compared:
    name = slug_of(item.name or "")

    def named_alike(one: Ours) -> bool:
        return bool(name) and slug_of(one.name or "") == name

    sure = [
        one
        for one in ours
        if one.overlap >= SURE_OVERLAP or (named_alike(one) and (one.inside >= 0.8 or one.overlap == 0))
    ]
    possible = [one for one in ours if one.inside >= SURE_OVERLAP or named_alike(one)]
    if len(sure) != 1:
        return Compared(item, "conflicting" if sure or possible else "new", others=sure or possible)
    match = sure[0]
    differences = []
    if match.overlap < SAME_OVERLAP and match.metres + (1 - match.overlap) > 0.01:
        differences.append(
            "another outline" if item.geometry.geom_type == "MultiPolygon" else "another point"
        )
    if item.geometry.geom_type == "Point" and match.metres <= NEAR_M:
        differences = []
    unlike_names = bool(name) and bool(match.name) and not named_alike(match)
    if unlike_names:
        differences.append(f"another name: {item.name}")
    elif item.name and not match.name:
        differences.append(f"a name: {item.name}")
    conflict = bool(differences) and (match.confirmed or unlike_names or match.status != item.status)
    verdict: Verdict = "conflicting" if conflict else "changed" if differences else "same"
    return Compared(item, verdict, match, [one for one in possible if one is not match], differences)


def _new_doors(cursor: Cursor, compared: Sequence[Compared]) -> dict[int, int]:
    point = {"n": "integer", "geom": "geometry(Point, 27700)"}
    doors = stage(
        cursor, point, ((n, door) for n, each in enumerate(compared) for door in each.found.entrances)
    )
    matched = stage(
        cursor,
        {"n": "integer", "id": "text"},
        ((n, each.match.id) for n, each in enumerate(compared) if each.match),
    )
    query = sql.SQL(_NEW_DOORS).format(doors=doors, matched=matched, same=sql.Literal(SAME_DOOR_M))
    return dict(cursor.execute(query).fetchall())
