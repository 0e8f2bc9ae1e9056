"""What the form asks while somebody draws and types: is the outline right, is it one of these already?"""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from mapservice.accounts.permissions import Action
from mapservice.survey import outlines, whereabouts
from mapservice.survey.nearby import near
from mapservice.survey.outlines import Checked, Unreadable
from mapservice.web import context, identity
from mapservice.web.words import in_words

blueprint = Blueprint("checking", __name__)

READER = "survey"


@blueprint.post("/green-spaces/check")
@identity.needs(Action.SUGGEST)
def check() -> Response:
    """What is wrong with an outline, its size, and the known spaces that it shares ground with."""
    given = request.get_json(force=True, silent=True)
    asked: dict[str, Any] = given if isinstance(given, dict) else {}
    try:
        geometry = outlines.read_geometry(asked.get("geometry"))
        entrances = outlines.read_entrances(asked.get("entrances") or [])
    except Unreadable as error:
        return jsonify(_said(Checked((error.why,), (), None, ())))
    with context.database().session(READER) as session:
        return jsonify(_said(outlines.check(session, geometry, context.viewer(), entrances)))


@blueprint.get("/green-spaces/near")
@identity.needs(Action.SUGGEST)
def near_by() -> Response:
    """Known spaces at a spot or close by: `lon` and `lat` or a `place`, and the `name` typed so far."""
    longitude, latitude = (_number(request.args.get(name)) for name in ("lon", "lat"))
    said = None
    if longitude is None or latitude is None:
        with context.database().reading() as cursor:
            named = whereabouts.find(cursor, request.args.get("place", "").replace("\x00", ""))
        if named is None:
            return jsonify(spaces=[])
        longitude, latitude, said = named.longitude, named.latitude, named.said
    name = request.args.get("name", "").replace("\x00", "")
    with context.database().session(READER) as session:
        found = near(session, longitude, latitude, name, context.viewer())
    return jsonify(
        at=[longitude, latitude],
        said=in_words(said) if said else "",
        spaces=[
            {"id": one.id, "name": one.name, "status": one.status, "stage": one.stage, "metres": one.metres}
            for one in found
        ],
    )


def _said(found: Checked) -> dict[str, Any]:
    return {
        "problems": [in_words(each) for each in found.problems],
        "notes": [in_words(each) for each in found.notes],
        "area_m2": found.area_m2 and round(found.area_m2, 1),
        "tennis_courts": found.tennis_courts and round(found.tennis_courts, 2),
        "crossing": found.crossing,
        "overlaps": [
            {
                "id": one.id,
                "name": one.name,
                "status": one.status,
                "share": round(one.share, 3),
                "share_of_other": round(one.share_of_other, 3),
                "likely_the_same": one.likely_the_same,
            }
            for one in found.overlaps
        ],
    }


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
