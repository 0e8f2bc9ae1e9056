"""The way on foot from a postcode or a point to a place, as a line to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import orjson
from flask import Response, request

from mapservice.finder.locate import Located, locate_point, locate_postcode, on_grid
from mapservice.layers.query import BadQuery, Mistake
from mapservice.network.routing import Route, find_route
from mapservice.network.walking import Subject
from mapservice.web import context, reading
from mapservice.web.api import api, documents
from mapservice.web.api.nearby import read_degrees, unknown_postcode
from mapservice.web.api.parameters import Reader, one_of
from mapservice.web.problems import Problem

PAGES = {"assets": reading.ASSETS, "green-spaces": reading.GREEN_SPACES}


@dataclass(frozen=True, slots=True)
class Goal:
    """Where somebody wants to go."""

    subject: Subject
    id: str


@api.get("/route")
def route() -> Response:
    """The shortest way on foot; a straight line, which says so, where no way is known."""
    reader = Reader(request.args, ("from", "to", "step-free"))
    for name in ("from", "to"):
        if name not in request.args:
            reader.wrong(name, "must be given")
    point = reader.read("from", _point, None)
    goal = reader.read("to", _goal, None)
    step_free = reader.read("step-free", one_of(("true", "false")), "false") == "true"
    reader.finish()
    if goal is None:
        raise BadQuery([Mistake("to", "must be given")])
    with context.database().reading() as cursor:
        if point is None:
            start = locate_postcode(cursor, request.args["from"])
            if start is None:
                raise unknown_postcode("from")
        else:
            start = locate_point(cursor, *point)
        place = reading.one_feature(cursor, PAGES[goal.subject], goal.id)
        if place is None:
            raise Problem(404, f"There is no place {request.args['to'][:100]!r}.")
        found = find_route(cursor, start.longitude, start.latitude, goal.subject, goal.id, step_free)
    if found is None:
        raise Problem(404, f"The position of {place.properties.get('name') or goal.id} is not known.")
    response = Response(_document(start, place, found), content_type=documents.GEOJSON)
    # It says where somebody is.
    response.headers["Cache-Control"] = "no-store"
    return response


def _document(start: Located, place: reading.Feature, found: Route) -> bytes:
    source = found.source
    properties = {
        "from": start.postcode,
        "to": place.id,
        "name": place.properties.get("name"),
        "metres": found.walk.metres,
        "minutes": found.walk.minutes,
        "measured": found.walk.measured,
        "step_free": found.step_free,
        "attribution": source.attribution if source else None,
        "licence": source.licence if source else None,
        "licence_url": source.licence_url if source else None,
    }
    return orjson.dumps(
        {"type": "Feature", "geometry": orjson.Fragment(found.line), "properties": properties}
    )


def _point(text: str) -> tuple[float, float] | None:
    """Longitude and latitude, or None for what may be a postcode."""
    if "," not in text:
        return None
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError("must be a postcode, or longitude,latitude")
    longitude, latitude = (read_degrees(part) for part in parts)
    if not on_grid(longitude, latitude):
        raise ValueError(f"is too far away: this map is of {context.borough().name}")
    return longitude, latitude


def _goal(text: str) -> Goal:
    subject, slash, place = text.rpartition("/")
    subject = subject if slash else "assets"
    if subject not in PAGES or not place:
        raise ValueError(f"must be the id of a place, with or without {' or '.join(PAGES)} and / before it")
    return Goal(cast("Subject", subject), place)
