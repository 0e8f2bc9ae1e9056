"""Changing features: a GeoJSON feature becomes one row of the register, checked here and by the database.

A change carries the version of the feature it was made from; where the feature has moved on since, nothing is
written and the caller is told (optimistic locking).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mapservice.layers.layer import Editable, Layer, Property
from mapservice.layers.query import CRS_BY_URI, LATITUDE_FIRST, BadQuery, Mistake, suggest
from mapservice.layers.sql import FITTED_GRID_SRID, feature_version
from mapservice.layers.visibility import Viewer

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
LONGEST_TEXT = 10_000
MOST_COORDINATES_BYTES = 1_000_000
GEOMETRIES = {
    "point": ("Point",),
    "polygon": ("Polygon", "MultiPolygon"),
    "mixed": ("Point", "Polygon", "MultiPolygon"),
}


class NotEditable(Exception):
    """The layer cannot be changed."""


class NoSuchFeature(Exception):
    """The layer has no feature with this id."""


class Outdated(Exception):
    """The feature has been changed since the version the change was made from."""


class AlreadyThere(Exception):
    """There is a feature with this id already."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a change left behind."""

    id: str
    version: int


def create_feature(
    session: Session, layer: Layer, feature: Mapping[str, Any], crs: str, viewer: Viewer
) -> Written:
    """Add a feature; its id is the one given or made from its name.

    Raises NotEditable, AlreadyThere, and BadQuery naming every property that is wrong.
    """
    editable = _editable(layer)
    values = _values(layer, feature, partial=False)
    feature_id = _id_for(session, editable, feature, values)
    shape = _geometry(layer, feature, crs, values, partial=False)
    columns = {"id": ":id", **_written(editable, values), **({"geom": shape.sql} if shape else {})}
    columns |= {name: value for name, value in editable.defaults.items() if name not in columns}
    statement = (
        f"INSERT INTO {editable.table} ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"
        " ON CONFLICT (id) DO NOTHING RETURNING id"
    )
    row = _run(session, statement, {"id": feature_id, **values, **(shape.parameters if shape else {})})
    if row is None:
        raise AlreadyThere(f"there is a feature {feature_id!r} already")
    return _must_be_in(session, layer, feature_id, viewer)


def replace_feature(
    session: Session,
    layer: Layer,
    feature_id: str,
    feature: Mapping[str, Any],
    crs: str,
    version: int,
    viewer: Viewer,
) -> Written:
    """Put a feature in place of the one there: what is left out becomes empty."""
    return _change(session, layer, feature_id, feature, crs, version, viewer, partial=False)


def update_feature(
    session: Session,
    layer: Layer,
    feature_id: str,
    change: Mapping[str, Any],
    crs: str,
    version: int,
    viewer: Viewer,
) -> Written:
    """Change what is given and leave the rest (JSON Merge Patch, RFC 7396: null empties a property)."""
    return _change(session, layer, feature_id, change, crs, version, viewer, partial=True)


def delete_feature(session: Session, layer: Layer, feature_id: str, version: int, viewer: Viewer) -> None:
    """Remove a feature; its history stays. Raises NotEditable, NoSuchFeature, Outdated."""
    editable = _editable(layer)
    _lock(session, layer, editable, feature_id, version, viewer)
    _run(session, f"DELETE FROM {editable.table} WHERE id = :id RETURNING id", {"id": feature_id})


def _change(
    session: Session,
    layer: Layer,
    feature_id: str,
    feature: Mapping[str, Any],
    crs: str,
    version: int,
    viewer: Viewer,
    *,
    partial: bool,
) -> Written:
    editable = _editable(layer)
    given = feature.get("id", feature_id)
    if given != feature_id:
        raise BadQuery([Mistake("id", f"is {str(given)[:80]!r}, but the address says {feature_id!r}")])
    _lock(session, layer, editable, feature_id, version, viewer)
    values = _values(layer, feature, partial=partial)
    if not partial:
        for name in _sent_back(session, layer, feature_id, values):
            del values[name]
    shape = _geometry(layer, feature, crs, values, partial=partial)
    assignments = [f"{name} = {written}" for name, written in _written(editable, values).items()]
    if shape:
        assignments.append(f"geom = {shape.sql}")
    if assignments:
        statement = f"UPDATE {editable.table} SET {', '.join(assignments)} WHERE id = :id RETURNING id"
        _run(session, statement, {"id": feature_id, **values, **(shape.parameters if shape else {})})
    return _must_be_in(session, layer, feature_id, viewer)


def _editable(layer: Layer) -> Editable:
    if layer.editable is None:
        raise NotEditable(f"{layer.title} cannot be changed here")
    return layer.editable


