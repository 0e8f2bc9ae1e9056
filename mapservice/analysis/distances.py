"""How far homes are from green spaces: by which method, and the SQL that all of the analysis shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Cursor

from mapservice.analysis.standards import ACCESSIBLE
from mapservice.network.store import read_loaded

Method = Literal["walk", "estimate", "boundary"]
METHODS: tuple[Method, ...] = ("walk", "estimate", "boundary")

DETOUR = 1.23
"""How many times as long as the straight line a walk is: measured on a sample of a borough's streets."""

# A space that lies for the better part in a larger one, as a playground does in a park, is a part of it.
_OPEN = "{0}.status = 'existing' AND {0}.access = ANY (%(accessible)s) AND NOT {0}.demonstration" + (
    " AND {0}.visibility = ANY (%(viewer)s)"
)
OPEN = _OPEN.format("g")
PART_OF_ANOTHER = f"""EXISTS (
    SELECT FROM register.green_spaces o
    WHERE o.key <> g.key AND o.position = 'outline' AND {_OPEN.format("o")} AND ST_Intersects(o.geom, g.geom)
      AND (g.position <> 'outline' OR (
           (ST_Area(o.geom), o.key) > (ST_Area(g.geom), g.key)
           AND ST_Area(ST_Intersection(o.geom, g.geom)) >= ST_Area(g.geom) / 2)))"""
HECTARES = "CASE WHEN g.position = 'outline' THEN ST_Area(g.geom) / 10000 ELSE g.area_stated_ha END"
# What a straight line ends at: the entrances where any is known, otherwise the outline or point.
_DOORS = "(SELECT ST_Collect(e.geom) FROM register.entrances e WHERE e.green_space_key = g.key)"

# For `spaces`: (key, hectares, door, entrances, farthest), of those that a statement is about.
SPACE = f"""
    g.key, g.id, {HECTARES} AS hectares, {_DOORS} IS NOT NULL AS entrances,
    CASE WHEN %(factor)s > 1 THEN COALESCE({_DOORS}, g.geom) ELSE g.geom END AS door
"""

_STRAIGHT = """
    SELECT h.postcode, h.small_area, s.key, ST_Distance(h.geom, s.door) * %(factor)s AS metres,
           false AS by_path
    FROM spaces s JOIN register.homes h ON ST_DWithin(h.geom, s.door, s.farthest / %(factor)s)
"""
# The walks that are short enough first, by themselves: joined row by row they would take minutes.
_WALKED = """
    SELECT w.postcode, w.small_area, s.key, w.metres::double precision AS metres, true AS by_path
    FROM (SELECT h.postcode, h.small_area, k.batch, u.place, u.metres
          FROM register.homes h
          JOIN network.walks k ON k.postcode = h.postcode
          CROSS JOIN LATERAL unnest(k.places, k.metres) AS u(place, metres)
          WHERE u.metres <= (SELECT max(farthest) FROM spaces) OFFSET 0) w
    JOIN network.places p ON p.key = w.place AND p.batch = w.batch
    JOIN spaces s ON s.key = p.green_space_key AND w.metres <= s.farthest
"""
_NOT_WALKED = """
    AND (s.key NOT IN (SELECT p.green_space_key FROM network.places p
                       WHERE p.batch IS NOT NULL AND p.green_space_key IS NOT NULL)
         OR h.postcode NOT IN (SELECT k.postcode FROM network.walks k))
"""


def reach(method: Method) -> str:
    """SQL for (postcode, small_area, key, metres, by_path) of homes and `spaces`, as far as `farthest`.

    On foot where that is measured; a space not measured yet, and a home that the network does not reach, are
    reckoned by `estimate`.
    """
    return f"{_WALKED} UNION ALL {_STRAIGHT} WHERE true {_NOT_WALKED}" if method == "walk" else _STRAIGHT


@contextmanager
def planned(cursor: Cursor[Any]) -> Iterator[None]:
    """A transaction in which rows are joined by hashing, and one by one only where shapes are compared.

    The planner takes a hundred spaces for one and would go through all of them for each of 300,000 walks.
    """
    with cursor.connection.transaction():
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield


def parameters(method: Method, viewer: Sequence[str]) -> dict[str, Any]:
    """What the shared SQL has to be given."""
    factor = 1.0 if method == "boundary" else DETOUR
    return {"accessible": list(ACCESSIBLE), "viewer": list(viewer), "factor": factor}


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to reckon with: without residents there is no result, without a network no walks."""

    residents: int
    off_network: int
    network: str | None
    unmeasured: int
    entrances: int
    spaces: int
    open_spaces: int

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that can be used, the best first."""
        return METHODS if self.network else METHODS[1:]


_KNOWN = f"""
    SELECT COALESCE((SELECT round(sum(residents)) FROM register.homes), 0)::integer,
           COALESCE((SELECT round(sum(residents)) FROM register.homes
                     WHERE postcode NOT IN (SELECT postcode FROM network.walks)), 0)::integer,
           (SELECT count(*) FROM network.places p JOIN register.green_spaces g ON g.key = p.green_space_key
            WHERE p.batch IS NULL),
           count(*) FILTER (WHERE EXISTS (SELECT FROM register.entrances e WHERE e.green_space_key = g.key)),
           count(*), count(*) FILTER (WHERE {OPEN})
    FROM register.green_spaces g WHERE g.visibility = ANY (%(viewer)s)
"""  # noqa: S608 - constants alone are spliced


def read_known(cursor: Cursor[Any], viewer: Sequence[str]) -> Known:
    """What the register holds for this."""
    row = cursor.execute(_KNOWN, {"accessible": list(ACCESSIBLE), "viewer": list(viewer)}).fetchone()
    residents, off_network, *counts = row or (0, 0, 0, 0, 0, 0)
    loaded = read_loaded(cursor)
    return Known(residents, off_network, loaded.source.title if loaded else None, *counts)


_EDITION = """
    SELECT (SELECT array_agg(version ORDER BY relation) FROM layers.relations
            WHERE relation = ANY (%(relations)s)),
           (SELECT digest FROM network.loads WHERE current),
           (SELECT array[count(batch), max(batch), sum(batch)] FROM network.places)
"""
_RELATIONS = (
    "layers.green_spaces",
    "layers.areas",
    "register.small_areas",
    "register.homes",
    "register.entrances",
)


def read_edition(cursor: Cursor[Any], relations: Sequence[str] = _RELATIONS) -> tuple[Any, ...]:
    """What all results depend on, rows of the relations and walks: while this is the same, so are they."""
    row = cursor.execute(_EDITION, {"relations": list(relations)}).fetchone() or ()
    return tuple(tuple(part) if isinstance(part, list) else part for part in row)
