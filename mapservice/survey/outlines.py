"""What is wrong with an outline, and what is known of the ground it covers: asked of the database.

The page asks while somebody draws, and the same is asked again when the outline is sent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.finder.locate import on_grid
from mapservice.layers.sql import FITTED_GRID_SRID
from mapservice.layers.visibility import Viewer
from mapservice.saying import Said, english
from mapservice.survey.spaces import UNNAMED, Unfit

TENNIS_COURT_M2 = 23.77 * 10.97
"""A doubles court within its lines (the Rules of Tennis, rule 1), nothing of the ground around it."""
MOST_POSITIONS = 2000
MOST_ENTRANCES = 20
FARTHEST_ENTRANCE_M = 100
SMALLEST_M2 = 1
LARGEST_M2 = 1_000_000
# Two outlines drawn of neighbours overlap by a little wherever somebody draws by hand.
LEAST_SHARE = 0.02
MOST_OVERLAPS = 10

ON_GRID = (
    "ST_SetSRID(ST_Transform(ST_SetSRID(ST_Force2D(ST_GeomFromGeoJSON(:geojson)), 4326),"
    f" {FITTED_GRID_SRID}), 27700)"
)
"""A geometry given as GeoJSON in degrees, where the register keeps it."""

_VALID = f"""
SELECT (detail).valid, ST_X((detail).location), ST_Y((detail).location)
FROM ST_IsValidDetail({ON_GRID}) AS detail
"""
# Asked only of what is valid: of a tangle each of these could take the database minutes.
_ABOUT = f"""
WITH drawn AS (SELECT {ON_GRID} AS geom)
SELECT ST_Area(geom),
       ST_CoveredBy(geom, ST_Expand(b.extent, b.margin_m)) AND EXISTS (
           SELECT FROM register.areas a
           WHERE ST_Intersects(a.geom, d.geom) AND NOT ST_Touches(a.geom, d.geom)),
       (SELECT ST_CoveredBy(d.geom, ST_Union(a.geom)) FROM register.areas a
        WHERE a.geom && d.geom AND ST_Intersects(a.geom, d.geom))
FROM drawn d, register.borough b
"""

_OVERLAPPING = """
SELECT f.id, COALESCE(f.name, :unnamed), f.status, f.stage,
       ST_Area(common) / ST_Area(d.geom), ST_Area(common) / ST_Area(f.geom)
FROM drawn d
JOIN register.green_spaces f ON ST_Intersects(f.geom, d.geom) AND f.position = 'outline',
     LATERAL (SELECT ST_Intersection(f.geom, d.geom) AS common) c
WHERE f.visibility = ANY (:viewer) AND f.stage IS DISTINCT FROM 'declined' AND f.id <> :but
  AND GREATEST(ST_Area(common) / ST_Area(d.geom), ST_Area(common) / ST_Area(f.geom)) >= :least
ORDER BY ST_Area(common) DESC, f.id
LIMIT :most
"""
_KNOWN = f"WITH drawn AS (SELECT {ON_GRID} AS geom) {_OVERLAPPING}"
_KNOWN_BESIDE = (
    "WITH drawn AS (SELECT geom FROM register.green_spaces WHERE id = :but AND position = 'outline')"
    f" {_OVERLAPPING}"
)

_FAR_ENTRANCES = f"""
SELECT count(*) > 0 FROM unnest(CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])) AS e(lon, lat)
WHERE NOT ST_DWithin(
    ST_SetSRID(ST_Transform(ST_SetSRID(ST_MakePoint(lon, lat), 4326), {FITTED_GRID_SRID}), 27700),
    {ON_GRID}, :farthest)