def _lock(
    session: Session, layer: Layer, editable: Editable, feature_id: str, version: int, viewer: Viewer
) -> None:
    """Hold the row against others, then see whether it is still the version the change was made from."""
    # The writer at work may need this row: to hold it and then wait for that writer would be a deadlock.
    session.execute(text("SELECT layers.wait_for_turn()"))
    held = session.execute(
        text(f"SELECT FROM {editable.table} WHERE id = :id FOR UPDATE"), {"id": feature_id}
    ).first()
    current = _version(session, layer, feature_id, viewer) if held is not None else None
    if current is None:
        raise NoSuchFeature(f"{layer.title} has no feature {feature_id[:80]!r}")
    if current != version:
        raise Outdated(f"{feature_id} has been changed since: fetch it again, then repeat the change")


def _version(session: Session, layer: Layer, feature_id: str, viewer: Viewer) -> int | None:
    """The version of a feature of the layer that the viewer may see."""
    condition = f" AND ({layer.where})" if layer.where else ""
    if layer.visibility_column:
        condition += f" AND f.{layer.visibility_column} = ANY (:viewer)"
    statement = (
        f"SELECT {feature_version(layer)} FROM {layer.relation} f WHERE f.{layer.id_column} = :id{condition}"
    )
    return session.execute(text(statement), {"id": feature_id, "viewer": list(viewer)}).scalar()


def _must_be_in(session: Session, layer: Layer, feature_id: str, viewer: Viewer) -> Written:
    version = _version(session, layer, feature_id, viewer)
    if version is None:
        raise BadQuery([Mistake("properties", f"describe something that is not one of: {layer.title}")])
    return Written(feature_id, version)


def _values(layer: Layer, feature: Mapping[str, Any], *, partial: bool) -> dict[str, Any]:
    """Column values from a feature's properties; raises BadQuery naming every one that is wrong."""
    editable = _editable(layer)
    mistakes: list[Mistake] = []
    if feature.get("type", "Feature") != "Feature":
        mistakes.append(Mistake("type", "must be Feature"))
    given = feature.get("properties", {})
    if not isinstance(given, Mapping):
        raise BadQuery([*mistakes, Mistake("properties", "must be an object")])
    values: dict[str, Any] = {}
    for name, value in given.items():
        prop = layer.find_property(name)
        if prop is None:
            near = suggest(str(name), editable.properties)
            mistakes.append(Mistake(f"properties.{str(name)[:60]}", "there is no such property", near))
        elif name in editable.properties:
            try:
                values[name] = _typed(prop, value)
            except ValueError as error:
                mistakes.append(Mistake(f"properties.{name}", str(error)))
        # What only the service itself writes (page, locality …) comes back with a fetched feature: let it be.
    if not partial:
        for name in editable.required:
            if values.get(name) in (None, "", []):
                mistakes.append(Mistake(f"properties.{name}", "is required"))
        for name in editable.properties:
            if name not in values and name not in editable.defaults:
                values[name] = None
    if mistakes:
        raise BadQuery(mistakes)
    return values


def _written(editable: Editable, values: Mapping[str, Any]) -> dict[str, str]:
    """By column the SQL of its value; an emptied property that has a default takes it again."""
    return {
        name: editable.defaults[name] if value is None and name in editable.defaults else f":{name}"
        for name, value in values.items()
    }


def _sent_back(session: Session, layer: Layer, feature_id: str, values: Mapping[str, Any]) -> list[str]:
    """Of a whole feature the properties that are as they were given out, and not as the row has them itself.

    They are not to become its word: whoever sends back what was fetched has said nothing of them.
    """
    editable = _editable(layer)
    same = []
    for name in editable.derived:
        statement = (
            f"SELECT f.{name} FROM {layer.relation} f JOIN {editable.table} t USING (id)"
            f" WHERE f.id = :id AND f.{name} IS DISTINCT FROM t.{name}"
        )
        given = session.execute(text(statement), {"id": feature_id}).scalar()
        if given is not None and values.get(name) == given:
            same.append(name)
    return same


def _typed(prop: Property, value: Any) -> Any:
    if value is None:
        return None
    match prop.type:
        case "boolean":
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
        case "integer" | "number":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError("must be a number")
        case "date":
            if not isinstance(value, str):
                raise ValueError("must be a date such as 2024-05-31")
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError(f"{value[:40]!r} is not a date such as 2024-05-31") from None
        case "array":
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise ValueError("must be a list of words")
            for each in value:
                _known(prop, each)
        case _:
            if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\x00" in value:
                raise ValueError(f"must be text of at most {LONGEST_TEXT} characters")
            _known(prop, value)
            if prop.check:
                prop.check(value)
    return value


