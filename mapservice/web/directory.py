"""Pages about places and green spaces: the start page, the lists, and a page for each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from psycopg import Cursor
from werkzeug.wrappers import Response

from mapservice.accounts.permissions import Action
from mapservice.finder.opening import opening_of
from mapservice.layers.layer import Layer
from mapservice.layers.paging import decode_cursor, encode_cursor
from mapservice.layers.query import FeatureQuery
from mapservice.register.vocabulary import ACCESS_FACTS
from mapservice.services.offers import offers_at
from mapservice.survey.confirming import is_followed
from mapservice.survey.files import photographs_of
from mapservice.survey.merging import part_of_what
from mapservice.web import context, identity, reading
from mapservice.web.asking import NEEDS, WISHES
from mapservice.web.maps import built_map
from mapservice.web.priorities import change_of

blueprint = Blueprint("directory", __name__)

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: what is chosen, what can be chosen, what was found."""

    layer: Layer
    layers: list[Layer]
    locality: str
    localities: list[str]
    page: reading.FeaturePage
    next_cursor: str | None
    first_page: bool


@blueprint.get("/")
def home() -> str:
    """The start page: the question first, then the doors."""
    return render_template("home.html", needs=NEEDS, wishes=WISHES)


@blueprint.get("/assets")
def places() -> str:
    """All places that can help, by kind and locality."""
    with context.database().reading() as cursor:
        listing = _listing(cursor, list(reversed_catch_all(reading.layers_of(reading.ASSETS))))
    return render_template("places.html", listing=listing)


@blueprint.get("/assets/<feature_id>")
def place(feature_id: str) -> str:
    """One place: where it is, when it is open, whom to ring, what it helps with, where that was learnt."""
    with context.database().reading() as cursor:
        found = _found(reading.one_feature(cursor, reading.ASSETS, feature_id))
        near = _near(cursor, found)
        here = offers_at(cursor, [found.id], "assets", context.viewer()).get(found.id, [])
    now = datetime.now(UTC)
    lon, lat = found.point or (None, None)
    found.opening = opening_of({**found.properties, "lon": lon, "lat": lat}, now)
    return render_template(
        "place.html",
        feature=found,
        facts=found.properties,
        near=near,
        offers=here,
        access=ACCESS_FACTS,
        built=built_map("small"),
    )


@blueprint.get("/green-spaces")
def green_spaces() -> str:
    """Green spaces, and with ``layer`` those that could become some."""
    with context.database().reading() as cursor:
        listing = _listing(cursor, reading.layers_of(reading.GREEN_SPACES))
    return render_template("green_spaces.html", listing=listing)


@blueprint.get("/green-spaces/<feature_id>")
def green_space(feature_id: str) -> str | Response:
    """One green space, existing or potential; from one that was a duplicate on to what it is part of."""
    with context.database().reading() as cursor:
        maybe = reading.one_feature(cursor, reading.GREEN_SPACES, feature_id)
        if maybe is None and (whole := _whole(feature_id)):
            led = redirect(url_for(".green_space", feature_id=whole), 301)
            # For good, until somebody takes the merge back: browsers would keep it longer.
            led.headers["Cache-Control"] = "no-cache"
            return led
        found = _found(maybe)
        here = offers_at(cursor, [found.id], "green-spaces", context.viewer()).get(found.id, [])
        change = change_of(cursor, found.id) if found.properties.get("stage") else None
        photographs = photographs_of(cursor, found.id)
    layer = context.catalogue().get(found.layers[0])
    return render_template(
        "green_space.html",
        feature=found,
        facts=found.properties,
        layer=layer,
        offers=here,
        change=change,
        photographs=photographs,
        confirmation=_confirmation(request.args.get("confirmed", "")),
        new_id=uuid.uuid4,
        built=built_map("small"),
    )


def _whole(feature_id: str) -> str | None:
    """The space that a duplicate became part of, for who may see that."""
    with context.database().session("directory") as session:
        return part_of_what(session, feature_id, context.viewer())


def _confirmation(given: str) -> uuid.UUID | None:
    """What the person asking has just confirmed, and may take back."""
    try:
        confirmed = uuid.UUID(given)
    except ValueError:
        return None
    if not identity.shown_may(Action.CONFIRM):
        return None
    with context.database().session("directory") as session:
        return confirmed if is_followed(session, confirmed) else None


def reversed_catch_all(layers: list[Layer]) -> list[Layer]:
    """For a list the catch-all comes first: everything, then each kind."""
    return sorted(layers, key=lambda layer: layer.style.shown)


def _found(feature: reading.Feature | None) -> reading.Feature:
    if feature is None:
        abort(404)
    return feature


def _near(cursor: Cursor[Any], feature: reading.Feature) -> list[reading.Feature]:
    """A few other places close by, for when this one is shut."""
    if feature.point is None:
        return []
    layers = reading.layers_of(reading.ASSETS)
    return [near for near in reading.nearest(cursor, layers, feature.point, 5) if near.id != feature.id][:4]


def _listing(cursor: Cursor[Any], layers: list[Layer]) -> Listing:
    arguments: Mapping[str, str] = request.args
    if not layers:
        abort(404)
    wanted = arguments.get("layer", "")
    layer = next((one for one in layers if one.id == wanted), layers[0])
    localities = [area.properties["name"] for area in reading.localities(cursor)]
    locality = arguments.get("locality", "")
    by_locality = layer.find_property("locality")
    equals = ((by_locality, locality),) if by_locality and locality in localities else ()
    token = arguments.get("after", "")
    try:
        after = decode_cursor(layer, (), token) if token else None
    except ValueError:
        abort(400)
    page = reading.feature_page(cursor, layer, FeatureQuery(limit=PAGE_SIZE, cursor=after, equals=equals))
    return Listing(
        layer=layer,
        layers=layers,
        locality=locality if equals else "",
        localities=localities,
        page=page,
        next_cursor=encode_cursor(layer, (), page.next) if page.next else None,
        first_page=after is None,
    )
