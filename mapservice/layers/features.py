"""Ask a layer for its features: run the statement, hand back finished text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from psycopg import Cursor as DatabaseCursor
from psycopg.pq.abc import PGresult

from mapservice.database import rows
from mapservice.layers import sql
from mapservice.layers.layer import Layer, Property
from mapservice.layers.paging import Cursor
from mapservice.layers.query import FeatureQuery
from mapservice.layers.visibility import ANONYMOUS

PUBLIC = ANONYMOUS


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a layer's features: GeoJSON features in UTF-8 joined by commas, and where its neighbours start.

    `matched` is how many features match in all, where that was counted; `version` changes whenever the
    layer's relation does, and is None for a relation that is not tracked.
    """

    features: bytes
    returned: int
    matched: int | None
    next: Cursor | None
    previous: Cursor | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Extent:
    """How many features a layer holds and where: west, south, east, north in degrees, or None if nowhere."""

    count: int
    box: tuple[float, float, float, float] | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Near:
    """A feature by its distance (metres) from somewhere."""

    id: str
    distance_m: float
    feature: str


@dataclass(frozen=True, slots=True)
class Found:
    """One feature as GeoJSON in UTF-8; the version of its relation, and of itself where it can be edited."""

    feature: bytes
    relation_version: int | None
    version: int | None


def read_page(
    cursor: DatabaseCursor[Any],
    layer: Layer,
    query: FeatureQuery,
    site: str,
    viewer: tuple[str, ...] = PUBLIC,
    count: bool = True,
) -> Page:
    """One page of a layer. `site` is this service's address, for links inside the features."""
    statement = sql.items(layer, query, site, viewer, count)
    found = rows.run(cursor.connection, statement.text, statement.parameters)
    if found.ntuples:
        version, matched = _number(found.get_value(0, 1)), _number(found.get_value(0, 2))
    else:
        # No row says which version has none. It is asked for first, lest it be newer than what is read.
        version, matched = _of_none(cursor, layer, query, viewer, count)
        found = rows.run(cursor.connection, statement.text, statement.parameters)
    returned = min(found.ntuples, query.limit)
    features = [found.get_value(n, 0) or b"" for n in range(returned)]
    if query.cursor and query.cursor.backward:
        features.reverse()
    more = found.ntuples > query.limit
    following, previous = sql.next_and_previous(query, _keys(found, 0), _keys(found, returned - 1), more)
    return Page(b",\n".join(features), returned, matched, following, previous, version)


def _of_none(
    cursor: DatabaseCursor[Any], layer: Layer, query: FeatureQuery, viewer: tuple[str, ...], counted: bool
) -> tuple[int | None, int | None]:
    """(version, number of features that match, if wanted) where no row of a page says so."""
    statement = sql.count(layer, query, viewer)
    if not counted:
        statement = sql.Statement(f"SELECT NULL::bigint, {sql.version(layer)}", {})
    found = rows.run(cursor.connection, statement.text, statement.parameters)
    return _number(found.get_value(0, 1)), _number(found.get_value(0, 0))


def read_count(
    cursor: DatabaseCursor[Any], layer: Layer, query: FeatureQuery, viewer: tuple[str, ...] = PUBLIC
) -> int:
    """How many features match, whatever the page."""
    statement = sql.count(layer, query, viewer)
    found = rows.run(cursor.connection, statement.text, statement.parameters)
    return _number(found.get_value(0, 0)) or 0


def read_feature(
    cursor: DatabaseCursor[Any],
    layer: Layer,
    feature_id: str,
    query: FeatureQuery,
    site: str,
    viewer: tuple[str, ...] = PUBLIC,
) -> Found | None:
    """One feature as a query shows its features, or None if the layer has no such id."""
    if "\x00" in feature_id or (layer.id_type == "bigint" and not _is_bigint(feature_id)):
        return None
    statement = sql.item(layer, feature_id, query, site, viewer)
    found = rows.run(cursor.connection, statement.text, statement.parameters)
    if not found.ntuples:
        return None
    return Found(found.get_value(0, 0) or b"", _number(found.get_value(0, 1)), _number(found.get_value(0, 2)))


def read_nearest(
    cursor: DatabaseCursor[Any],
    layer: Layer,
    point: tuple[float, float],
    limit: int,
    site: str,
    viewer: tuple[str, ...] = PUBLIC,
    any_of: tuple[tuple[Property, str], ...] = (),
) -> list[Near]:
    """The features of a layer nearest to a point (longitude, latitude), nearest first."""
    statement = sql.nearest(layer, point, limit, site, viewer, any_of)
    return [Near(*row) for row in cursor.execute(statement.text, statement.parameters)]


def read_extents(
    cursor: DatabaseCursor[Any], layers: Iterable[Layer], viewer: tuple[str, ...] = PUBLIC
) -> dict[str, Extent]:
    """Count and extent of each layer, by id; an empty layer has count 0 and no box."""
    wanted = list(layers)
    found = {layer.id: Extent(0, None, None, None) for layer in wanted}
    if not wanted:
        return found
    statement = sql.extents(wanted, viewer)
    for layer_id, count, west, south, east, north, first, last in cursor.execute(
        statement.text, statement.parameters
    ):
        box = None if west is None else _outward(west, south, east, north)
        found[layer_id] = Extent(count, box, first, last)
    return found


def _outward(west: float, south: float, east: float, north: float) -> tuple[float, float, float, float]:
    """The box in the decimals that are published, no smaller than it is: it is asked for, and finds all."""
    step = Decimal(1).scaleb(-sql.DECIMALS_DEGREES)
    # As decimals: scaling a float may move it by its last digit, and so a point at the edge out of the box.
    low = [float(Decimal(n).quantize(step, ROUND_FLOOR)) for n in (west, south)]
    high = [float(Decimal(n).quantize(step, ROUND_CEILING)) for n in (east, north)]
    return low[0], low[1], high[0], high[1]


def _keys(found: PGresult, row: int) -> tuple[str | None, ...] | None:
    """The keys of a row of `sql.items`, if there is such a row."""
    if not 0 <= row < found.ntuples:
        return None
    values = [found.get_value(row, column) for column in range(3, found.nfields)]
    return tuple([None if value is None else value.decode() for value in values])


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(value)


def _is_bigint(text: str) -> bool:
    return bool(re.fullmatch(r"-?[0-9]{1,19}", text)) and -(2**63) <= int(text) < 2**63
