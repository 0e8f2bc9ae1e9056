"""Which first? What opening each potential green space would change, and their order by weights.

One statement: who has which green space today, who would gain from each candidate, and the score.

    score = 100 x (residents x gain / most that any gains + deprivation x how deprived those are who gain
                   + cost known + ownership public) / sum of the weights

each term times its weight; 0 where nobody gains. docs/access.md has the formula with its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from psycopg import Cursor
from psycopg.rows import class_row

from mapservice.analysis.distances import OPEN, PART_OF_ANOTHER, SPACE, Method, parameters, planned, reach
from mapservice.analysis.standards import DOORSTEP, LOCAL, PUBLIC_OWNERS, SMALL_AREAS_RANKED

LARGEST_WEIGHT = 10


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term counts, from 0 to 10; what counts is how they compare."""

    residents: int = 6
    deprivation: int = 2
    cost: int = 1
    ownership: int = 1

    @property
    def total(self) -> int:
        return self.residents + self.deprivation + self.cost + self.ownership

    @property
    def words(self) -> str:
        """As it is printed on every result."""
        shares = (
            f"{label} {getattr(self, name) / self.total:.0%}"
            for name, label in (
                ("residents", "residents who gain"),
                ("deprivation", "deprivation where they live"),
                ("cost", "cost known"),
                ("ownership", "public owner"),
            )
        )
        return ", ".join(shares)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A potential green space and what opening it would change; residents are Census 2021 estimates.

    `residents_200` and `residents_300` live that near; `without_doorstep` and `without_local` are those of
    them who have no accessible space of 0.5 ha within 200 m, of 2 ha within 300 m, today. `gain` gain one,
    `meet` of them would then meet the standard in full. `mean_rank` and `deprived_fifth` are of those who
    gain. `by_path` is whether distances are walks; `entrances` whether any entrance is known.
    """

    place: int
    id: str
    name: str
    stage: str
    locality: str | None
    hectares: float | None
    current_use: str | None
    owner_kind: str | None
    owner_is_public: bool
    longitude: float
    latitude: float
    cost_gbp: int | None
    demonstration: bool
    entrances: bool
    by_path: bool
    residents_200: float
    residents_300: float
    without_doorstep: float
    without_local: float
    gain: float
    meet: float
    mean_rank: float | None
    deprived_fifth: float
    score: float


_RANKING = f"""
    WITH spaces AS MATERIALIZED (
        SELECT {SPACE}, g.status = 'potential' AS candidate, {LOCAL.metres} AS farthest
        FROM register.green_spaces g
        WHERE ({OPEN} AND NOT {PART_OF_ANOTHER})
           OR (g.status = 'potential' AND g.stage <> 'declined' AND g.visibility = ANY (%(viewer)s))
    ), reach AS MATERIALIZED ({{reach}}
    ), today AS (
        -- What each home has within reach already, beside every candidate within its reach.
        SELECT r.*, s.candidate, COALESCE(s.hectares, 0) AS hectares,
               COALESCE(bool_or(s.hectares >= {DOORSTEP.hectares} AND r.metres <= {DOORSTEP.metres})
                        FILTER (WHERE NOT s.candidate) OVER home, false) AS doorstep,
               COALESCE(bool_or(s.hectares >= {LOCAL.hectares} AND r.metres <= {LOCAL.metres})
                        FILTER (WHERE NOT s.candidate) OVER home, false) AS local
        FROM reach r JOIN spaces s USING (key)
        WINDOW home AS (PARTITION BY r.postcode, r.small_area)
    ), served AS (
        SELECT t.key, h.residents, a.imd_rank, a.imd_decile, t.by_path,
               t.metres <= {DOORSTEP.metres} AS near,
               t.metres <= {DOORSTEP.metres} AND NOT t.doorstep AS lacks_doorstep,
               NOT t.local AS lacks_local,
               t.metres <= {DOORSTEP.metres} AND NOT t.doorstep AND t.hectares >= {DOORSTEP.hectares}
                   OR NOT t.local AND t.hectares >= {LOCAL.hectares} AS meets
        FROM today t
        JOIN register.homes h USING (postcode, small_area)
        JOIN register.small_areas a ON a.code = h.small_area
        WHERE t.candidate
    ), judged AS MATERIALIZED (
        -- A small space on the doorstep of somebody who has none is a gain, though it meets no standard.
        SELECT *, meets OR (lacks_doorstep AND NOT %(in_full)s) AS gains FROM served
    ), counted AS (
        SELECT s.key,
               COALESCE(sum(j.residents) FILTER (WHERE j.near), 0) AS residents_200,
               COALESCE(sum(j.residents), 0) AS residents_300,
               COALESCE(sum(j.residents) FILTER (WHERE j.lacks_doorstep), 0) AS without_doorstep,
               COALESCE(sum(j.residents) FILTER (WHERE j.lacks_local), 0) AS without_local,
               COALESCE(sum(j.residents) FILTER (WHERE j.gains), 0) AS gain,
               COALESCE(sum(j.residents) FILTER (WHERE j.meets), 0) AS meet,
               sum(j.residents * j.imd_rank) FILTER (WHERE j.gains)
                   / NULLIF(sum(j.residents) FILTER (WHERE j.gains AND j.imd_rank > 0), 0) AS mean_rank,
               COALESCE(sum(j.residents) FILTER (WHERE j.gains AND j.imd_decile <= 2), 0) AS deprived_fifth,
               COALESCE(bool_and(j.by_path), false) AS by_path
        FROM spaces s LEFT JOIN judged j USING (key)
        WHERE s.candidate
        GROUP BY s.key
    ), described AS (
        SELECT c.*, s.id, COALESCE(g.name, 'Unnamed green space') AS name, g.stage, s.hectares, s.entrances,
               g.current_use, g.owner_kind, g.cost_gbp,
               ST_X(ST_PointOnSurface(g.geom_4326)) AS longitude,
               ST_Y(ST_PointOnSurface(g.geom_4326)) AS latitude,
               COALESCE(g.owner_kind = ANY (%(public)s), false) AS owner_is_public, g.demonstration,
               (SELECT a.name FROM register.green_space_areas m JOIN register.areas a ON a.key = m.area_key
                WHERE m.green_space_key = c.key AND a.boundary_set_id = 'localities'
                ORDER BY m.share DESC, a.id LIMIT 1) AS locality
        FROM counted c JOIN spaces s USING (key) JOIN register.green_spaces g USING (key)
    ), wanted AS (
        SELECT *, bool_or(NOT demonstration) OVER () AS any_real FROM described
        WHERE %(locality)s::text IS NULL OR locality = %(locality)s
    ), scored AS (
        -- What is made up shows how the order works until there is something real to order.
        SELECT *, CASE WHEN gain > 0 THEN 100 * (
            %(residents)s * gain / max(gain) OVER ()
            + %(deprivation)s * COALESCE(1 - (mean_rank - 1) / {SMALL_AREAS_RANKED - 1}, 0)
            + %(cost)s * (cost_gbp IS NOT NULL)::integer
            + %(ownership)s * owner_is_public::integer) / %(total)s ELSE 0 END AS score
        FROM wanted WHERE NOT (demonstration AND any_real)
    )
    SELECT rank() OVER (ORDER BY score DESC, gain DESC, residents_300 DESC, id)::integer AS place, {{columns}}
    FROM scored ORDER BY place
"""  # noqa: S608 - constants alone are spliced


def rank_candidates(
    cursor: Cursor[Any],
    method: Method,
    weights: Weights,
    viewer: Sequence[str],
    *,
    locality: str | None = None,
    in_full: bool = False,
) -> list[Candidate]:
    """All potential green spaces that are not declined, the one to open first in front.

    Demonstration records are among them only where there is nothing real.

    Of one `locality` (its name), or of the whole borough. With `in_full` only those gain who would then meet
    a standard in full. Raises ValueError where all weights are 0.
    """
    if not weights.total:
        raise ValueError("at least one weight must be more than 0")
    columns = [field.name for field in fields(Candidate) if field.name != "place"]
    statement = _RANKING.format(reach=reach(method), columns=", ".join(columns))
    with planned(cursor), cursor.connection.cursor(row_factory=class_row(Candidate)) as rows:
        return rows.execute(
            statement.encode(),
            {
                **parameters(method, viewer),
                "public": list(PUBLIC_OWNERS),
                "in_full": in_full,
                "locality": locality,
                "total": weights.total,
                **{field.name: getattr(weights, field.name) for field in fields(Weights)},
            },
        ).fetchall()