def _known(prop: Property, value: str) -> None:
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    if prop.values and value not in prop.values:
        near = suggest(value, prop.values)
        raise ValueError(f"must be one of {', '.join(prop.values)}" + (f": {near}" if near else ""))


@dataclass(frozen=True, slots=True)
class _Shape:
    sql: str
    parameters: dict[str, Any]


def _geometry(
    layer: Layer, feature: Mapping[str, Any], crs: str, values: dict[str, Any], *, partial: bool
) -> _Shape | None:
    """The geometry as SQL in EPSG:27700; also settles `position`, which goes with it."""
    if partial and "geometry" not in feature:
        return None
    editable = _editable(layer)
    geometry = feature.get("geometry")
    if geometry is None:
        if not layer.place_may_be_unknown:
            raise BadQuery([Mistake("geometry", "is required")])
        values["position"] = "none"
        return _Shape("NULL", {})
    kinds = GEOMETRIES[layer.geometry_kind]
    if not isinstance(geometry, Mapping) or geometry.get("type") not in kinds:
        raise BadQuery([Mistake("geometry", f"must be a {' or '.join(kinds)}")])
    encoded = orjson.dumps(geometry)
    if len(encoded) > MOST_COORDINATES_BYTES:
        raise BadQuery([Mistake("geometry", "has too many coordinates")])
    point = geometry["type"] == "Point"
    kept = values.get("position")
    allowed = editable.positions_of_points if point else editable.positions_of_outlines
    if kept is None or kept not in allowed:
        values["position"] = allowed[0]
    srid = CRS_BY_URI[crs]
    sql = "ST_Force2D(ST_GeomFromGeoJSON(:geojson))"
    if crs in LATITUDE_FIRST:
        sql = f"ST_FlipCoordinates({sql})"
    sql = f"ST_SetSRID({sql}, {srid})"
    if srid != 27700:
        sql = f"ST_SetSRID(ST_Transform({sql}, {FITTED_GRID_SRID}), 27700)"
    return _Shape(sql if point else f"ST_Multi({sql})", {"geojson": encoded.decode()})


def _id_for(
    session: Session, editable: Editable, feature: Mapping[str, Any], values: Mapping[str, Any]
) -> str:
    given = feature.get("id")
    if given is not None:
        if not isinstance(given, str) or not SLUG.fullmatch(given) or len(given) > 120:
            raise BadQuery([Mistake("id", "must be lower-case words joined by hyphens")])
        return given
    return free_id(session, editable.table, str(values.get("name") or "feature"))


def free_id(session: Session, table: str, name: str, reserved: Collection[str] = ()) -> str:
    """An id for a new row of a table, made from its name: one that is not reserved and that no row ever had.

    What once led to something that is gone must not lead to something else.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = "-".join(re.findall(r"[a-z0-9]+", plain.lower().replace("'", "")))[:80].strip("-") or "feature"
    taken = set(
        session.execute(
            text(
                f"SELECT id FROM {table} WHERE id = :stem OR id LIKE :more"
                " UNION SELECT before ->> 'id' FROM history.changes"
                " WHERE table_name = :name AND operation = 'deleted'"
                " AND (before ->> 'id' = :stem OR before ->> 'id' LIKE :more)"
            ),
            {"stem": stem, "more": f"{stem}-%", "name": table.rpartition(".")[2]},
        ).scalars()
    )
    taken.update(reserved)
    number = 2
    while stem in taken and f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}" if stem in taken else stem


def _run(session: Session, statement: str, parameters: dict[str, Any]) -> Any:
    """Run a change; what the database refuses comes back as BadQuery naming the field."""
    try:
        return session.execute(text(statement), parameters).first()
    except DBAPIError as error:
        raise _refusal(error) from None


def _refusal(error: DBAPIError) -> Exception:
    original = error.orig
    if isinstance(original, errors.DeadlockDetected | errors.LockNotAvailable):
        return Outdated("somebody else is changing this just now: fetch it again, then repeat the change")
    if not isinstance(original, errors.IntegrityError | errors.DataError | errors.InternalError_):
        return error
    diagnosis = original.diag
    constraint = diagnosis.constraint_name or ""
    column = diagnosis.column_name or next(
        (name for name in ("geom", "categories", "stage", "position", "hub_for") if name in constraint), ""
    )
    if column == "geom" or isinstance(original, errors.InternalError_):
        inside = "within_extent" in constraint
        reason = "lies outside the borough" if inside else "is not valid: it may cross itself or be empty"
        return BadQuery([Mistake("geometry", reason)])
    reason = (diagnosis.message_primary or "breaks a rule of the register").splitlines()[0]
    return BadQuery([Mistake(f"properties.{column}" if column else "properties", reason[:200])])
