"""Who has a green space near today: residents who meet each standard, by locality, ward and small area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.analysis.distances import OPEN, PART_OF_ANOTHER, SPACE, Method, parameters, planned, reach
from mapservice.analysis.standards import STANDARDS

BOROUGH = "borough"
SMALL_AREAS = "small-areas"


@dataclass(frozen=True, slots=True)
class AreaAccess:
    """An area's residents, how many of them meet each standard, and the green space the public can use in it.

    `met` is in the order of `STANDARDS`; `hectares` are of what lies inside the area.
    """

    boundary_set: str
    id: str
    name: str
    residents: float
    met: tuple[float, ...]
    hectares: float

    def share(self, standard: int) -> float:
        """The share of residents who meet the standard with this number, from 0 to 1."""
        return self.met[standard] / self.residents if self.residents else 0.0

    @property
    def square_metres_each(self) -> float | None:
        """Square metres of green space the public can use, for each resident."""
        return self.hectares * 10_000 / self.residents if self.residents else None


_FARTHEST = "GREATEST({})".format(
    ", ".join(
        f"CASE WHEN {{hectares}} >= {s.hectares} THEN {s.metres} ELSE 0 END"
        for s in STANDARDS
        if not s.straight
    )
)
_MET = ", ".join(
    f"bool_or(s.hectares >= {s.hectares} AND r.metres <= {s.metres})"
    if s.hectares
    else f"bool_or(r.metres <= {s.metres})"
    for s in STANDARDS
    if not s.straight
)
_STRAIGHT = ", ".join(
    f"EXISTS (SELECT FROM spaces s WHERE s.hectares >= {s.hectares}"
    f" AND ST_DWithin(s.geom, a.geom, {s.metres}))"
    for s in STANDARDS
    if s.straight
)
_N = len(STANDARDS)
_WALKABLE = [n for n, s in enumerate(STANDARDS, 1) if not s.straight]
_FAR = [n for n, s in enumerate(STANDARDS, 1) if s.straight]
_TOTALS = ", ".join(f"COALESCE(sum(residents) FILTER (WHERE met[{n}]), 0)" for n in range(1, _N + 1))

_ACCESS = f"""
    WITH open_spaces AS MATERIALIZED (
        SELECT {SPACE}, g.geom FROM register.green_spaces g WHERE {OPEN} AND NOT {PART_OF_ANOTHER}
    ), spaces AS MATERIALIZED (
        SELECT *, {_FARTHEST.format(hectares="COALESCE(hectares, 0)")} AS farthest FROM open_spaces
    ), reach AS MATERIALIZED ({{reach}}
    ), near(postcode, small_area, {", ".join(f"met_{n}" for n in _WALKABLE)}) AS (
        SELECT r.postcode, r.small_area, {_MET}
        FROM reach r JOIN spaces s USING (key) GROUP BY r.postcode, r.small_area
    ), far(code, {", ".join(f"met_{n}" for n in _FAR)}) AS MATERIALIZED (
        -- Kilometres off it makes no difference where in a small area one lives.
        SELECT a.code, {_STRAIGHT} FROM register.small_areas a
    ), homes AS MATERIALIZED (
        SELECT h.postcode, h.small_area, h.residents, h.geom,
               ARRAY[{", ".join(f"COALESCE(met_{n}, false)" for n in range(1, _N + 1))}] AS met
        FROM register.homes h
        LEFT JOIN near USING (postcode, small_area) LEFT JOIN far f ON f.code = h.small_area
    ), placed AS (
        SELECT DISTINCT ON (h.postcode, h.small_area, a.boundary_set_id)
               a.boundary_set_id AS set_id, a.id, a.name, h.residents, h.met
        FROM register.areas a JOIN homes h ON ST_Covers(a.geom, h.geom)
        ORDER BY h.postcode, h.small_area, a.boundary_set_id, a.id
    ), counted AS (
        SELECT set_id, id, name, residents, met FROM placed
        UNION ALL
        SELECT '{SMALL_AREAS}', a.code, a.name, h.residents, h.met
        FROM homes h JOIN register.small_areas a ON a.code = h.small_area
        UNION ALL
        SELECT '{BOROUGH}', b.code, b.name, h.residents, h.met FROM homes h CROSS JOIN register.borough b
    ), totals AS (
        SELECT set_id, id, name, sum(residents) AS residents, ARRAY[{_TOTALS}] AS met
        FROM counted GROUP BY set_id, id, name
    ), outlines AS MATERIALIZED (
        SELECT a.set_id, a.id, sum(CASE WHEN ST_Dimension(s.geom) = 0 THEN s.hectares
                                        ELSE ST_Area(ST_Intersection(a.geom, s.geom)) / 10000 END) AS hectares
        FROM (SELECT boundary_set_id AS set_id, id, geom FROM register.areas
              UNION ALL SELECT '{SMALL_AREAS}', code, geom FROM register.small_areas) a
        JOIN open_spaces s ON ST_Intersects(a.geom, s.geom)
        GROUP BY a.set_id, a.id
    ), whole AS (
        SELECT sum(hectares) AS hectares FROM outlines WHERE set_id = 'localities'
    )
    SELECT t.set_id, t.id, t.name, t.residents, t.met,
           COALESCE(CASE t.set_id WHEN '{BOROUGH}' THEN w.hectares ELSE o.hectares END, 0)
    FROM totals t LEFT JOIN outlines o USING (set_id, id) CROSS JOIN whole w
    ORDER BY t.set_id, t.name, t.id
"""  # noqa: S608 - constants alone are spliced


def read_access(cursor: Cursor[Any], method: Method, viewer: Sequence[str]) -> list[AreaAccess]:
    """Every area with its residents' access: the borough, localities, wards of each vintage, small areas.

    Green spaces outside the borough count as far as the register knows them; residents outside do not.
    """
    with planned(cursor):
        statement = _ACCESS.format(reach=reach(method)).encode()
        rows = cursor.execute(statement, parameters(method, viewer)).fetchall()
    return [
        AreaAccess(set_id, id_, name, residents, tuple(met), hectares)
        for set_id, id_, name, residents, met, hectares in rows
    ]
