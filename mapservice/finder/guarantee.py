"""The promise as figures: from every postcode, for every need, a door within a walk, a number, and an hour.

A door is a place open to the public: of a kind into which anybody may walk, or on the partnership's list. It
is a door for a need where a source, its kind or a service there says so, or where it is on that list, whose
promise is that whoever comes is shown on whatever it is about. What is not known is never taken for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor

from mapservice.finder.opening import opening_of
from mapservice.layers.visibility import ANONYMOUS
from mapservice.register.vocabulary import SUPPORT
from mapservice.services.offers import REAL

WALK_M = 1200
"""Fifteen minutes at 80 metres a minute."""
SHORTER_WALK_M = 1000
"""What others take for fifteen minutes; the published figure for libraries lies between the two."""
DAYS = 7
STACKED = 20
"""More postcodes than this on one point are post-office boxes and large users: nobody lives there."""
WORST = 20

_DOORS = """
SELECT f.id, f.opening_hours, f.closures, f.opening_note, ST_X(f.geom_4326), ST_Y(f.geom_4326)
FROM layers.assets f
WHERE f.open_door AND f.geom IS NOT NULL AND f.visibility = 'public' AND NOT f.demonstration
"""

# Live postcodes of the borough; beside each whether people live there, and how many.
_POSTCODES = """
located AS MATERIALIZED (
    -- From the few areas to their postcodes: the other way round each outline would be unpacked for each.
    SELECT DISTINCT ON (p.postcode) p.postcode, p.geom, a.name AS locality
    FROM register.areas a JOIN register.postcodes p ON ST_Covers(a.geom, p.geom)
    WHERE a.boundary_set_id = 'localities' AND p.status = 'live'
    ORDER BY p.postcode, a.id
),
postcodes AS MATERIALIZED (
    SELECT p.postcode, p.geom, p.locality, COALESCE(h.residents, 0) AS residents,
           count(*) OVER (PARTITION BY p.geom) > %(stacked)s AS stacked
    FROM located p
    LEFT JOIN (SELECT postcode, sum(residents) AS residents FROM register.homes GROUP BY postcode) h
      ON h.postcode = p.postcode
)
"""

# How far each postcode is from the places around it: along the network, else as the crow flies.
_REACH = """
walked AS MATERIALIZED (
    SELECT k.postcode, a.id, u.metres
    FROM network.walks k
    CROSS JOIN LATERAL unnest(k.places, k.metres) AS u(place, metres)
    JOIN network.places n ON n.key = u.place AND n.batch = k.batch
    JOIN register.assets a ON a.key = n.asset_key
),
reach AS MATERIALIZED (
    SELECT p.postcode, d.id, w.metres::double precision AS metres, true AS on_foot
    FROM postcodes p JOIN walked w ON w.postcode = p.postcode JOIN doors d ON d.id = w.id
    WHERE w.metres <= %(walk)s
    UNION ALL
    SELECT p.postcode, d.id, p.geom <-> d.geom, false
    FROM postcodes p JOIN doors d ON ST_DWithin(d.geom, p.geom, %(walk)s)
    WHERE NOT EXISTS (SELECT FROM walked w WHERE w.postcode = p.postcode)
)
"""

_CHECK = f"""
WITH {_POSTCODES},
doors AS MATERIALIZED (
    SELECT f.id, f.geom, f.phone IS NOT NULL AS phone, f.id = ANY (%(opening)s) AS opens,
           f.listed_under IS NOT NULL OR f.hub_for IS NOT NULL AS promised,
           f.support || f.usual_support || ARRAY(
               SELECT unnest(s.needs) FROM layers.services s
               WHERE s.place_kind = 'assets' AND s.place_id = f.id AND {REAL}) AS needs
    FROM layers.assets f WHERE f.id = ANY (%(doors)s)
),
{_REACH},
pairs AS (
    SELECT r.postcode, n.need, min(r.metres) AS metres, bool_or(d.needs @> ARRAY[n.need]) AS said,
           bool_or(d.phone) AS phone, bool_or(d.opens) AS opens,
           bool_or(d.phone AND d.opens) AS both_at_one, bool_or(r.on_foot) AS on_foot
    FROM reach r JOIN doors d ON d.id = r.id
    CROSS JOIN unnest(%(needs)s::text[]) AS n(need)
    WHERE d.promised OR d.needs @> ARRAY[n.need]
    GROUP BY r.postcode, n.need
)
SELECT p.postcode, p.locality, p.residents, p.stacked, n.need, pairs.metres, COALESCE(pairs.said, false),
       COALESCE(pairs.phone, false), COALESCE(pairs.opens, false), COALESCE(pairs.both_at_one, false),
       COALESCE(pairs.on_foot, false)
FROM postcodes p CROSS JOIN unnest(%(needs)s::text[]) AS n(need)
LEFT JOIN pairs ON pairs.postcode = p.postcode AND pairs.need = n.need
"""  # noqa: S608 - constants of this module

# The published figure is of libraries, whatever their hours.
_LIBRARIES = f"""
WITH {_POSTCODES},
doors AS MATERIALIZED (
    SELECT f.id, f.geom FROM layers.assets f
    WHERE f.categories @> '{{library}}' AND f.geom IS NOT NULL AND f.visibility = 'public'
      AND NOT f.demonstration
),
{_REACH}
SELECT p.locality, count(*) FILTER (WHERE NOT p.stacked),
       count(*) FILTER (WHERE NOT p.stacked AND near.postcode IS NOT NULL),
       sum(p.residents), sum(p.residents) FILTER (WHERE near.postcode IS NOT NULL)
