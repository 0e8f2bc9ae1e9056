"""Ordnance Survey's Open Roads, as GeoPackage: the road network of Great Britain, without footpaths.

Links meet at the nodes they name, and nowhere else. Walkers are kept off motorways and guided busways.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from mapservice.network.build import Way
from mapservice.network.store import Source
from mapservice.sources import streets
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor

SOURCE = Source(
    kind="open-roads",
    title="OS Open Roads",
    licence="Open Government Licence v3.0",
    licence_url="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    attribution="Contains OS data © Crown copyright and database right.",
)
LAYER = "roadlink"
REQUIRED = ("id", "startnode", "endnode", "roadclassification", "formofway")
OPTIONAL = ("roadfunction", "roadstructure")


def read(path: Path, context: Context, report: Report) -> list[streets.NetworkFile]:
    """Read and check the file; what lies beyond the borough and its margin is passed over."""
    try:
        layer = _layer(path, report)
        if layer is None:
            return []
        columns = _columns(path, layer, report)
        if report.rejected:
            return []
        meta, fids, shapes, values = pyogrio.raw.read(
            path, layer=layer, columns=list(columns.values()), bbox=context.bounds, return_fids=True
        )
    except streets.UNREADABLE as error:
        streets.refuse_unreadable(report, path, "a GeoPackage", error)
        return []
    own = {name: plain for plain, name in columns.items()}
    fields = {own[str(name)]: cells for name, cells in zip(meta["fields"], values, strict=True)}
    links = _Links(report)
    for number, (fid, shape) in enumerate(zip(fids, shapes, strict=True)):
        row = {name: _text(cells[number]) for name, cells in fields.items()}
        links.add(int(fid), row, shape)
    if report.rejected:
        return []
    network = streets.network_of(links.ways, links.lines, links.vertices, context, report)
    if network is None:
        return []
    return [streets.NetworkFile(network, SOURCE, path.name, streets.file_date(path))]


def apply(cursor: Cursor, records: list[Any], report: Report, *, replace: bool = False) -> None:
    """Put the network in the place of the one in use."""
    streets.take_in(cursor, records, report, replace=replace)


class _Links:
    """The links of a file, checked one by one, with their nodes numbered."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.ways: list[Way] = []
        self.lines: list[NDArray[np.float64]] = []
        self.vertices: list[NDArray[np.int64]] = []
        self._nodes: dict[str, int] = {}
        self._seen: set[str] = set()
        self._inner = 0

    def add(self, fid: int, row: Mapping[str, str], shape: bytes | None) -> None:
        """Take a link in, or say what is wrong with it."""
        name = row["id"] or f"row {fid}"
        before = len(self.report.rejected)
        for column in ("id", "startnode", "endnode"):
            if not row[column]:
                self.report.reject(None, f"row {fid}: {column}", "", "must be filled in")
        if row["id"] and row["id"] in self._seen:
            self.report.reject(None, f"row {fid}: id", name, "is in this file twice")
        self._seen.add(row["id"])
        line = shapely.force_2d(shapely.from_wkb(shape)) if shape else None
        if line is None or line.is_empty:
            self.report.reject(None, f"row {fid}: geometry", name, "is missing")
        elif line.geom_type != "LineString":
            self.report.reject(None, f"row {fid}: geometry", name, f"is a {line.geom_type}, not a LineString")
        elif not np.isfinite(shapely.get_coordinates(line)).all():
            self.report.reject(None, f"row {fid}: geometry", name, "holds a coordinate that is not a number")
        if len(self.report.rejected) > before or line is None or not _may_walk(row):
            return
        coordinates = shapely.get_coordinates(line)
        self.ways.append(Way(name, "street", at_grade=row.get("roadstructure", "") != "Road In Tunnel"))
        self.lines.append(coordinates)
        # Vertices on the way are nobody else's: they are numbered below zero, nodes from zero.
        self._inner += len(coordinates)
        vertices = -np.arange(self._inner, self._inner - len(coordinates), -1, dtype=np.int64)
        vertices[[0, -1]] = [self._node(row["startnode"]), self._node(row["endnode"])]
        self.vertices.append(vertices)

    def _node(self, identifier: str) -> int:
        return self._nodes.setdefault(identifier, len(self._nodes))


def _may_walk(row: Mapping[str, str]) -> bool:
    motorway = "Motorway" in (row["roadclassification"], row.get("roadfunction", ""))
    return not motorway and row["formofway"] != "Guided Busway"


def _layer(path: Path, report: Report) -> str | None:
    names = [str(name) for name, _ in pyogrio.list_layers(path)]
    for name in names:
        if _plain(name) == LAYER:
            crs = str(pyogrio.read_info(path, layer=name)["crs"])
            if "27700" in crs or "British National Grid" in crs:
                return name
            report.reject(None, "crs", crs, "must be EPSG:27700")
            return None
    there = ", ".join(names) or "none"
    report.reject(None, "file", path.name, f"has no layer road_link; its layers are: {there}")
    return None


def _columns(path: Path, layer: str, report: Report) -> dict[str, str]:
    """The file's own names of the columns that are read: some editions write startNode, others start_node."""
    own = {_plain(str(name)): str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]}
    for column in REQUIRED:
        if column not in own:
            report.reject(None, f"{layer}: {column}", "", "this column is missing")
    return {column: own[column] for column in (*REQUIRED, *OPTIONAL) if column in own}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