"""

NOT_READABLE = english("What was drawn could not be read. Draw it again")
CROSSES = english(
    "The outline crosses itself. Take back the last corners until it no longer does, and go round the edge "
    "in one direction"
)
OUTSIDE = english("This is outside the borough. Move the map, or check the postcode or grid reference")
TOO_SMALL = english("The outline is smaller than one square metre. Draw it larger, or put a single point")
TOO_LARGE = english("The outline is larger than 100 hectares. Draw one space at a time")
TOO_MANY = english(
    "The outline has more than %(most)s corners. Draw it with fewer", most=f"{MOST_POSITIONS:,}"
)
TOO_MANY_ENTRANCES = english(
    "There are more than %(most)s entrances. Leave the less important ones out", most=MOST_ENTRANCES
)
FAR_ENTRANCE = english(
    "An entrance is more than %(most)s metres away from the space. Move it or take it off",
    most=FARTHEST_ENTRANCE_M,
)
PARTLY_OUTSIDE = english("Part of it is outside the borough.")
OVERLAPS = english("It overlaps with what is on the map already: look whether it is the same")
TOO_FEW = english("An outline needs three corners at least. Add some, or put a single point")


class Unreadable(Unfit):
    """It is not a point or an outline in longitude and latitude."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A known space that shares ground with what was drawn."""

    id: str
    name: str
    status: str
    stage: str | None
    share: float
    """Of what was drawn."""
    share_of_other: float

    @property
    def likely_the_same(self) -> bool:
        return self.share >= 0.8 and self.share_of_other >= 0.8


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be put right before it can be sent; what is worth knowing; how large it is."""

    problems: tuple[Said, ...]
    notes: tuple[Said, ...]
    area_m2: float | None
    overlaps: tuple[Overlap, ...]
    crossing: tuple[float, float] | None = None
    """Where it crosses itself (longitude, latitude)."""

    @property
    def tennis_courts(self) -> float | None:
        """The area in doubles courts."""
        return self.area_m2 / TENNIS_COURT_M2 if self.area_m2 is not None else None


def read_geometry(given: Any) -> dict[str, Any]:
    """A point or an outline as GeoJSON, from what claims to be one; raises Unreadable."""
    if not isinstance(given, dict):
        raise Unreadable(NOT_READABLE)
    coordinates = given.get("coordinates")
    match given.get("type"):
        case "Point":
            return {"type": "Point", "coordinates": read_position(coordinates)}
        case "Polygon":
            if (
                not isinstance(coordinates, list)
                or len(coordinates) != 1
                or not isinstance(coordinates[0], list)
            ):
                raise Unreadable(NOT_READABLE)
            if len(coordinates[0]) > MOST_POSITIONS:
                raise Unreadable(TOO_MANY)
            ring = [read_position(position) for position in coordinates[0]]
            if ring and ring[0] != ring[-1]:
                ring.append(ring[0])
            if len({*map(tuple, ring)}) < 3:
                raise Unreadable(TOO_FEW)
            return {"type": "Polygon", "coordinates": [ring]}
    raise Unreadable(NOT_READABLE)


def read_entrances(given: Any) -> list[list[float]]:
    """The positions of entrances, from what claims to be some; raises Unreadable."""
    if not isinstance(given, list):
        raise Unreadable(NOT_READABLE)
    if len(given) > MOST_ENTRANCES:
        raise Unreadable(TOO_MANY_ENTRANCES)
    return [read_position(position) for position in given]


def read_position(given: Any) -> list[float]:
    """Longitude and latitude; raises Unreadable."""
    if not isinstance(given, list) or len(given) < 2:
        raise Unreadable(NOT_READABLE)
    longitude, latitude = given[:2]
    for number, most in ((longitude, 180), (latitude, 90)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise Unreadable(NOT_READABLE)
        if abs(number) > most:
            raise Unreadable(NOT_READABLE)
    return [float(longitude), float(latitude)]


def check(
    session: Session,
    geometry: dict[str, Any],
    viewer: Viewer,
    entrances: Sequence[Sequence[float]] = (),
    but: str = "",
) -> Checked:
    """What the database says of a point or an outline (see `read_geometry`); `but` is the space it is of."""
    geojson = orjson.dumps(geometry).decode()
    if not _in_reach(geometry):
        return Checked((OUTSIDE,), (), None, ())
    point = geometry["type"] == "Point"
    valid, at_x, at_y = session.execute(text(_VALID), {"geojson": geojson}).one()
    if not valid:
        return Checked((CROSSES,), (), None, (), _in_degrees(session, at_x, at_y))
    area, inside, wholly = session.execute(text(_ABOUT), {"geojson": geojson}).one()
    problems = [] if inside else [OUTSIDE]
    if not point and area < SMALLEST_M2:
        problems.append(TOO_SMALL)
    if not point and area > LARGEST_M2:
        problems.append(TOO_LARGE)
    if entrances and inside and _far_entrances(session, geojson, entrances):
        problems.append(FAR_ENTRANCE)
    notes = () if problems or point or wholly else (PARTLY_OUTSIDE,)
    overlaps = () if problems or point else _overlaps(session, _KNOWN, viewer, but, geojson=geojson)
    return Checked(tuple(problems), notes, None if point else float(area), overlaps)


def overlaps_of(session: Session, space_id: str, viewer: Viewer) -> tuple[Overlap, ...]:
    """The known spaces that the outline of a space shares ground with; none where it is a point."""
    return _overlaps(session, _KNOWN_BESIDE, viewer, space_id)


def _overlaps(
    session: Session, statement: str, viewer: Viewer, but: str, **given: str
) -> tuple[Overlap, ...]:
    rows = session.execute(
        text(statement),
        {
            "viewer": list(viewer),
            "but": but,
            "least": LEAST_SHARE,
            "most": MOST_OVERLAPS,
            "unnamed": UNNAMED,
            **given,
        },
    )
    return tuple(Overlap(*row) for row in rows)


def _far_entrances(session: Session, geojson: str, entrances: Sequence[Sequence[float]]) -> bool:
    if not all(on_grid(position[0], position[1]) for position in entrances):
        return True
    return bool(
        session.execute(
            text(_FAR_ENTRANCES),
            {
                "geojson": geojson,
                "longitudes": [position[0] for position in entrances],
                "latitudes": [position[1] for position in entrances],
                "farthest": FARTHEST_ENTRANCE_M,
            },
        ).scalar_one()
    )


def _in_reach(geometry: dict[str, Any]) -> bool:
    """Whether the National Grid means anything there: far from it a transformation fails."""
    points = [geometry["coordinates"]] if geometry["type"] == "Point" else geometry["coordinates"][0]
    return all(on_grid(x, y) for x, y in points)


def _in_degrees(session: Session, x: float, y: float) -> tuple[float, float]:
    longitude, latitude = session.execute(
        text(
            "SELECT ST_X(p), ST_Y(p) FROM ST_Transform("
            f"ST_SetSRID(ST_MakePoint(:x, :y), {FITTED_GRID_SRID}), 4326) p"
        ),
        {"x": x, "y": y},
    ).one()
    return float(longitude), float(latitude)
