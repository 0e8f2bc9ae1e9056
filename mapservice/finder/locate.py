"""Where a postcode or a point is: its position, its ward of each vintage, its locality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.register.postcodes import possible_postcodes

AREAS_COVERING = """
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(set_id, area) AS areas
        FROM (
            SELECT DISTINCT ON (a.boundary_set_id) a.boundary_set_id AS set_id,
                   jsonb_build_object('id', a.id, 'code', a.code, 'name', a.name,
                                      'kind', s.kind, 'vintage', s.vintage) AS area
            FROM register.areas a JOIN register.boundary_sets s ON s.id = a.boundary_set_id
            WHERE ST_Covers(a.geom, p.geom)
            ORDER BY a.boundary_set_id, a.id
        ) found
    ) within ON true
"""

_BY_POSTCODE = f"""
    SELECT p.postcode, p.status, ST_X(p.geom_4326), ST_Y(p.geom_4326), within.areas
    FROM register.postcodes p {AREAS_COVERING}
    WHERE p.postcode = ANY (%(postcodes)s)
    ORDER BY array_position(%(postcodes)s, p.postcode)
    LIMIT 1
"""

_BY_POINT = f"""
    SELECT NULL, NULL, %(longitude)s::double precision, %(latitude)s::double precision, within.areas
    FROM (
        SELECT ST_SetSRID(ST_Transform(
            ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326), 998277), 27700) AS geom
    ) p {AREAS_COVERING}
"""


@dataclass(frozen=True, slots=True)
class AreaRef:
    """A ward or locality by id, code and name."""

    id: str
    code: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Located:
    """A position (degrees, WGS 84) and the areas it lies in; no areas means outside the borough."""

    longitude: float
    latitude: float
    wards: dict[str, AreaRef]
    locality: AreaRef | None
    postcode: str | None = None
    retired: bool = False

    @property
    def on_grid(self) -> bool:
        """Whether distances from here mean anything."""
        return on_grid(self.longitude, self.latitude)

    @property
    def in_borough(self) -> bool:
        return bool(self.wards) or self.locality is not None


def on_grid(longitude: float, latitude: float) -> bool:
    """Whether a position is in Great Britain or near it: elsewhere the National Grid means nothing."""
    return -9 <= longitude <= 2 and 49 <= latitude <= 61


def locate_postcode(cursor: Cursor[Any], typed: str) -> Located | None:
    """Where a postcode is, however it was typed; None if no such postcode is known here."""
    candidates = possible_postcodes(typed)
    if not candidates:
        return None
    row = cursor.execute(_BY_POSTCODE, {"postcodes": list(candidates)}).fetchone()
    return located_from(row) if row else None


def locate_point(cursor: Cursor[Any], longitude: float, latitude: float) -> Located:
    """Which areas a point (degrees, WGS 84) lies in; raises ValueError for what is not a position."""
    if not (math.isfinite(longitude) and -180 <= longitude <= 180):
        raise ValueError("longitude must be from -180 to 180")
    if not (math.isfinite(latitude) and -90 <= latitude <= 90):
        raise ValueError("latitude must be from -90 to 90")
    if not on_grid(longitude, latitude):
        return Located(longitude, latitude, {}, None)
    row = cursor.execute(_BY_POINT, {"longitude": longitude, "latitude": latitude}).fetchone()
    return located_from(row or (None, None, longitude, latitude, None))


def located_from(row: Sequence[Any]) -> Located:
    """From (postcode, status, longitude, latitude, areas), as statements give them."""
    postcode, status, longitude, latitude, areas = row
    found = [(area, AreaRef(area["id"], area["code"], area["name"])) for area in (areas or {}).values()]
    return Located(
        longitude=longitude,
        latitude=latitude,
        wards={area["vintage"]: ref for area, ref in sorted(found, key=_vintage) if area["kind"] == "ward"},
        locality=next((ref for area, ref in found if area["kind"] == "locality"), None),
        postcode=postcode,
        retired=status == "retired",
    )


def _vintage(found: tuple[dict[str, str], AreaRef]) -> str:
    return found[0]["vintage"]
