"""Values in a filter: numbers, dates and geometries, checked the same whichever way they are written."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from mapservice.layers.cql2.nodes import (
    BBox,
    Coordinates,
    FilterError,
    Geometry,
    Instant,
    Interval,
    PropertyRef,
)

FURTHEST = 1e9
MOST_POINTS = 2000
# How deep the coordinates of each kind are nested, and how many positions the innermost list needs.
_NESTING = {
    "Point": (0, 1),
    "MultiPoint": (1, 1),
    "LineString": (1, 2),
    "MultiLineString": (2, 2),
    "Polygon": (2, 4),
    "MultiPolygon": (3, 4),
}
KINDS = (*_NESTING, "GeometryCollection")
KIND_BY_WORD = {kind.lower(): kind for kind in KINDS}


def number(text: str, at: str) -> int | float:
    """A number as written; raises FilterError for one beyond all bounds."""
    if text.isdigit() and len(text) <= 18:
        return int(text)
    return finite(float(text), at)


def finite(value: int | float, at: str) -> int | float:
    """A number that PostgreSQL can hold."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise FilterError(at, "this number is too large")
    return value


def text(value: str, at: str) -> str:
    """Text that PostgreSQL can hold."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise FilterError(at, "text must not hold a NUL character or half a character")
    return value


def instant(value: str, at: str, kind: str | None = None) -> Instant:
    """A date or timestamp (RFC 3339); `kind` says which of the two it has to be."""
    value = value.strip()
    try:
        if kind != "date-time" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return Instant(date.fromisoformat(value).isoformat(), "date", at)
        if kind != "date" and re.fullmatch(
            r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", value, re.ASCII
        ):
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
            return Instant(moment.isoformat(), "date-time", at)
    except (ValueError, OverflowError):
        pass
    examples = {"date": "a date such as 2024-05-31", "date-time": "an instant such as 2024-05-31T09:00:00Z"}
    wanted = examples[kind] if kind else " or ".join(examples.values())
    raise FilterError(at, f"{value[:40]!r} is not {wanted}")


def interval(start: str | PropertyRef, end: str | PropertyRef, at: str) -> Interval:
    """An interval whose ends are dates, timestamps, properties or `..`."""
    first, last = (
        each if isinstance(each, PropertyRef) else None if each.strip() == ".." else instant(each, at)
        for each in (start, end)
    )
    if isinstance(first, Instant) and isinstance(last, Instant):
        if first.kind != last.kind:
            raise FilterError(at, "both ends of an interval must be dates, or both timestamps")
        if datetime.fromisoformat(first.text) > datetime.fromisoformat(last.text):
            raise FilterError(at, "the interval ends before it starts")
    return Interval(first, last, at)


def geometry(kind: str, coordinates: Any, at: str) -> Geometry:
    """A geometry of GeoJSON's kinds but collections; heights are dropped. Raises FilterError."""
    depth, least = _NESTING[kind]
    clean = _coordinates(coordinates, depth, at)
    count = _check(clean, depth, least, kind, at)
    if count > MOST_POINTS:
        raise FilterError(at, f"a geometry may have {MOST_POINTS} points at most; this one has {count}")
    return Geometry(kind, clean, at)


def collection(members: tuple[Geometry, ...], at: str) -> Geometry:
    """A collection of geometries."""
    if not members:
        raise FilterError(at, "an empty geometry is nowhere")
    return Geometry("GeometryCollection", (), at, members)


def bbox(numbers: list[Any], at: str) -> BBox:
    """A bounding box of four numbers, or six with heights, which are dropped."""
    if len(numbers) not in (4, 6):
        raise FilterError(at, f"a bounding box has four numbers (or six with heights), not {len(numbers)}")
    half = len(numbers) // 2
    low, high = (_position(each, at) for each in (numbers[:half], numbers[half:]))
    return BBox(low, high, at)


def _coordinates(value: Any, depth: int, at: str) -> Coordinates:
    if depth == 0:
        return _position(value, at)
    if not isinstance(value, list | tuple):
        raise FilterError(at, "coordinates are lists of positions")
    if not value:
        raise FilterError(at, "an empty geometry is nowhere")
    return tuple(_coordinates(each, depth - 1, at) for each in value)


def _position(value: Any, at: str) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        raise FilterError(at, "a position has two numbers, or three with a height")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float):
            raise FilterError(at, "a position is made of numbers")
        if not math.isfinite(each) or abs(each) > FURTHEST:
            raise FilterError(at, "a coordinate is out of all bounds")
    return float(value[0]), float(value[1])


def _check(clean: Any, depth: int, least: int, kind: str, at: str) -> int:
    """Check the innermost lists; returns how many points there are."""
    if depth == 0:
        return 1
    if depth > 1:
        return sum(_check(each, depth - 1, least, kind, at) for each in clean)
    if least == 4 and clean[0] != clean[-1]:
        raise FilterError(at, "a ring of a polygon must end where it starts", "repeat its first point")
    if len(clean) < least:
        what = "ring of a polygon" if least == 4 else "line"
        raise FilterError(at, f"a {what} needs {least} points at least; this one has {len(clean)}")
    return len(clean)
