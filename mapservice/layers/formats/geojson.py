"""GeoJSON, and its two relatives: one feature a line (RFC 8142), and JSON-FG with any CRS."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.formats.job import Job, read_text
from mapservice.layers.query import CRS84, LATITUDE_FIRST

RECORD_SEPARATOR = "\x1e"
JSON_FG = "http://www.opengis.net/spec/json-fg-1/1.0/conf/"


def stream_collection(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """One FeatureCollection."""
    head = {"type": "FeatureCollection", "name": job.layer.id, **_credit(job)}
    yield from _collection(connection, job, head, _feature(job))


def stream_sequence(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """A GeoJSON text sequence: each feature between a record separator and a line feed."""
    for texts in read_text(connection, job, _feature(job)):
        yield "".join(f"{RECORD_SEPARATOR}{text}\n" for text in texts).encode()


def stream_json_fg(connection: Connection[Any], job: Job) -> Generator[bytes, None, None]:
    """One JSON-FG FeatureCollection: `place` in the CRS asked for, or `geometry` where that is CRS84."""
    head: dict[str, Any] = {
        "type": "FeatureCollection",
        "conformsTo": [f"{JSON_FG}core", f"{JSON_FG}types-schemas"],
        "featureType": job.layer.id,
        "coordRefSys": job.query.crs,
        **_credit(job),
    }
    dimension = {"point": 0, "polygon": 2}.get(job.layer.geometry_kind)
    if dimension is not None:
        head["geometryDimension"] = dimension
    yield from _collection(connection, job, head, _json_fg_feature(job))


def _collection(
    connection: Connection[Any], job: Job, head: dict[str, Any], expression: str
) -> Generator[bytes, None, None]:
    yield (json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n').encode()
    before = ""
    for texts in read_text(connection, job, expression):
        yield (before + ",\n".join(texts)).encode()
        before = ",\n"
    yield b"\n]}\n"


def _credit(job: Job) -> dict[str, str]:
    facts = job.facts
    return {name: facts[name] for name in ("title", "licence", "attribution")}


def _feature(job: Job) -> str:
    return sql.feature(job.layer, job.query.crs, job.query.fields, job.query.geometry)


def _json_fg_feature(job: Job) -> str:
    """The GeoJSON feature with `time` and `place` before its own members."""
    layer, query = job.layer, job.query
    plain = sql.feature(layer, CRS84, query.fields, query.geometry and query.crs == CRS84)
    place = "'null'"
    if query.geometry and query.crs != CRS84:
        shape = sql.geometry(layer, query.srid)
        if query.crs in LATITUDE_FIRST:
            shape = f"ST_FlipCoordinates({shape})"
        decimals = sql.DECIMALS_DEGREES if query.srid == 4326 else sql.DECIMALS_METRES
        place = f"COALESCE(ST_AsGeoJSON({shape}, {decimals}, 0), 'null')"
    return f"""'{{"time":' || {_time(job)} || ',"place":' || {place} || ',' || substr({plain}, 2)"""


def _time(job: Job) -> str:
    """The feature's time as JSON-FG has it: an interval of dates or instants in UTC, or null."""
    if job.layer.time is None or job.layer.time[0] == job.layer.time[1]:
        # When a row was last changed is not when the feature was so.
        return "'null'"
    days = [f"to_char(f.{name}::timestamp, 'YYYY-MM-DD')" for name in job.layer.time]
    ends = [f"""COALESCE('"' || {day} || '"', '".."')""" for day in days]
    known = " OR ".join(f"f.{name} IS NOT NULL" for name in job.layer.time)
    interval = f"""'{{"interval":[' || {ends[0]} || ',' || {ends[1]} || ']}}'"""
    return f"CASE WHEN {known} THEN {interval} ELSE 'null' END"
