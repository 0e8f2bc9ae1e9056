"""Look-ups: which ward and locality a postcode or point is in, and what is nearest to it."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
from flask import Response, request

from mapservice.finder.approximate import approximate
from mapservice.finder.locate import Located, locate_point, locate_postcode
from mapservice.finder.nearest import find_nearest, supports_needs
from mapservice.layers.layer import Layer
from mapservice.layers.query import BadQuery, Mistake, parse_integer, suggest
from mapservice.register.vocabulary import SUPPORT
from mapservice.web import context
from mapservice.web.api import api, documents
from mapservice.web.api.parameters import Reader, one_of
from mapservice.web.problems import Problem

WHERE = ("postcode", "lon", "lat")
NEAREST_LIMIT = 10
NEAREST_MAX = 100
NEAREST_LAYERS = ("assets",)


@api.get("/lookup")
def lookup() -> Response:
    """The wards of each vintage and the locality of a postcode or point; 404 outside the borough."""
    reader = Reader(request.args, WHERE)
    here = _locate(reader)
    if not here.in_borough:
        raise Problem(404, f"{_named(here)} is outside {context.borough().name}.")
    document = {
        "postcode": here.postcode,
        "longitude": round(here.longitude, 7),
        "latitude": round(here.latitude, 7),
        "wards": {vintage: {"code": w.code, "name": w.name} for vintage, w in here.wards.items()},
        "locality": {"id": here.locality.id, "name": here.locality.name} if here.locality else None,
    }
    if here.retired:
        document["postcode_status"] = "retired"
    return Response(orjson.dumps(document), content_type=documents.JSON)


@api.get("/nearest")
def nearest() -> Response:
    """The nearest features to a postcode or point, in order of distance; always answers."""
    reader = Reader(request.args, (*WHERE, "need", "layers", "limit"))
    need = reader.read("need", one_of(SUPPORT), None)
    limit = reader.read("limit", lambda text: parse_integer(text, 1, NEAREST_MAX), NEAREST_LIMIT)
    layers = reader.read("layers", _layers, [context.catalogue().get(name) for name in NEAREST_LAYERS])
    if need and layers and not any(layer and supports_needs(layer) for layer in layers):
        reader.wrong("need", "none of these layers says what its features help with")
    here, about = _locate_about(reader)
    if not here.on_grid:
        raise BadQuery([Mistake("lon", f"is too far away: this map is of {context.borough().name}")])
    with context.database().reading() as cursor:
        found = find_nearest(
            cursor,
            [layer for layer in layers if layer],
            (here.longitude, here.latitude),
            limit,
            context.site(),
            need,
            context.viewer(),
        )
    origin = orjson.dumps(
        {
            "postcode": here.postcode,
            "longitude": round(here.longitude, 7),
            "latitude": round(here.latitude, 7),
            "in_borough": here.in_borough,
            **({"approximate": about} if about else {}),
        }
    ).decode()
    features = ",\n".join(near.feature for near in found)
    body = (
        f'{{"type":"FeatureCollection","numberReturned":{len(found)},"origin":{origin},'
        f'"features":[\n{features}\n]}}'
    )
    return Response(body, content_type=documents.GEOJSON)


def _layers(text: str) -> list[Layer | None]:
    found: list[Layer | None] = []
    for name in dict.fromkeys(text.split(",")):
        layer = context.catalogue().get(name)
        if layer is None:
            near = suggest(name, (known.id for known in context.catalogue()))
            raise ValueError(f"there is no layer {name[:40]!r}" + (f": {near}" if near else ""))
        found.append(layer)
    return found


def _locate(reader: Reader) -> Located:
    """The place asked about; raises BadQuery for a malformed one and Problem 404 for an unknown one."""
    arguments = request.args
    by_point = "lon" in arguments or "lat" in arguments
    if "postcode" in arguments and by_point:
        reader.wrong("postcode", "give either postcode or lon and lat, not both")
    elif "postcode" not in arguments and not by_point:
        reader.wrong("postcode", "give a postcode, or lon and lat")
    elif by_point:
        point = {name: reader.read(name, read_degrees, None) for name in ("lon", "lat")}
        for name in point:
            if name not in arguments:
                reader.wrong(name, "lon and lat go together")
        reader.finish()
        return _at(point)
    reader.finish()
    with context.database().reading() as cursor:
        here = locate_postcode(cursor, arguments["postcode"])
    if here is None:
        raise unknown_postcode("postcode")
    return here


def _locate_about(reader: Reader) -> tuple[Located, str]:
    """The same, but for an unknown postcode the middle of its sector or district, which is named."""
    try:
        return _locate(reader), ""
    except Problem:
        with context.database().reading() as cursor:
            about = approximate(cursor, request.args.get("postcode", ""))
            here = locate_postcode(cursor, about.postcode) if about else None
        if about is None or here is None:
            raise
        return replace(here, postcode=None), about.part


def _at(point: dict[str, float | None]) -> Located:
    try:
        with context.database().reading() as cursor:
            return locate_point(cursor, point["lon"] or 0.0, point["lat"] or 0.0)
    except ValueError as error:
        name = "lat" if "latitude" in str(error) else "lon"
        raise BadQuery([Mistake(name, str(error))]) from None


def unknown_postcode(parameter: str) -> Problem:
    """What is said of a postcode that the register does not know."""
    reason, hint = "is not a postcode in or near the borough", "check it, or give longitude and latitude"
    return Problem(404, "This postcode is not known here.", [Mistake(parameter, reason, hint)])


def read_degrees(text: str) -> float:
    """A number of degrees; raises ValueError for anything else."""
    if not re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,15})?", text, re.ASCII):
        raise ValueError("must be a number of degrees such as -0.1")
    return float(text)


def _named(here: Located) -> str:
    return f"The postcode {here.postcode}" if here.postcode else "This point"
