"""CSV for spreadsheets: PostgreSQL makes each line, nothing is quoted or encoded per row in Python."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job, read_text
from mapservice.layers.formats.table import columns
from mapservice.layers.query import LATITUDE_FIRST

COORDINATES = ("longitude", "latitude", "easting", "northing")
BYTE_ORDER_MARK = "\ufeff"
# What Excel keeps of a cell; a longer one runs over into the next row and spoils the table.
LONGEST_CELL = 32_767
# What a spreadsheet takes for a formula at the start of a cell, ASCII and full-width; a number is none.
FORMULA = "=+-@\t\r\n＝＋－＠"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def stream_csv(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """A header and a line for each feature, in UTF-8 with the mark by which Excel knows it (RFC 4180).

    Lines end with CR LF. Coordinates are given both ways for every feature, of an outline those of a point
    on it; `wkt` holds the geometry itself where the layer has more than points, unless it is longer than a
    cell can be: then `wkt_left_out` is true.
    """
    names = [column.name for column in columns(job)]
    cells = [_cell(column.sql, column.type) for column in columns(job)]
    if job.query.geometry:
        names += COORDINATES
        cells.append(_coordinates(job))
        if job.layer.geometry_kind != "point":
            names += ["wkt", "wkt_left_out"]
            fitting = f"CASE WHEN length(wkt) <= {LONGEST_CELL} THEN wkt END"
            whether = f"COALESCE((length(wkt) > {LONGEST_CELL})::text, 'false')"
            both = f"{_quoted(fitting)} || ',' || {whether}"
            cells.append(f"(SELECT {both} FROM (SELECT {_wkt(job)} AS wkt OFFSET 0) cell)")
    yield (BYTE_ORDER_MARK + ",".join(names) + "\r\n").encode()
    for lines in read_text(connection, job, " || ',' || ".join(cells)):
        yield ("\r\n".join(lines) + "\r\n").encode()


def harmless(value: object) -> object:
    """A cell for a file that Python writes: text that no spreadsheet runs as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] and value[0] in FORMULA else value


def _cell(value: str, kind: str) -> str:
    if kind == "string":
        return f"(SELECT {_quoted(_harmless('value'))} FROM (SELECT {value} AS value OFFSET 0) cell)"
    if kind in ("date", "date-time"):
        return f"COALESCE(to_json({value}) #>> '{{}}', '')"
    return f"COALESCE(({value})::text, '')"


def _harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula: an apostrophe before it says that it is text."""
    codes = ", ".join(str(ord(character)) for character in FORMULA)
    # ascii() is the code of the first character, whichever it is.
    return (
        f"CASE WHEN ascii({text}) IN ({codes}) AND {text} !~ '{NUMBER}' THEN '''' || {text} ELSE {text} END"
    )


def _quoted(text: str) -> str:
    return f"""COALESCE('"' || replace({text}, '"', '""') || '"', '')"""


def _coordinates(job: Job) -> str:
    """Four cells: longitude, latitude, easting, northing; empty where there is no geometry."""
    layer = job.layer
    if layer.geometry_kind == "point":
        pair = f"SELECT {sql.geometry(layer, 4326)} AS world, {sql.geometry(layer, 27700)} AS grid"
    else:
        # One point, chosen on the grid: chosen in each CRS by itself it would be two points.
        grid = f"SELECT ST_PointOnSurface({sql.geometry(layer, 27700)}) AS grid OFFSET 0"
        world = f"ST_Transform(ST_SetSRID(grid, {sql.FITTED_GRID_SRID}), 4326)"
        pair = f"SELECT {world} AS world, grid FROM ({grid}) chosen OFFSET 0"
    numbers = [
        f"round(ST_{axis}({point})::numeric, {decimals})"
        for point, decimals in (("world", sql.DECIMALS_DEGREES), ("grid", sql.DECIMALS_METRES))
        for axis in "XY"
    ]
    cells = " || ',' || ".join(numbers)
    return f"(SELECT COALESCE({cells}, ',,,') FROM ({pair}) place)"


def _wkt(job: Job) -> str:
    place = sql.geometry(job.layer, job.query.srid)
    if job.query.crs in LATITUDE_FIRST:
        place = f"ST_FlipCoordinates({place})"
    return f"ST_AsText({place}, {sql.DECIMALS_DEGREES if job.query.srid == 4326 else sql.DECIMALS_METRES})"
