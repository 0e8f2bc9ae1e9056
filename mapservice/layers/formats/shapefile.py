"""Shapefile, zipped: one file for each geometry type, and a README that says what the format changed."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.gdal import write_batches
from mapservice.layers.formats.job import Job
from mapservice.layers.formats.table import arrow_batches, arrow_schema, columns, crs_of

if TYPE_CHECKING:
    import pyarrow

# That texts are cut is said in the README, to the person it concerns.
warnings.filterwarnings("ignore", ".* has been truncated to 254 characters", RuntimeWarning)

LONGEST_NAME = 10
LONGEST_TEXT = 254


@dataclass(frozen=True, slots=True)
class Part:
    """The features of one geometry type: an ending for the file's name, a type for GDAL, a dimension."""

    ending: str
    geometry_type: str
    dimension: int


PARTS = {
    "point": (Part("", "Point", 0),),
    "polygon": (Part("", "MultiPolygon", 2),),
    "mixed": (Part("-points", "Point", 0), Part("-polygons", "MultiPolygon", 2)),
}


def write_shapefile(connection: Connection[Any], job: Job, path: Path) -> None:
    """A zip of .shp, .shx, .dbf, .prj and .cpg for each geometry type, README.txt and LICENCE.txt.

    Features without geometry are with the points, where there are any.
    """
    cut: set[str] = set()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for number, part in enumerate(PARTS[job.layer.geometry_kind]):
            _write_part(connection, job, part, Path(folder), first=number == 0, cut=cut)
        texts = {"README.txt": _readme(job, cut), "LICENCE.txt": _licence(job)}
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="\r\n")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each name in at most ten characters, all different whatever their case."""
    short: dict[str, str] = {}
    for name in names:
        words = name.split("_")
        candidate = name[:LONGEST_NAME]
        if len(name) > LONGEST_NAME and len(words) > 1:
            # The last word tells names apart: ward_2002_code becomes ward2002co rather than ward_2002_.
            others = "".join(words[:-1])
            last = words[-1][: max(1, LONGEST_NAME - len(others))]
            candidate = others[: LONGEST_NAME - len(last)] + last
        number = 2
        taken = {used.lower() for used in short.values()}
        while candidate.lower() in taken:
            candidate = f"{candidate[: LONGEST_NAME - len(str(number))]}{number}"
            number += 1
        short[name] = candidate
    return short


def _write_part(
    connection: Connection[Any], job: Job, part: Part, folder: Path, first: bool, cut: set[str]
) -> None:
    shown = columns(job)
    short = short_names(column.name for column in shown)
    renamed = [replace(column, name=short[column.name]) for column in shown]
    schema = arrow_schema(renamed)
    place = sql.geometry(job.layer, job.layer.storage_srid)
    also = f"ST_Dimension({place}) = {part.dimension}"
    if first:
        also = f"({also} OR {place} IS NULL)"
    if not job.query.geometry:
        also = "true" if first else "false"
    batches = arrow_batches(connection, job, renamed, schema, (also,), multi=part.dimension == 2)
    started = next(batches, None)
    if started is None and not first:
        return
    write_batches(
        _noting_cuts(chain([started] if started is not None else [], batches), cut),
        schema,
        folder / f"{job.layer.id}{part.ending}.shp",
        driver="ESRI Shapefile",
        crs=crs_of(job),
        geometry_type=part.geometry_type,
        encoding="UTF-8",
    )


def _noting_cuts(batches: Iterable[pyarrow.RecordBatch], cut: set[str]) -> Iterator[pyarrow.RecordBatch]:
    """The same batches; columns with a text longer than the format holds are noted in `cut`."""
    import pyarrow
    import pyarrow.compute

    for batch in batches:
        for field, values in zip(batch.schema, batch.columns, strict=True):
            if field.name not in cut and pyarrow.types.is_string(field.type):
                longest = pyarrow.compute.max(pyarrow.compute.binary_length(values)).as_py()
                if longest is not None and longest > LONGEST_TEXT:
                    cut.add(field.name)
        yield batch


def _readme(job: Job, cut: set[str]) -> str:
    facts = job.facts
    short = short_names(column.name for column in columns(job))
    titles = {prop.name: prop.title for prop in job.layer.properties} | {"id": "Id"}
    lines = [
        facts["title"],
        "",
        facts["description"],
        "",
        f"From: {facts['source']}",
        f"As of: {facts['as_of']}",
        f"Coordinate reference system: {crs_of(job)}",
        "",
        "A Shapefile holds one geometry type, names of ten characters and texts of 254 bytes. GeoPackage",
        "has none of these limits. The columns, by their short names:",
        "",
        *(f"{shortened:<12}{name:<24}{titles[name]}" for name, shortened in short.items()),
    ]
    if cut:
        lines += ["", f"In these columns some texts were longer and are cut off: {', '.join(sorted(cut))}"]
    return "\n".join(lines) + "\n"


def _licence(job: Job) -> str:
    facts = job.facts
    return f"{facts['licence']}\n\n{facts['attribution']}\n"
