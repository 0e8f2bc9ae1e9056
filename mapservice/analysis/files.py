"""The ranking and the access of areas as files: CSV for spreadsheets, GeoPackage for QGIS."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg import Cursor

from mapservice.analysis.access import AreaAccess
from mapservice.analysis.first import Candidate
from mapservice.analysis.standards import STANDARDS
from mapservice.layers.formats.delimited import BYTE_ORDER_MARK, harmless

_PEOPLE = ("residents_200", "residents_300", "without_doorstep", "without_local", "gain", "meet")


def ranking_rows(candidates: Iterable[Candidate], how: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each candidate, people rounded to whole ones, with how the ranking was made on each."""
    return [
        {
            **asdict(candidate),
            **{name: round(getattr(candidate, name)) for name in (*_PEOPLE, "deprived_fifth")},
            "hectares": None if candidate.hectares is None else round(candidate.hectares, 3),
            "mean_rank": None if candidate.mean_rank is None else round(candidate.mean_rank),
            "score": round(candidate.score, 1),
            "longitude": round(candidate.longitude, 6),
            "latitude": round(candidate.latitude, 6),
            **how,
        }
        for candidate in candidates
    ]


def access_rows(areas: Iterable[AreaAccess], how: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each area: residents, how many meet each standard, and hectares."""
    return [
        {
            "boundary_set": area.boundary_set,
            "id": area.id,
            "name": area.name,
            "residents": round(area.residents),
            **{
                standard.id.replace("-", "_"): round(met)
                for standard, met in zip(STANDARDS, area.met, strict=True)
            },
            "hectares": round(area.hectares, 3),
            "square_metres_each": None if not area.residents else round(area.square_metres_each or 0, 2),
            **how,
        }
        for area in areas
    ]


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as CSV that spreadsheets open as it is, and of which they run nothing."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([harmless(row[column]) for column in columns] for row in rows)
    return (BYTE_ORDER_MARK + text.getvalue()).encode()


def as_geopackage(cursor: Cursor[Any], rows: Sequence[Mapping[str, Any]], how: Mapping[str, str]) -> bytes:
    """The ranking as a GeoPackage in EPSG:27700, with each space's outline or point."""
    import geopandas
    import shapely

    shapes = dict(
        cursor.execute(
            "SELECT id, ST_AsBinary(geom) FROM register.green_spaces WHERE id = ANY (%s)",
            ([row["id"] for row in rows],),
        ).fetchall()
    )
    geometry = shapely.from_wkb([shapes.get(row["id"]) for row in rows])
    frame = geopandas.GeoDataFrame(list(rows), geometry=geometry, crs=27700)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ranking.gpkg"
        frame.to_file(path, layer="which-first", driver="GPKG", layer_metadata=dict(how))
        return path.read_bytes()
