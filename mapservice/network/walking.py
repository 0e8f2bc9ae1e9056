"""How far it is on foot: measured beforehand for postcodes, on the spot for any other point.

    walks = walking(cursor, longitude, latitude, postcode="N1 9JP")
    walk = walks.to("assets", "finsbury-library", straight_m=812.0)
    walk.metres, walk.minutes, walk.measured

Where no path is known, the walk is the straight line that the caller gives, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Cursor

from mapservice.network import FARTHEST_ACCESS_M, FARTHEST_WALK_M, METRES_A_MINUTE, REACH_M
from mapservice.network.access import NEAREST_EDGE, POINT, read_access
from mapservice.network.graph import Spot, Spots
from mapservice.network.store import one_network, read_graphs

Subject = Literal["assets", "green-spaces"]
Measured = Literal["path", "straight line"]
PATH: Measured = "path"
STRAIGHT: Measured = "straight line"

_NAMES = """
    LEFT JOIN register.assets a ON a.key = p.asset_key
    LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
"""
# One row at least: whether a network is loaded, and whether any place is still to be measured.
_FROM_POSTCODE = f"""
    SELECT s.credit, s.to_measure, w.subject, w.id, w.metres
    FROM (
        SELECT (SELECT attribution FROM network.loads WHERE current) AS credit,
               EXISTS (SELECT FROM network.places WHERE measured IS DISTINCT FROM generation) AS to_measure
    ) s
    LEFT JOIN LATERAL (
        SELECT CASE WHEN p.asset_key IS NULL THEN 'green-spaces' ELSE 'assets' END AS subject,
               COALESCE(a.id, g.id) AS id, u.metres
        FROM network.walks k
        CROSS JOIN LATERAL unnest(k.places, k.metres) AS u(place, metres)
        JOIN network.places p ON p.key = u.place AND p.batch = k.batch {_NAMES}
        WHERE k.postcode = %(postcode)s
    ) w ON s.credit IS NOT NULL
"""

# Places not measured yet come without an edge: their ways in have to be looked for.
_FROM_POINT = f"""
    WITH given AS MATERIALIZED (SELECT {POINT} AS geom)
    SELECT l.digest, l.attribution, n.edge, n.fraction, n.metres,
           w.place, w.subject, w.id, w.edge, w.fraction, w.metres
    FROM network.loads l
    CROSS JOIN given
    CROSS JOIN LATERAL ({NEAREST_EDGE.format(shape="given.geom")}) n
    CROSS JOIN LATERAL (
        SELECT p.key AS place, CASE WHEN p.asset_key IS NULL THEN 'green-spaces' ELSE 'assets' END AS subject,
               COALESCE(a.id, g.id) AS id, c.edge, c.fraction, c.metres
        FROM network.access c JOIN network.places p ON p.key = c.place {_NAMES}
        WHERE p.measured = p.generation
          AND p.key IN (SELECT place FROM network.access r WHERE ST_DWithin(r.geom, given.geom, {REACH_M}))
        UNION ALL
        SELECT p.key, CASE WHEN p.asset_key IS NULL THEN 'green-spaces' ELSE 'assets' END,
               COALESCE(a.id, g.id), NULL, NULL, NULL
        FROM network.places p {_NAMES}
        WHERE p.measured IS DISTINCT FROM p.generation
          AND ST_DWithin(COALESCE(a.geom, g.geom), given.geom, {REACH_M})
    ) w
    WHERE l.current
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """A distance, and whether it goes along streets and paths or as the crow flies."""

    metres: float
    measured: Measured
    credit: str = ""
    """What has to be said of the network that a path rests on."""

    @property
    def minutes(self) -> int:
        """Minutes on foot, rounded up; for a straight line the least it can take."""
        return max(1, math.ceil(self.metres / METRES_A_MINUTE))

    @property
    def is_path(self) -> bool:
        """Whether it goes along streets and paths."""
        return self.measured == PATH


@dataclass(frozen=True, slots=True)
class Walks:
    """The walks known from one place; `network` says whether one is loaded at all."""

    metres: dict[tuple[str, str], float]
    network: bool
    credit: str = ""

    def to(self, subject: Subject, place: str, straight_m: float) -> Walk:
        """The walk to a place by its public id; the straight line where no path is known."""
        metres = self.metres.get((subject, place))
        return Walk(straight_m, STRAIGHT) if metres is None else Walk(metres, PATH, self.credit)


NOWHERE = Walks({}, network=False)


def walking(cursor: Cursor[Any], longitude: float, latitude: float, postcode: str | None = None) -> Walks:
    """The walks from a point (degrees), or from a postcode as the register writes it, at that point.

    From a postcode that is one indexed query, unless places have moved since walks were last measured.
    """
    if postcode is not None:
        rows = cursor.execute(_FROM_POSTCODE, {"postcode": postcode}, prepare=True).fetchall()
        credit, to_measure = rows[0][:2]
        if credit is None:
            return NOWHERE
        stored = {(subject, id_): metres for _, _, subject, id_, metres in rows if id_}
        if not to_measure:
            return Walks(stored, network=True, credit=credit)
        with one_network(cursor):
            now = _measured_now(cursor, longitude, latitude)
        return Walks(now.metres | stored, network=True, credit=credit)
    with one_network(cursor):
        return _measured_now(cursor, longitude, latitude)


def _measured_now(cursor: Cursor[Any], longitude: float, latitude: float) -> Walks:
    parameters = {
        "longitude": longitude,
        "latitude": latitude,
        "step_free": False,
        "farthest": FARTHEST_ACCESS_M,
    }
    rows = cursor.execute(_FROM_POINT, parameters).fetchall()
    graphs = read_graphs(cursor, rows[0][0]) if rows else None
    if graphs is None:
        loaded = cursor.execute("SELECT EXISTS (SELECT FROM network.loads WHERE current)").fetchone()
        return Walks({}, network=loaded == (True,))
    here = Spot(*rows[0][2:5])
    names: list[tuple[str, str]] = []
    spots: list[Spot] = []
    unmeasured: dict[int, tuple[str, str]] = {}
    for _, _, _, _, _, place, subject, id_, edge, fraction, metres in rows:
        if edge is None:
            unmeasured[place] = (subject, id_)
        else:
            names.append((subject, id_))
            spots.append(Spot(edge, fraction, metres))
    for access in read_access(cursor, list(unmeasured)) if unmeasured else ():
        names.append(unmeasured[access.place])
        spots.append(access.spot)
    found: dict[tuple[str, str], float] = {}
    if spots:
        far = graphs.all.to_spots([here], Spots.of(spots), FARTHEST_WALK_M)
        for name, metres in zip(names, far.tolist(), strict=True):
            if metres <= FARTHEST_WALK_M:
                found[name] = min(round(metres), found.get(name, math.inf))
    return Walks(found, network=True, credit=rows[0][1])
