"""KML for Google Earth and its like: PostgreSQL makes the XML, PostGIS the geometry; always degrees."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job, read_text
from mapservice.layers.formats.table import Column, columns

# KML's int has 32 bits.
TYPES = {"integer": "double", "number": "double", "boolean": "bool"}
# Characters that XML 1.0 cannot hold in any way.
UNSPEAKABLE = "".join(rf"\x{code:02x}" for code in range(1, 32) if code not in (9, 10, 13)) + r"\ufffe\uffff"


def stream_kml(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """A document with a schema of the layer's properties and a placemark for each feature."""
    # The name is the placemark's own, and the id an attribute of it.
    shown = [column for column in columns(job) if column.name != job.layer.name_property]
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
    # Null for a value that is not there makes its element nothing. PostgreSQL's xmlelement() would say the
    # same many times as slowly.
    data = " || ".join(
        f"COALESCE('<SimpleData name=\"{column.name}\">' || {_text(column)} || '</SimpleData>', '')"
        for column in shown[1:]
    )
    data = data or "''"
    place = "''"
    if job.query.geometry:
        place = f"COALESCE(ST_AsKML({sql.geometry(job.layer, 4326)}, {sql.DECIMALS_DEGREES}), '')"
    return (
        f"'<Placemark id=\"' || replace({_text(shown[0])}, '\"', '&quot;') || '\">'"
        f" || '<name>' || COALESCE({_escaped(f'({title})::text')}, '') || '</name>'"
        f" || '<ExtendedData><SchemaData schemaUrl=\"#{job.layer.id}-schema\">' || {data}"
        f" || '</SchemaData></ExtendedData>' || {place} || '</Placemark>'"
    )


def _text(column: Column) -> str:
    if column.type == "string":
        return _escaped(column.sql)
    if column.type in ("date", "date-time"):
        return f"(to_json({column.sql}) #>> '{{}}')"
    return f"({column.sql})::text"


def _escaped(text: str) -> str:
    speakable = f"translate({text}, E'{UNSPEAKABLE}', '')"
    return f"replace(replace(replace({speakable}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
