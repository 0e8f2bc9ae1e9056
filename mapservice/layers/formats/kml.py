"""KML for Google Earth and its like: PostgreSQL makes the XML, PostGIS the geometry; always degrees."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job, read_text
from mapservice.layers.formats.table import Column, columns

TYPES = {"integer": "int", "number": "double", "boolean": "bool"}
# Characters that XML 1.0 cannot hold in any way.
UNSPEAKABLE = r"[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"


def stream_kml(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """A document with a schema of the layer's properties and a placemark for each feature."""
    shown = columns(job)
    yield _head(job, shown).encode()
    for placemarks in read_text(connection, job, _placemark(job, shown)):
        yield ("\n".join(placemarks) + "\n").encode()
    yield b"</Document>\n</kml>\n"


def _head(job: Job, shown: list[Column]) -> str:
    titles = {prop.name: prop.title for prop in job.layer.properties}
    fields = "\n".join(
        f"<SimpleField name={quoteattr(column.name)} type={quoteattr(TYPES.get(column.type, 'string'))}>"
        f"<displayName>{escape(titles[column.name])}</displayName></SimpleField>"
        for column in shown[1:]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
        f"<name>{escape(job.layer.title)}</name>\n<description>{escape(job.credit)}</description>\n"
        f"<Schema name={quoteattr(job.layer.id)} id={quoteattr(f'{job.layer.id}-schema')}>\n{fields}\n"
        "</Schema>\n"
    )


def _placemark(job: Job, shown: list[Column]) -> str:
    name = job.layer.find_property(job.layer.name_property)
    title = name.sql if name else f"f.{job.layer.id_column}"
    # xmlelement escapes; an element for a value that is not there is left out.
    data = ", ".join(
        f"CASE WHEN {value} IS NOT NULL THEN"
        f" xmlelement(name \"SimpleData\", xmlattributes('{column.name}' AS name), {value}) END"
        for column, value in ((column, _clean(column)) for column in shown[1:])
    )
    schema = f"xmlattributes('#{job.layer.id}-schema' AS \"schemaUrl\")"
    place = "''"
    if job.query.geometry:
        place = f"COALESCE(ST_AsKML({sql.geometry(job.layer, 4326)}, {sql.DECIMALS_DEGREES}), '')"
    return (
        f'xmlelement(name "Placemark", xmlattributes({_clean(shown[0])} AS id),'
        f" xmlelement(name name, {_speakable(f'({title})::text')}),"
        f' xmlelement(name "ExtendedData", xmlelement(name "SchemaData", {schema}, {data})),'
        f" ({place})::xml)::text"
    )


def _clean(column: Column) -> str:
    if column.type == "string":
        return _speakable(column.sql)
    if column.type in ("date", "date-time"):
        return f"(to_json({column.sql}) #>> '{{}}')"
    return f"({column.sql})::text"


def _speakable(text: str) -> str:
    return f"regexp_replace({text}, '{UNSPEAKABLE}', '', 'g')"
