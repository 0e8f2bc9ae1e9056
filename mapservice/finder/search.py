"""One question, one statement: where somebody is, and the places that may help, with all a page says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from psycopg import Cursor

from mapservice.database import rows
from mapservice.finder.locate import AREAS_COVERING, Located, located_from
from mapservice.finder.opening import opening_of
from mapservice.layers.layer import Layer
from mapservice.layers.sql import membership
from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.network import REACH_M
from mapservice.network.walking import Subject, Walk, Walks, walking
from mapservice.register.opening_hours import Opening
from mapservice.services.offers import REAL

ANYWHERE_M = 1_000_000
"""How far off places are looked for where there is none within reach of a walk."""
LISTED = 8
COMPARED = 40
"""Places looked at when wishes may refuse most of them."""

Wish = Literal["open", "step_free", "children", "language"]
Row = tuple[str, list[str], float | None, list[str], bool, bool, str]
"""What it is, its sections, how far, its layers, if for children, if the language is spoken, its facts."""

_HERE = {
    "postcodes": """
        SELECT p.postcode, p.status, p.district, p.geom, ST_X(p.geom_4326) AS lon, ST_Y(p.geom_4326) AS lat
        FROM register.postcodes p WHERE p.postcode = ANY (%(postcodes)s)
        ORDER BY array_position(%(postcodes)s, p.postcode) LIMIT 1""",
    "point": """
        SELECT NULL AS postcode, NULL AS status, NULL AS district,
               ST_SetSRID(ST_Transform(ST_SetSRID(
                   ST_MakePoint(%(lon)s, %(lat)s), 4326), 998277), 27700) AS geom,
               %(lon)s::double precision AS lon, %(lat)s::double precision AS lat""",
    "locality": """
        SELECT NULL AS postcode, NULL AS status, NULL AS district, m.geom,
               ST_X(ST_Transform(ST_SetSRID(m.geom, 998277), 4326)) AS lon,
               ST_Y(ST_Transform(ST_SetSRID(m.geom, 998277), 4326)) AS lat
        FROM register.areas a, LATERAL (SELECT ST_PointOnSurface(a.geom) AS geom) m
        WHERE a.boundary_set_id = 'localities' AND a.id = %(locality)s""",
}
_SERVICE = f"""SELECT FROM layers.services s
    WHERE s.place_kind = 'assets' AND s.place_id = f.id AND {REAL}"""
_HELPS = f"""(f.support @> ARRAY[%(need)s::text] OR f.usual_support @> ARRAY[%(need)s::text]
    OR EXISTS ({_SERVICE} AND s.needs @> ARRAY[%(need)s::text]))"""
_CHILDREN = f"""(f.categories @> '{{childrens-centre}}' OR f.support @> '{{family}}'
    OR EXISTS ({_SERVICE} AND (s.needs @> '{{family}}' OR s.maximum_age < 18)))"""
_SPEAKS = f"EXISTS ({_SERVICE} AND %(language)s::text = ANY (s.languages))"
_FACTS = """f.id, f.name, f.kind, f.categories, f.support, f.usual_support, f.organisation, f.address,
    f.postcode, f.phone, f.email, f.website, f.opening_hours, f.opening_note, f.closures, f.step_free,
    f.step_free_source, f.position, f.hub_for, f.hub_for_name, f.listed_under, f.open_door, f.source, f.as_of,
    f.confirmed_on, f.verified, f.demonstration, f.note, f.areas #>> '{localities,0,name}' AS locality,
    ST_X(f.geom_4326) AS lon, ST_Y(f.geom_4326) AS lat"""
_GREEN_FACTS = """f.id, f.name, f.type, f.access, f.access_note, f.address, f.stage, f.area_ha, f.source,
    f.as_of, f.confirmed_on, f.verified, f.demonstration, f.areas #>> '{localities,0,name}' AS locality,
    ST_X(p.point) AS lon, ST_Y(p.point) AS lat"""


@dataclass(frozen=True, slots=True)
class Start:
    """Where somebody starts from: one of the postcodes that were meant, a point, or a locality as a whole."""

    postcodes: tuple[str, ...] = ()
    point: tuple[float, float] | None = None
    locality: str = ""

    @property
    def kind(self) -> str:
        return "postcodes" if self.postcodes else "point" if self.point else "locality"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What must be so of a place, beyond the need."""

    open: bool = False
    step_free: bool = False
    children: bool = False
    language: str = ""

    @property
    def made(self) -> tuple[Wish, ...]:
        wishes: dict[Wish, object] = {
            "open": self.open,
            "step_free": self.step_free,
            "children": self.children,
            "language": self.language,
        }
        return tuple(name for name, wish in wishes.items() if wish)