FROM postcodes p LEFT JOIN (SELECT DISTINCT postcode FROM reach) near ON near.postcode = p.postcode
GROUP BY p.locality ORDER BY p.locality
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Served:
    """How one postcode is served for one need; `metres` is None where no door is within a walk."""

    postcode: str
    locality: str
    residents: float
    stacked: bool
    need: str
    metres: float | None
    said: bool
    phone: bool
    opens: bool
    both_at_one: bool
    on_foot: bool

    @property
    def kept(self) -> bool:
        """Whether the promise holds: a door, a number, an hour known to come."""
        return self.metres is not None and self.phone and self.opens

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is lacking, worst first."""
        if self.metres is None:
            return ("door",)
        return tuple(name for name, there in (("phone", self.phone), ("hours", self.opens)) if not there)


@dataclass(frozen=True, slots=True)
class ByNeed:
    """One need over all postcodes: how many have a door, a number, an hour, all three, and one door with all.

    `said` counts those with a door that is known to help with it, without the partnership's promise.
    """

    need: str
    postcodes: int
    doors: int
    said: int
    phones: int
    hours: int
    kept: int
    both_at_one: int
    residents: float
    residents_kept: float


@dataclass(frozen=True, slots=True)
class Within:
    """How many of a locality's postcodes and residents live within a walk of a library."""

    locality: str
    postcodes: int
    postcodes_within: int
    residents: float
    residents_within: float


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The promise, checked: for each need, the postcodes worst served, and the doors behind it."""

    checked_at: datetime
    walk_m: int
    doors: int
    doors_with_hours: int
    postcodes: int
    on_foot: bool
    needs: tuple[ByNeed, ...]
    worst: tuple[Served, ...]
    libraries: tuple[Within, ...]
    libraries_shorter: tuple[Within, ...]

    @property
    def kept(self) -> bool:
        """Whether it holds from every postcode for every need."""
        return all(need.kept == need.postcodes for need in self.needs) and self.postcodes > 0


def check_doors(cursor: Cursor[Any], walk_m: int = WALK_M, now: datetime | None = None) -> Guarantee:
    """Check the promise for every live postcode and every need, in a statement or two."""
    moment = now or datetime.now(UTC)
    doors, opening, known = _doors(cursor, moment)
    parameters = {
        "stacked": STACKED,
        "walk": walk_m,
        "doors": doors,
        "opening": opening,
        "needs": list(SUPPORT),
        "viewer": list(ANONYMOUS),
    }
    served = [Served(*row) for row in cursor.execute(_CHECK.encode(), parameters).fetchall()]
    return Guarantee(
        checked_at=moment,
        walk_m=walk_m,
        doors=len(doors),
        doors_with_hours=known,
        postcodes=len(served) // len(SUPPORT),
        on_foot=any(one.on_foot for one in served),
        needs=tuple(_by_need(need, [one for one in served if one.need == need]) for need in SUPPORT),
        worst=tuple(_worst(served)),
        libraries=_libraries(cursor, walk_m),
        libraries_shorter=_libraries(cursor, SHORTER_WALK_M),
    )


def _libraries(cursor: Cursor[Any], walk_m: int) -> tuple[Within, ...]:
    rows = cursor.execute(_LIBRARIES.encode(), {"stacked": STACKED, "walk": walk_m}).fetchall()
    return tuple(
        Within(name, postcodes, within, residents or 0.0, residents_within or 0.0)
        for name, postcodes, within, residents, residents_within in rows
    )


def _doors(cursor: Cursor[Any], now: datetime) -> tuple[list[str], list[str], int]:
    """All doors, those known to open within the days that count, and of how many anything is known."""
    doors, opening, known = [], [], 0
    for key, hours, closures, note, lon, lat in cursor.execute(_DOORS.encode()).fetchall():
        facts = {"opening_hours": hours, "closures": closures, "opening_note": note, "lon": lon, "lat": lat}
        found = opening_of(facts, now)
        doors.append(key)
        known += found.known
        if found.opens_within(now, DAYS):
            opening.append(key)
    return doors, opening, known


def _by_need(need: str, served: list[Served]) -> ByNeed:
    return ByNeed(
        need=need,
        postcodes=len(served),
        doors=sum(one.metres is not None for one in served),
        said=sum(one.said for one in served),
        phones=sum(one.phone for one in served),
        hours=sum(one.opens for one in served),
        kept=sum(one.kept for one in served),
        both_at_one=sum(one.both_at_one for one in served),
        residents=sum(one.residents for one in served),
        residents_kept=sum(one.residents for one in served if one.kept),
    )


def _worst(served: list[Served]) -> list[Served]:
    """One line for each postcode: those without a door first, then by how far the nearest is."""
    worst: dict[str, Served] = {}
    for one in served:
        if not one.stacked and (one.postcode not in worst or _badness(one) > _badness(worst[one.postcode])):
            worst[one.postcode] = one
    ranked = sorted(
        worst.values(), key=lambda one: (_badness(one), one.residents, one.postcode), reverse=True
    )
    return ranked[:WORST]


def _badness(one: Served) -> tuple[bool, int, float]:
    return (one.metres is None, len(one.lacks), one.metres or 0.0)
