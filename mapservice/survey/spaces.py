"""A green space as the survey works on it: every field, the version a form is made from, who may act on it.

The version is the number of the space's latest change in the history. It moves with every field, also with
those that are not published, and what the space was at a version can be read back from the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.layers.visibility import LEVELS, Viewer
from mapservice.saying import Said, english

VERSION = """COALESCE((SELECT max(c.id) FROM history.changes c
    WHERE c.table_name = 'green_spaces' AND c.row_key = f.key::text), 0)"""
"""The version of a row of register.green_spaces under the name f."""

LOCALITIES = """ARRAY(SELECT a.id FROM register.green_space_areas m
    JOIN register.areas a ON a.key = m.area_key JOIN register.boundary_sets s ON s.id = a.boundary_set_id
    WHERE m.green_space_key = f.key AND s.kind = 'locality' ORDER BY m.share DESC, a.id)"""
"""The ids of the localities that f lies in, the largest share first."""

UNNAMED = "Unnamed green space"
_NO_VALUE = ("key", "geom", "geom_4326", "geom_3857", "created_at", "updated_at")


class Unfit(ValueError):
    """What somebody typed cannot be taken; `why` says so."""

    def __init__(self, why: Said) -> None:
        self.why = why
        super().__init__(why)


class Refused(ValueError):
    """What was asked cannot be done; every mistake as (field, reason)."""

    def __init__(self, mistakes: Iterable[tuple[str, Said]]) -> None:
        self.mistakes = [*mistakes]
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in self.mistakes))


class NotAllowed(Exception):
    """The account may not do this to this space."""


class NoSuchSpace(LookupError):
    """There is no such space for whoever asks."""


class Outdated(Exception):
    """Somebody else has changed what this was about since the form was made; `space` is as it is now."""

    def __init__(self, space: Space) -> None:
        self.space = space
        super().__init__(f"{space.id} has been changed since")


@dataclass(frozen=True, slots=True)
class Space:
    """One green space. `values` are the register's own, as JSON has them: a date is text."""

    key: int
    id: str
    version: int
    localities: tuple[str, ...]
    values: Mapping[str, Any]
    geometry: Mapping[str, Any]
    """GeoJSON in longitude and latitude."""
    area_ha: float | None
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        return str(self.values["name"] or UNNAMED)

    @property
    def status(self) -> str:
        return str(self.values["status"])

    @property
    def stage(self) -> str | None:
        stage = self.values["stage"]
        return None if stage is None else str(stage)

    @property
    def visibility(self) -> str:
        return str(self.values["visibility"])

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the box around it."""
        (west, south), (east, north) = corners(self.geometry)
        return (west + east) / 2, (south + north) / 2

    def open_to(self, account: Account, action: Action) -> bool:
        """Whether somebody may do something to it."""
        return may_in(account, action, self.localities)


def corners(geometry: Mapping[str, Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The south-western and the north-eastern corner of the box around a GeoJSON geometry."""
    longitudes, latitudes = zip(*_positions(geometry["coordinates"]), strict=True)
    return (min(longitudes), min(latitudes)), (max(longitudes), max(latitudes))


def _positions(coordinates: Sequence[Any]) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
    else:
        for part in coordinates:
            yield from _positions(part)


def may_in(account: Account, action: Action, localities: Iterable[str]) -> bool:
    """Whether somebody may act on what lies in these localities: in one is enough, in none only anywhere."""
    return any(account.may(action, locality) for locality in tuple(localities) or ("",))


def read_space(session: Session, space_id: str, viewer: Viewer) -> Space | None:
    """A space that the viewer may see, or None."""
    if "\x00" in space_id:
        return None
    row = session.execute(
        text(
            f"SELECT f.key, f.id, {VERSION}, {LOCALITIES},"
            " to_jsonb(f) - CAST(:without AS text[]), ST_AsGeoJSON(f.geom_4326, 7),"
            " CASE WHEN f.position = 'outline' THEN ST_Area(f.geom) / 10000 END, f.created_at, f.updated_at"
            " FROM register.green_spaces f WHERE f.id = :id AND f.visibility = ANY (:viewer)"
        ),
        {"id": space_id, "viewer": list(viewer), "without": list(_NO_VALUE)},
    ).first()
    if row is None:
        return None
    key, found_id, version, localities, values, geometry, area, created, updated = row
    return Space(
        key=key,
        id=found_id,
        version=version,
        localities=tuple(localities),
        values=values,
        geometry=orjson.loads(geometry),
        area_ha=area,
        created_at=created,
        updated_at=updated,
    )


def hold_space(session: Session, space_id: str, viewer: Viewer) -> Space:
    """The same, held against others until the transaction ends; raises NoSuchSpace."""
    # The writer at work may need this row: to hold it and then wait for that writer would be a deadlock.
    session.execute(text("SELECT layers.wait_for_turn()"))
    if "\x00" not in space_id:  # no text of the database can hold one
        session.execute(text("SELECT FROM register.green_spaces WHERE id = :id FOR UPDATE"), {"id": space_id})
    space = read_space(session, space_id, viewer)
    if space is None:
        raise NoSuchSpace(space_id)
    return space


def localities_of(session: Session, space_id: str) -> list[str]:
    """The ids of the localities a space lies in; who may act in one of them may act on it."""
    found = session.execute(
        text(f"SELECT {LOCALITIES} FROM register.green_spaces f WHERE f.id = :id"), {"id": space_id}
    ).scalar()
    return [*(found or ())]


def values_at(session: Session, space: Space, version: int, viewer: Viewer = LEVELS) -> dict[str, Any]:
    """What the values of a space were at a version; raises NoSuchSpace where the viewer never saw it so."""
    if version == space.version:
        return dict(space.values)
    found = session.execute(
        text(
            "SELECT after FROM history.changes WHERE id = :version AND table_name = 'green_spaces'"
            " AND row_key = :key AND after IS NOT NULL"
        ),
        {"version": version, "key": str(space.key)},
    ).scalar()
    if found is None or found["visibility"] not in viewer:
        raise NoSuchSpace(f"{space.id} at {version}")
    # A column that came with a later edition of the service held nothing then.
    return {name: found.get(name) for name in space.values}


def write_values(session: Session, space: Space, values: Mapping[str, Any]) -> None:
    """Change some columns of a space; their names are the code's own, never what somebody sent."""
    if values:
        session.execute(
            text(
                f"UPDATE register.green_spaces SET {', '.join(f'{name} = :{name}' for name in values)}"
                " WHERE key = :space_key"
            ),
            {**values, "space_key": space.key},
        )


def because(session: Session, reason: str | None) -> None:
    """What the history gives as the reason of the changes that follow in this transaction."""
    session.execute(text("SELECT set_config('mapservice.reason', :reason, true)"), {"reason": reason or ""})


def clean_words(typed: str, longest: int, *, lines: bool = False) -> str:
    """What somebody typed, trimmed; raises Unfit."""
    words = typed.replace("\r\n", "\n").replace("\r", "\n").strip() if lines else " ".join(typed.split())
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in words):
        raise Unfit(english("This has a character that is not text"))
    if len(words) > longest:
        most, many = f"{longest:,}", f"{len(words):,}"
        raise Unfit(english("Use at most %(most)s characters; these are %(many)s", most=most, many=many))
    return words
