"""Features as the columns of a table, for every format that is one: the SQL and, for GDAL, Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job, read_rows
from mapservice.layers.layer import Property

if TYPE_CHECKING:
    import pyarrow

GEOMETRY = "geom"
CASTS = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "date": "date",
    "date-time": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type (one of `CASTS`, or "list" of text) and its SQL over the alias `f`."""

    name: str
    type: str
    sql: str


def columns(job: Job, lists: bool = False) -> list[Column]:
    """The id and the properties asked for. Arrays become text such as `a; b`, or stay lists with `lists`."""
    found = [Column("id", "string", f"f.{job.layer.id_column}::text")]
    return [*found, *(_column(prop, lists) for prop in job.properties)]


def geometry_sql(job: Job, multi: bool = False) -> str:
    """The geometry as WKB in the query's CRS, x before y whatever the CRS says, as files have it."""
    if not job.query.geometry:
        return "NULL::bytea"
    place = sql.geometry(job.layer, job.query.srid)
    return f"ST_AsBinary({f'ST_Multi({place})' if multi else place})"


def crs_of(job: Job) -> str:
    """The CRS of the file, as GDAL and pyproj name it. Never transformed from: PostGIS does that."""
    return f"EPSG:{job.query.srid}"


def arrow_schema(shown: list[Column]) -> pyarrow.Schema:
    """The columns and the geometry as an Arrow schema."""
    import pyarrow

    types = {
        "string": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "date": pyarrow.date32(),
        "date-time": pyarrow.timestamp("us", tz="UTC"),
        "list": pyarrow.list_(pyarrow.string()),
    }
    wkb = {"ARROW:extension:name": "geoarrow.wkb"}
    place = pyarrow.field(GEOMETRY, pyarrow.binary(), metadata=wkb)
    return pyarrow.schema([*(pyarrow.field(c.name, types[c.type]) for c in shown), place])


def arrow_batches(
    connection: Connection[Any],
    job: Job,
    shown: list[Column],
    schema: pyarrow.Schema,
    also: tuple[str, ...] = (),
    multi: bool = False,
) -> Iterator[pyarrow.RecordBatch]:
    """The job's features as Arrow batches."""
    import pyarrow

    expressions = [*(column.sql for column in shown), geometry_sql(job, multi)]
    for rows in read_rows(connection, job, expressions, also):
        arrays = [
            pyarrow.array(values, field.type)
            for values, field in zip(zip(*rows, strict=True), schema, strict=True)
        ]
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def joined(prop: Property) -> str:
    """An array as text: `a; b`, or JSON where its members are objects."""
    whole = f"NULLIF(to_jsonb({prop.sql}), 'null')"
    members = f"jsonb_array_elements_text({whole}) WITH ORDINALITY AS members(member, place)"
    nested = f"""jsonb_path_exists({whole}, '$[*] ? (@.type() == "object" || @.type() == "array")')"""
    return (
        f"CASE WHEN {nested} THEN {whole}::text"
        f" ELSE (SELECT string_agg(member, '; ' ORDER BY place) FROM {members}) END"
    )


def _column(prop: Property, lists: bool) -> Column:
    if prop.type == "array" and lists:
        whole = f"NULLIF(to_jsonb({prop.sql}), 'null')"
        members = f"jsonb_array_elements_text({whole}) WITH ORDINALITY AS members(member, place)"
        listed = f"ARRAY(SELECT member FROM {members} ORDER BY place)"
        return Column(prop.name, "list", f"CASE WHEN {prop.sql} IS NOT NULL THEN {listed} END")
    if prop.type == "array":
        return Column(prop.name, "string", joined(prop))
    if prop.type == "object":
        return Column(prop.name, "string", f"to_jsonb({prop.sql})::text")
    return Column(prop.name, prop.type, f"({prop.sql})::{CASTS[prop.type]}")