@dataclass(slots=True)
class Place:
    """A place as an answer shows it: what the register says, how far it is, and whether it is open.

    `text` is what the database gave; `walk` is None for a place without a position; `fits` names the wishes
    it meets.
    """

    id: str
    properties: dict[str, Any]
    layers: list[str]
    sections: frozenset[str]
    walk: Walk | None
    opening: Opening
    text: str
    fits: frozenset[str] = field(default_factory=frozenset)

    @property
    def distance_m(self) -> float | None:
        return self.walk.metres if self.walk else None

    @property
    def point(self) -> tuple[float, float] | None:
        facts = self.properties
        return (facts["lon"], facts["lat"]) if facts["lon"] is not None else None

    @property
    def geometry(self) -> dict[str, Any] | None:
        return {"type": "Point", "coordinates": self.point} if self.point else None


@dataclass(frozen=True, slots=True)
class Found:
    """All that one question brought to light, each list nearest first."""

    located: Located
    district: str | None
    places: list[Place]
    green: list[Place]

    def of(self, section: str) -> list[Place]:
        return [place for place in self.places if section in place.sections]


def search(
    cursor: Cursor[Any],
    layers: Sequence[Layer],
    start: Start,
    need: str,
    wishes: Wishes,
    now: datetime,
    *,
    per_kind: int = 3,
    viewer: Viewer = ANONYMOUS,
) -> Found | None:
    """Where the start is and what is near it; None where there is no such start.

    `layers` are the kinds of places of which the nearest are wanted, whatever the need.
    Sections: `hub` of the locality; `need`, places that help with it; `door`, where anybody may walk in; the
    id of each layer; and `need+` and `door+`, those that meet the wishes but for the hour.
    """
    found = None
    for radius in (REACH_M, ANYWHERE_M):
        statement = statement_of(layers, start.kind, bool(need), wishes, per_kind)
        parameters = parameters_of(start, need, wishes, radius, viewer)
        found = _found(cursor, _rows(cursor, statement, parameters), now)
        if found is None or found.of("door") or found.of("need"):
            break
    return found


def parameters_of(start: Start, need: str, wishes: Wishes, radius: int, viewer: Viewer) -> dict[str, Any]:
    """What goes into the statement of a question."""
    lon, lat = start.point or (None, None)
    return {
        "postcodes": list(start.postcodes),
        "lon": lon,
        "lat": lat,
        "locality": start.locality,
        "need": need,
        "language": wishes.language,
        "radius": radius,
        "viewer": list(viewer),
    }


def statement_of(layers: Iterable[Layer], kind: str, need: bool, wishes: Wishes, per_kind: int) -> str:
    """The one statement of a question from a start of some kind."""
    wanted = [
        condition
        for name, condition in (
            ("step_free", "f.step_free = 'yes'"),
            ("children", _CHILDREN),
            ("language", _SPEAKS),
        )
        if name in wishes.made
    ]
    most = COMPARED if wishes.made else LISTED
    real = "NOT f.demonstration"
    parts = [_near("door", ["f.open_door", real], most)]
    if need:
        parts.append(_near("need", [_HELPS, real], most))
    if wishes.made:
        parts.append(_near("door+", ["f.open_door", real, *wanted], COMPARED))
        if need:
            parts.append(_near("need+", [_HELPS, real, *wanted], COMPARED))
    given = list(layers)
    # More than are shown: some of them will have been named above.
    parts += [_near(layer.id, [*membership(layer), real], per_kind + 4) for layer in given]
    cases = ", ".join(f"CASE WHEN {layer.where or 'true'} THEN '{layer.id}' END" for layer in given)
    speaks = _SPEAKS if wishes.language else "false"
    return f"""
        WITH here AS MATERIALIZED (SELECT * FROM ({_HERE[kind]}) p {AREAS_COVERING}),
        near AS (
            SELECT id, min(distance) AS distance, array_agg(section) AS sections
            FROM ({" UNION ALL ".join(parts)}
                UNION ALL SELECT 'hub', f.id, f.geom <-> here.geom FROM here, layers.assets f
                WHERE f.hub_for = here.areas #>> '{{localities,id}}' AND f.visibility = ANY (%(viewer)s)
            ) one GROUP BY id
        )
        SELECT 'place', n.sections, n.distance,
               array_remove(ARRAY[{cases}]::text[], NULL), {_CHILDREN}, {speaks},
               (SELECT row_to_json(r)::text FROM (SELECT {_FACTS}) r)
        FROM near n JOIN layers.assets f ON f.id = n.id
        UNION ALL
        SELECT 'green', '{{}}', g.distance, '{{green-spaces}}', false, false, g.facts
        FROM here, LATERAL (
            SELECT f.geom <-> here.geom AS distance,
                   (SELECT row_to_json(r)::text FROM (SELECT {_GREEN_FACTS}) r) AS facts
            FROM layers.green_spaces f, LATERAL (SELECT ST_PointOnSurface(f.geom_4326) AS point) p
            WHERE f.status = 'existing' AND f.visibility = ANY (%(viewer)s) AND f.access <> 'no-access'
            ORDER BY f.geom <-> here.geom LIMIT 4
        ) g
        UNION ALL
        SELECT 'here', NULL, NULL, NULL, NULL, NULL, (SELECT row_to_json(r)::text FROM (
            SELECT here.postcode, here.status, here.district, here.lon, here.lat, here.areas) r)
        FROM here
    """  # noqa: S608 - constants of this module and of the catalogue; all that comes from outside is a parameter


