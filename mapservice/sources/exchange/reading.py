"""Green spaces out of the files others make, whatever the format: as `Found`, in EPSG:27700."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyogrio
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from mapservice.sources.checks import slug_of
from mapservice.sources.context import to_grid
from mapservice.sources.exchange import terms
from mapservice.sources.report import Report

Kind = Literal["os-open-greenspace", "osm-green-spaces", "gigl-spaces-to-visit", "drawn-green-spaces"]
Bounds = tuple[float, float, float, float]
SMALLEST_M2 = 5
NAMES = ("name", "distinctivename1", "distname1", "sitename", "site", "title")
REFERENCES = ("id", "gmlid", "fullid", "@id", "osmid", "osmwayid", "siteid", "siteref", "fid")
SITE_OF = ("reftogreenspacesite", "reftogsite")


@dataclass(slots=True)
class Found:
    """One green space as a source has it; `entrances` are points."""

    reference: str
    name: str | None
    type: str
    access: str
    status: str
    geometry: BaseGeometry
    entrances: list[BaseGeometry] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Names what the source says, without the id it says it under."""
        shape = shapely.set_precision(self.geometry, 0.1).normalize().wkb_hex
        doors = sorted(shapely.set_precision(door, 0.1).wkb_hex for door in self.entrances)
        said = (slug_of(self.name or ""), self.type, self.access, self.status, shape, *doors)
        return hashlib.sha256("|".join(said).encode()).hexdigest()


def read_green_spaces(
    path: Path, kind: Kind, reach: Bounds, margin: BaseGeometry, report: Report
) -> list[Found]:
    """What a file holds in and near the borough; whatever cannot be read is in the report."""
    try:
        tables = [_table(path, str(name)) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        report.reject(None, "file", path.name, f"cannot be read: {str(error).splitlines()[0]}")
        return []
    found: list[Found] = []
    doors: dict[str, list[BaseGeometry]] = {}
    for rows in tables:
        for number, (cells, shape) in enumerate(rows, 1):
            site = next((cells[name] for name in SITE_OF if name in cells), None)
            geometry = _on_grid(shape, number, report)
            if geometry is None:
                continue
            if site is not None:
                doors.setdefault(site, []).extend(_points(geometry))
            else:
                item = _found(cells, geometry, number, kind)
                if item is not None:
                    found.append(item)
    around = box(*reach)
    near = [item for item in found if around.intersects(item.geometry) and margin.covers(item.geometry)]
    for item in near:
        item.entrances = [door for door in doors.get(item.reference, []) if margin.covers(door)]
    if not near and not report.rejected:
        report.reject(None, "file", path.name, "holds no green space in or near the borough")
    if len(near) < len(found):
        report.warnings.append(f"{len(found) - len(near)} that lie elsewhere were passed over")
    return near


def _table(path: Path, layer: str) -> list[tuple[dict[str, str], BaseGeometry | None]]:
    """Rows as (cells by plain column name, geometry in the file's own coordinates)."""
    frame = pyogrio.read_dataframe(path, layer=layer)
    plain = {column: re.sub(r"[^a-z0-9@]", "", str(column).lower()) for column in frame.columns}
    shapes: list[Any] = list(frame.geometry) if "geometry" in frame else [None] * len(frame)
    crs = getattr(frame, "crs", None)
    code = crs.to_epsg() if crs is not None else None
    if code not in (None, 27700, 4326):
        raise ValueError(f"is in EPSG:{code}; save it in EPSG:27700 or in longitude and latitude")
    rows = []
    for record, shape in zip(
        frame.drop(columns="geometry", errors="ignore").to_dict("records"), shapes, strict=True
    ):
        cells = {plain[c]: str(v).strip() for c, v in record.items() if v is not None and v == v}
        cells = {column: value for column, value in cells.items() if value}
        rows.append((cells, shape if shape is not None else _written(cells)))
    return rows


def _written(cells: dict[str, str]) -> BaseGeometry | None:
    """The geometry that a CSV file writes in its cells."""
    try:
        if "wkt" in cells:
            return shapely.from_wkt(cells["wkt"])
        for east, north in (("easting", "northing"), ("longitude", "latitude"), ("lon", "lat"), ("x", "y")):
            if east in cells and north in cells:
                return shapely.Point(float(cells[east]), float(cells[north]))
    except (ValueError, shapely.errors.GEOSException):
        return None
    return None


def _on_grid(shape: BaseGeometry | None, number: int, report: Report) -> BaseGeometry | None:
    if shape is None or shape.is_empty:
        report.warnings.append(f"feature {number} has no geometry that can be read and was passed over")
        return None
    geometry = shapely.force_2d(shape)
    west, south, east, north = geometry.bounds
    if max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90:
        geometry = shapely.transform(
            geometry, lambda xy: np.asarray(to_grid(xy[:, 0].tolist(), xy[:, 1].tolist())).reshape(-1, 2)
        )
        if not np.isfinite(shapely.get_coordinates(geometry)).all():
            return None
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    return geometry


def _points(geometry: BaseGeometry) -> list[BaseGeometry]:
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Point"]


def _found(cells: dict[str, str], geometry: BaseGeometry, number: int, kind: Kind) -> Found | None:
    meaning = terms.MEANINGS[kind](cells)
    if meaning is None:
        return None
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    if polygons:
        shape = shapely.MultiPolygon([p for part in polygons for p in shapely.get_parts(part)])
        if shape.area < SMALLEST_M2 or not shape.is_valid:
            return None
    elif geometry.geom_type == "Point":
        shape = geometry
    else:
        return None
    return Found(
        reference=next((cells[name] for name in REFERENCES if name in cells), f"feature-{number}"),
        name=next((" ".join(cells[name].split()) for name in NAMES if name in cells), None),
        type=meaning.type,
        access=meaning.access,
        status=meaning.status,
        geometry=shape,
    )
