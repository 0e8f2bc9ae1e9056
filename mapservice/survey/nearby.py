"""Is it one of these already on the map? Known spaces at a spot or close by, those of a like name first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.finder.locate import on_grid
from mapservice.layers.sql import FITTED_GRID_SRID
from mapservice.layers.visibility import Viewer
from mapservice.survey.spaces import UNNAMED

NEAR_M = 100
NEAR_OF_LIKE_NAME_M = 500
LIKE = 0.5
MOST = 6

_NEAR = f"""
WITH spot AS (SELECT ST_SetSRID(ST_Transform(
    ST_SetSRID(ST_MakePoint(:longitude, :latitude), 4326), {FITTED_GRID_SRID}), 27700) AS geom),
around AS (
    SELECT f.id, f.name, f.status, f.stage, ST_Distance(f.geom, s.geom) AS metres,
           CASE WHEN :name = '' OR f.name IS NULL THEN 0 ELSE word_similarity(f.name, :name) END AS likeness
    FROM spot s JOIN register.green_spaces f ON ST_DWithin(f.geom, s.geom, :farther)
    WHERE f.visibility = ANY (:viewer) AND NOT f.demonstration
)
SELECT id, COALESCE(name, :unnamed), status, stage, round(metres)::integer
FROM around
WHERE metres <= :near OR likeness >= :like
ORDER BY metres > 0, likeness < :like, metres, id
LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Near:
    """A space that may be the one meant. No metres: the spot lies within it."""

    id: str
    name: str
    status: str
    stage: str | None
    metres: int


def near(session: Session, longitude: float, latitude: float, name: str, viewer: Viewer) -> list[Near]:
    """Known spaces that the viewer may see within 100 metres of a spot, or 500 for those of a like name."""
    if not on_grid(longitude, latitude):
        return []
    rows = session.execute(
        text(_NEAR),
        {
            "longitude": longitude,
            "latitude": latitude,
            "name": name.strip()[:200],
            "viewer": list(viewer),
            "unnamed": UNNAMED,
            "near": NEAR_M,
            "farther": NEAR_OF_LIKE_NAME_M,
            "like": LIKE,
            "most": MOST,
        },
    )
    return [Near(*row) for row in rows]
