"""OpenStreetMap: an extract as PBF or XML, or GeoJSON as Overpass, osmium and QuickOSM write it.

Ways meet where they share a node. None of these formats hands nodes on by number, but a shared node has the
same position to the last digit in every way, and a bridge has no node in common with what it crosses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from convertbng.cutil import convert_bng, convert_lonlat
from numpy.typing import NDArray

from mapservice.network.build import Way
from mapservice.network.store import Source
from mapservice.sources import streets
from mapservice.sources.context import Context
from mapservice.sources.features import DEGREE_NAMES, feature_lines, parse_collection
from mapservice.sources.osm_tags import walkable
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor
from mapservice.sources.tables import read_text

SOURCE = Source(
    kind="osm",
    title="OpenStreetMap",
    licence="Open Database License 1.0",
    licence_url="https://opendatacommons.org/licenses/odbl/1-0/",
    attribution="© OpenStreetMap contributors",
)
GDAL_ENDINGS = (".pbf", ".osm")
GEOJSON_ENDINGS = (".geojson", ".json")
IDS = ("@id", "full_id", "osm_id", "id")
DIGITS = 10_000_000
"""Positions of OpenStreetMap have seven digits after the point."""


@dataclass(slots=True)
class Found:
    """Ways to walk along, and their vertices in degrees."""

    ways: list[Way] = field(default_factory=list)
    lines: list[NDArray[np.float64]] = field(default_factory=list)
    data_date: date | None = None

    def add(self, way: Way, line: NDArray[np.float64]) -> None:
        """One more of them."""
        self.ways.append(way)
        self.lines.append(line)


def read(path: Path, context: Context, report: Report) -> list[streets.NetworkFile]:
    """Read and check the file; what lies beyond the borough and its margin is passed over."""
    ending = path.suffix.lower()
    if ending in GDAL_ENDINGS:
        found = _from_gdal(path, context, report)
    elif ending in GEOJSON_ENDINGS:
        found = _from_geojson(path, report)
    else:
        known = ", ".join((*GDAL_ENDINGS, *GEOJSON_ENDINGS))
        report.reject(None, "file", path.name, f"must end in one of {known}")
        return []
    if report.rejected:
        return []
    near = _near(found, context)
    lines, vertices = _on_grid(near.lines)
    network = streets.network_of(near.ways, lines, vertices, context, report)
    if network is None:
        return []
    return [streets.NetworkFile(network, SOURCE, path.name, near.data_date or streets.file_date(path))]


def apply(cursor: Cursor, records: list[Any], report: Report, *, replace: bool = False) -> None:
    """Put the network in the place of the one in use."""
    streets.take_in(cursor, records, report, replace=replace)


def _from_gdal(path: Path, context: Context, report: Report) -> Found:
    found = Found()
    # Squares closed to traffic are areas: people walk along their edge, as far as a map of lines can tell.
    layers = (("lines", "highway IS NOT NULL"), ("multipolygons", "other_tags LIKE '%\"highway\"%'"))
    try:
        for layer, where in layers:
            meta, _, shapes, columns = pyogrio.raw.read(
                path, layer=layer, where=where, bbox=_degrees(context), TAGS_FORMAT="JSON"
            )
            names = [str(name) for name in meta["fields"]]
            for number, shape in enumerate(shapes):
                cells = {name: values[number] for name, values in zip(names, columns, strict=True)}
                tags = json.loads(cells.get("other_tags") or "{}")
                tags |= {name: value for name, value in cells.items() if isinstance(value, str)}
                reference = f"way/{cells.get('osm_way_id') or cells.get('osm_id')}"
                if way := walkable(tags, reference):
                    for line in _lines(shapely.from_wkb(shape)):
                        found.add(way, line)
    except streets.UNREADABLE as error:
        streets.refuse_unreadable(report, path, "OpenStreetMap data", error)
    return found


def _from_geojson(path: Path, report: Report) -> Found:
    found = Found()
    content = read_text(path, report)
    document = parse_collection(content, report) if content is not None else None
    if content is None or document is None:
        return found
    crs = document.get("crs")
    if crs is not None and not DEGREE_NAMES.search(json.dumps(crs)):
        report.reject(1, "crs", json.dumps(crs), "must be longitude and latitude, as OpenStreetMap has them")
        return found
    found.data_date = _day(document.get("timestamp"))
    lines = feature_lines(content, len(document["features"]))
    for number, (item, line) in enumerate(zip(document["features"], lines, strict=True), 1):
        properties = item.get("properties") if isinstance(item, dict) else None
        if not isinstance(properties, dict | None) or not isinstance(item, dict) or "geometry" not in item:
            report.reject(line, f"feature {number}", "", "is not a GeoJSON Feature")
            continue
        tags = _tags(properties or {})
        way = walkable(tags, _reference(item, properties or {}, number))
        geometry = item["geometry"]
        # Crossings, lamps and bus stops are points with the same tag.
        if way is None or (isinstance(geometry, dict) and geometry.get("type") == "Point"):
            continue
        try:
            for vertices in _lines(_shape(geometry)):
                found.add(way, vertices)
        except ValueError as error:
            report.reject(line, "geometry", way.reference, str(error))
    return found


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    nested = properties.get("tags")
    every = {**properties, **(nested if isinstance(nested, dict) else {})}
    return {name: value for name, value in every.items() if isinstance(value, str)}


def _reference(item: Mapping[str, Any], properties: Mapping[str, Any], number: int) -> str:
    given = next((properties[name] for name in IDS if properties.get(name)), item.get("id"))
    return str(given or f"feature {number}")[:100]


def _shape(geometry: Any) -> Any:
    if not isinstance(geometry, dict):
        raise ValueError("is missing")
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise ValueError(f"cannot be read: {str(error).splitlines()[0]}") from None
    if shape.geom_type not in ("LineString", "MultiLineString", "Polygon", "MultiPolygon"):
        raise ValueError(f"is a {shape.geom_type}; it must be a line or an area")
    if shape.is_empty:
        raise ValueError("is empty")
    west, south, east, north = shape.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ValueError("is not in longitude and latitude")
    return shape


def _lines(shape: Any) -> Iterator[NDArray[np.float64]]:
    """The vertices of each line, or of each outline, that a shape is made of."""
    for part in shapely.get_parts(shape):
        coordinates = shapely.get_coordinates(part.exterior if part.geom_type == "Polygon" else part)
        if len(coordinates) > 1:
            yield coordinates


def _near(found: Found, context: Context) -> Found:
    """What lies in or near the borough, so that nothing else need be converted."""
    west, south, east, north = _degrees(context)
    near = Found(data_date=found.data_date)
    for way, line in zip(found.ways, found.lines, strict=True):
        x, y = line.T
        if x.max() >= west and x.min() <= east and y.max() >= south and y.min() <= north:
            near.add(way, line)
    return near


def _degrees(context: Context) -> tuple[float, float, float, float]:
    """A box in degrees that holds the borough and its margin."""
    west, south, east, north = context.bounds
    x, y = convert_lonlat(np.array([west, east, west, east]), np.array([south, south, north, north]))
    return min(x), min(y), max(x), max(y)


def _on_grid(
    lines: Sequence[NDArray[np.float64]],
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]]]:
    """Each line in metres of the National Grid, and a number for each vertex that is its position's own."""
    if not lines:
        return [], []
    degrees = np.concatenate(lines)
    cuts = np.cumsum([len(line) for line in lines])[:-1]
    x, y = np.rint(degrees * DIGITS).astype(np.int64).T
    grid = np.column_stack(convert_bng(degrees[:, 0].copy(), degrees[:, 1].copy()))
    return np.split(grid, cuts), np.split((x << 32) + y, cuts)


def _day(timestamp: Any) -> date | None:
    try:
        return datetime.fromisoformat(timestamp).date()
    except (TypeError, ValueError):
        return None
