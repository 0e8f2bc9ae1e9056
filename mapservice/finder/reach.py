"""Which doors are within a walk of which postcode, and what is known of each: what the promise is checked on.

The database finds who reaches what; what follows from it is plain to read in Python, and is worked out once
for all the postcodes that reach the same doors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Cursor

from mapservice.finder.opening import opening_of
from mapservice.layers.visibility import ANONYMOUS
from mapservice.services.offers import REAL

DAYS = 7
STACKED = 20
"""More postcodes than this on one point are post-office boxes and large users: nobody lives there."""

_DOORS = f"""
SELECT f.id, f.name, f.kind, f.address, f.postcode, f.areas #>> '{{localities,0,name}}', f.organisation,
       f.phone, f.email, f.website, f.opening_hours, f.opening_note, f.closures,
       ST_X(f.geom_4326), ST_Y(f.geom_4326), f.listed_under IS NOT NULL OR f.hub_for IS NOT NULL,
       f.support || f.usual_support || ARRAY(
           SELECT unnest(s.needs) FROM layers.services s
           WHERE s.place_kind = 'assets' AND s.place_id = f.id AND {REAL})
FROM layers.assets f
WHERE f.open_door AND f.geom IS NOT NULL AND f.visibility = 'public' AND NOT f.demonstration
ORDER BY f.id
"""  # noqa: S608 - constants of this module

# Live postcodes of the borough; beside each whether people live there, and how many.
POSTCODES = """
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
REACH = """
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

_REACHED = f"""
WITH {POSTCODES},
doors AS MATERIALIZED (SELECT f.id, f.geom FROM layers.assets f WHERE f.id = ANY (%(doors)s)),
{REACH},
reached AS (
    SELECT postcode, array_agg(id ORDER BY id) AS doors, array_agg(metres ORDER BY id) AS metres,
           bool_or(on_foot) AS on_foot
    FROM reach GROUP BY postcode
)
SELECT p.postcode, p.locality, p.residents, p.stacked, COALESCE(r.doors, '{{}}'), COALESCE(r.metres, '{{}}'),
       COALESCE(r.on_foot, false)
FROM postcodes p LEFT JOIN reached r ON r.postcode = p.postcode
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Door:
    """A place open to the public. `opens`: known to within the days that count; `promised`: on the list."""

    promised: bool
    needs: frozenset[str]
    hours_known: bool
    opens: bool
    id: str
    name: str
    kind: str
    address: str | None
    postcode: str | None
    locality: str | None
    organisation: str | None
    phone: str | None
    email: str | None
    website: str | None
    opening_hours: str | None
    opening_note: str | None

    @property
    def lacks(self) -> tuple[str, ...]:
        """What nobody has told us of it."""
        return tuple(n for n, there in (("phone", self.phone), ("hours", self.hours_known)) if not there)

    def is_for(self, need: str) -> bool:
        """Whether one may come with this need."""
        return self.promised or need in self.needs


@dataclass(frozen=True, slots=True)
class Reached:
    """The doors within a walk of a postcode, and how far each is."""

    postcode: str
    locality: str
    residents: float
    stacked: bool
    doors: tuple[str, ...]
    metres: tuple[float, ...]
    on_foot: bool


def read_doors(cursor: Cursor[Any], now: datetime) -> dict[str, Door]:
    """Every door by its id, with whether it opens soon."""
    doors = {}
    for row in cursor.execute(_DOORS.encode(), {"viewer": list(ANONYMOUS)}).fetchall():
        *facts, closures, lon, lat, promised, needs = row
        hours = {"opening_hours": facts[-2], "closures": closures, "lon": lon, "lat": lat}
        found = opening_of(hours, now)
        opens = found.opens_within(now, DAYS)
        doors[facts[0]] = Door(promised, frozenset(needs), found.known, opens, *facts)
    return doors


def read_reached(cursor: Cursor[Any], doors: dict[str, Door], walk_m: int) -> list[Reached]:
    """For each live postcode of the borough the doors within a walk."""
    wanted = {"doors": list(doors), "walk": walk_m, "stacked": STACKED}
    return [
        Reached(postcode, locality, residents, stacked, tuple(ids), tuple(metres), on_foot)
        for postcode, locality, residents, stacked, ids, metres, on_foot in cursor.execute(
            _REACHED.encode(), wanted
        ).fetchall()
    ]
