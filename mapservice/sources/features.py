"""Reading GeoJSON files, with the line of every feature, into geometry of the British National Grid."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import shapely
from convertbng.cutil import convert_bng
from shapely.geometry.base import BaseGeometry

from mapservice.sources.checks import Refused, did_you_mean
from mapservice.sources.report import Report
from mapservice.sources.tables import Row, read_text

GRID_NAMES = re.compile(r"(urn:ogc:def:crs:EPSG:[0-9.]*:27700|EPSG:27700)", re.IGNORECASE)
DEGREE_NAMES = re.compile(r"(urn:ogc:def:crs:OGC:[0-9.]*:CRS84|EPSG:4326)", re.IGNORECASE)
NEAREST = 0.01
"""Metres that converted coordinates are rounded to."""


@dataclass(slots=True)
class Feature:
    """One feature: its properties as a row of text cells, and its geometry in EPSG:27700 (None: refused)."""

    row: Row
    geometry: BaseGeometry | None


@dataclass(slots=True)
class Features:
    """A file's features and the name it gives itself, empty if it gives none."""

    name: str = ""
    columns: tuple[str, ...] = ()
    rows: list[Feature] = field(default_factory=list)


def read_features(
    path: Path, report: Report, required: Sequence[str], optional: Sequence[str], types: Sequence[str]
) -> Features:
    """Read a GeoJSON FeatureCollection in EPSG:27700 (`crs` member) or in longitude and latitude.

    A property that is left out is an empty cell. `types` are the geometry types allowed; a Polygon is taken
    as a MultiPolygon of one. Invalid geometry, unknown properties and other coordinate systems are refused,
    each with its line.
    """
    content = read_text(path, report)
    if content is None:
        return Features()
    document = parse_collection(content, report)
    if document is None:
        return Features()
    to_grid = _conversion(document, report)
    if to_grid is None:
        return Features()
    known = (*required, *optional)
    features = Features(name=str(document.get("name", "")), columns=known)
    lines = feature_lines(content, len(document["features"]))
    for number, (item, line) in enumerate(zip(document["features"], lines, strict=True), 1):
        row = _row(item, number, line, known, report)
        if row is None:
            continue
        try:
            geometry: BaseGeometry | None = _geometry(item.get("geometry"), to_grid, types)
        except Refused as error:
            report.reject(row.line, "geometry", row.cells.get("id", f"feature {number}"), str(error))
            geometry = None
        features.rows.append(Feature(row, geometry))
    if not features.rows and not report.rejected:
        report.reject(None, "features", "", "holds no feature")
    return features


def parse_collection(content: str, report: Report) -> dict[str, Any] | None:
    """A GeoJSON FeatureCollection, or None with the reason in the report."""

    def refuse_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number of JSON")

    try:
        document = json.loads(content, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        report.reject(error.lineno, "file", "", f"is not JSON: {error.msg} at column {error.colno}")
        return None
    except (ValueError, RecursionError) as error:
        report.reject(None, "file", "", f"cannot be read: {error}")
        return None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        report.reject(1, "type", "", "the file must be a GeoJSON FeatureCollection")
        return None
    if not isinstance(document.get("features"), list):
        report.reject(1, "features", "", "must be a list")
        return None
    return document


def _conversion(document: dict[str, Any], report: Report) -> Callable[[BaseGeometry], BaseGeometry] | None:
    crs = document.get("crs")
    if crs is None:
        return _degrees_to_grid
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else str(crs)
    if GRID_NAMES.fullmatch(name):
        return lambda geometry: geometry
    if DEGREE_NAMES.fullmatch(name):
        return _degrees_to_grid
    report.reject(1, "crs", name, "must be EPSG:27700, or left out for longitude and latitude")
    return None


def _degrees_to_grid(geometry: BaseGeometry) -> BaseGeometry:
    west, south, east, north = geometry.bounds
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise Refused("is not in longitude and latitude; add the crs member for EPSG:27700")

    def convert(xy: Any) -> Any:
        easting, northing = convert_bng(xy[:, 0].copy(), xy[:, 1].copy())
        return np.round(np.column_stack([easting, northing]) / NEAREST) * NEAREST

    converted: BaseGeometry = shapely.transform(geometry, convert)
    if not np.isfinite(shapely.get_coordinates(converted)).all():
        raise Refused("lies outside Great Britain")
    return converted


def _geometry(
    item: Any, to_grid: Callable[[BaseGeometry], BaseGeometry], types: Sequence[str]
) -> BaseGeometry:
    if not isinstance(item, dict):
        raise Refused("is missing")
    try:
        geometry: BaseGeometry = shapely.from_geojson(json.dumps(item))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise Refused(f"cannot be read: {str(error).splitlines()[0]}") from error
    geometry = shapely.force_2d(geometry)
    if geometry.geom_type == "Polygon" and "MultiPolygon" in types:
        geometry = shapely.MultiPolygon([geometry])
    if geometry.geom_type not in types:
        raise Refused(f"is a {geometry.geom_type}; it must be a {' or '.join(types)}")
    if geometry.is_empty:
        raise Refused("is empty")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise Refused("holds a coordinate that is not a number")
    geometry = to_grid(geometry)
    if not geometry.is_valid:
        raise Refused(f"is not valid: {shapely.is_valid_reason(geometry)}")
    return geometry


def _row(item: Any, number: int, line: int, known: Sequence[str], report: Report) -> Row | None:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        report.reject(line, f"feature {number}", "", "is not a GeoJSON Feature")
        return None
    properties = item.get("properties") or {}
    if not isinstance(properties, dict):
        report.reject(line, f"feature {number}", "", "its properties must be an object")
        return None
    cells: dict[str, str] = {}
    for column, value in properties.items():
        if column not in known:
            report.reject(line, column, "", "is not a known property" + did_you_mean(column, known))
        elif isinstance(value, dict | list):
            report.reject(line, column, json.dumps(value), "must be text, a number, true or false")
        else:
            cells[column] = _cell(value)
    return Row(line, cells, report)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()


def feature_lines(content: str, count: int) -> list[int]:
    """The line each feature begins on; 1 for all where the file's layout does not tell."""
    start = re.search(r'"features"\s*:\s*\[', content)
    decoder, lines = json.JSONDecoder(), []
    position, line, counted = (start.end() if start else len(content)), 1, 0
    while position < len(content):
        gap = re.compile(r"[\s,]*").match(content, position)
        position = gap.end() if gap else position
        if content[position : position + 1] in ("]", ""):
            break
        line += content.count("\n", counted, position)
        counted = position
        lines.append(line)
        try:
            _, position = decoder.raw_decode(content, position)
        except json.JSONDecodeError:
            break
    return lines if len(lines) == count else [1] * count
