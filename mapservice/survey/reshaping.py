"""Drawing the outline of a space anew, and saying where its entrances are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.layers.sql import FITTED_GRID_SRID
from mapservice.survey import outlines
from mapservice.survey.notices import tell
from mapservice.survey.outlines import ON_GRID
from mapservice.survey.reasons import DRAWN_ANEW
from mapservice.survey.spaces import (
    NoSuchSpace,
    NotAllowed,
    Outdated,
    Refused,
    Space,
    because,
    hold_space,
    read_space,
)
from mapservice.survey.submitting import SOURCE


@dataclass(frozen=True, slots=True)
class Entrance:
    """An entrance as the form has it: longitude and latitude."""

    id: str
    position: tuple[float, float]


def entrances_of(session: Session, space: Space) -> list[Entrance]:
    """The entrances of a space."""
    rows = session.execute(
        text(
            "SELECT id, round(ST_X(spot)::numeric, 7)::float8, round(ST_Y(spot)::numeric, 7)::float8"
            f" FROM (SELECT id, ST_Transform(ST_SetSRID(geom, {FITTED_GRID_SRID}), 4326) AS spot"
            " FROM register.entrances WHERE green_space_key = :key) e ORDER BY id"
        ),
        {"key": space.key},
    )
    return [Entrance(row[0], (row[1], row[2])) for row in rows]


def as_drawn(space: Space) -> dict[str, Any] | None:
    """What the page can draw on: a point or one outline without holes; None for anything else."""
    kind, coordinates = space.geometry["type"], space.geometry["coordinates"]
    if kind == "Point":
        return {"type": "Point", "coordinates": list(coordinates)}
    if kind == "MultiPolygon" and len(coordinates) == 1 and len(coordinates[0]) == 1:
        return {"type": "Polygon", "coordinates": [[list(each) for each in coordinates[0][0]]]}
    return None


def reshape(
    session: Session,
    space_id: str,
    account: Account,
    version: int,
    geometry: Mapping[str, Any],
    entrances: Sequence[Sequence[float]],
    had: Collection[str],
    reason: str = "",
) -> Space:
    """Give a space the outline and the entrances that were drawn; what is as it was stays untouched.

    `had` are the ids of the entrances that the form showed: others came since, and stay. Raises NoSuchSpace,
    NotAllowed, Refused; Outdated where somebody else has drawn the outline since the version of the form.
    """
    drawn = dict(geometry)
    # Before the turn is taken: nobody else waits while an outline is looked at.
    if read_space(session, space_id, account.sees) is None:
        raise NoSuchSpace(space_id)
    found = outlines.check(session, drawn, account.sees, entrances=entrances, but=space_id)
    space = hold_space(session, space_id, account.sees)
    if not space.open_to(account, Action.MOVE_STAGE):
        raise NotAllowed
    redrawn = drawn != as_drawn(space)
    if redrawn and _drawn_since(session, space, version):
        raise Outdated(space)
    if found.problems:
        raise Refused(("geometry", problem) for problem in found.problems)
    because(session, reason or DRAWN_ANEW)
    if redrawn:
        point = drawn["type"] == "Point"
        session.execute(
            text(
                f"UPDATE register.green_spaces SET geom = {ON_GRID if point else f'ST_Multi({ON_GRID})'},"
                " position = :position WHERE key = :key"
            ),
            {
                "geojson": orjson.dumps(drawn).decode(),
                "position": "approximate" if point else "outline",
                "key": space.key,
            },
        )
    moved = _place_entrances(session, space, entrances, had)
    if redrawn or moved:
        tell(session, "changed", space.id, by=account, fields=["geom"] if redrawn else ["entrances"])
    return read_space(session, space.id, account.sees) or space


def _drawn_since(session: Session, space: Space, version: int) -> bool:
    """Whether the outline is another than at a version, or there was no such version."""
    return not session.execute(
        text(
            "SELECT c.after ->> 'geom' = f.geom::text FROM register.green_spaces f JOIN history.changes c"
            " ON c.id = :version AND c.table_name = 'green_spaces' AND c.row_key = f.key::text"
            " WHERE f.key = :key"
        ),
        {"version": version, "key": space.key},
    ).scalar()


def _place_entrances(
    session: Session, space: Space, wanted: Sequence[Sequence[float]], had: Collection[str]
) -> bool:
    there = entrances_of(session, space)
    kept = {each.id for each in there if list(each.position) in [list(spot) for spot in wanted]}
    gone = [each.id for each in there if each.id in had and each.id not in kept]
    known = [list(each.position) for each in there]
    new = [spot for spot in wanted if list(spot) not in known]
    if gone:
        session.execute(text("DELETE FROM register.entrances WHERE id = ANY (:ids)"), {"ids": gone})
    for longitude, latitude in new:
        session.execute(
            text(
                "INSERT INTO register.entrances (id, green_space_key, geom, source_id)"
                f" SELECT CAST(:id AS text) || '-entrance-' || min(n), :key, {ON_GRID}, :source"
                " FROM generate_series(1, 1000) n WHERE NOT EXISTS ("
                "  SELECT FROM register.entrances e WHERE e.id = CAST(:id AS text) || '-entrance-' || n)"
            ),
            {
                "id": space.id,
                "key": space.key,
                "geojson": orjson.dumps({"type": "Point", "coordinates": [longitude, latitude]}).decode(),
                "source": SOURCE,
            },
        )
    return bool(gone or new)