def _near(section: str, conditions: Iterable[str], most: int) -> str:
    wanted = " AND ".join(
        [
            *conditions,
            "f.visibility = ANY (%(viewer)s)",
            "ST_DWithin(f.geom, here.geom, %(radius)s)",
        ]
    )
    return f"""
        SELECT '{section}' AS section, f.id, f.distance FROM here, LATERAL (
            SELECT f.id, f.geom <-> here.geom AS distance FROM layers.assets f WHERE {wanted}
            ORDER BY f.geom <-> here.geom LIMIT {most}
        ) f"""  # noqa: S608 - constants of this module and of the catalogue


def _rows(cursor: Cursor[Any], statement: str, parameters: dict[str, Any]) -> list[Row]:
    # By the shortest way: psycopg's own would look through the long text for placeholders each time.
    result = rows.run(cursor.connection, statement, parameters)
    given = [[result.get_value(row, column) for column in range(7)] for row in range(result.ntuples)]
    return [
        (
            (kind or b"").decode(),
            _words(sections),
            None if straight is None else float(straight),
            _words(layers),
            children == b"t",
            speaks == b"t",
            (text or b"").decode(),
        )
        for kind, sections, straight, layers, children, speaks, text in given
    ]


def _words(array: bytes | None) -> list[str]:
    """The array of plain words that PostgreSQL writes as `{one,two}`."""
    text = (array or b"{}")[1:-1].decode()
    return text.replace('"', "").split(",") if text else []


def _found(cursor: Cursor[Any], given: list[Row], now: datetime) -> Found | None:
    here = next((orjson.loads(row[-1]) for row in given if row[0] == "here"), None)
    if here is None:
        return None
    located = located_from((here["postcode"], here["status"], here["lon"], here["lat"], here["areas"]))
    walks = walking(cursor, located.longitude, located.latitude, located.postcode)
    places = [_place(row, "assets", walks, now) for row in given if row[0] == "place"]
    green = [_place(row, "green-spaces", walks, now) for row in given if row[0] == "green"]
    return Found(located, here["district"], sorted(places, key=by_distance), sorted(green, key=by_distance))


def _place(row: Row, subject: Subject, walks: Walks, now: datetime) -> Place:
    _, sections, straight, layers, children, speaks, text = row
    facts = orjson.loads(text)
    opening = opening_of(facts, now)
    fits = {
        "open": opening.is_open,
        "step_free": facts.get("step_free") == "yes",
        "children": children,
        "language": speaks,
    }
    return Place(
        id=facts["id"],
        properties=facts,
        layers=layers,
        sections=frozenset(sections),
        walk=None if straight is None else walks.to(subject, facts["id"], straight),
        opening=opening,
        text=text,
        fits=frozenset(name for name, so in fits.items() if so),
    )


def by_distance(place: Place) -> tuple[bool, float, str]:
    """Nearest first, along the streets where that is known; what has no place yet comes last."""
    metres = place.distance_m
    return (metres is None, metres or 0.0, place.id)
