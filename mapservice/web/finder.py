"""The residents' door: a postcode (or a point) and what is wrong, and where to go with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template, request
from psycopg import Cursor

from mapservice.finder.contacts import Contact
from mapservice.finder.locate import Located, locate_point, locate_postcode
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery
from mapservice.register.postcodes import possible_postcodes
from mapservice.web import context, reading
from mapservice.web.contacts import ContactBook
from mapservice.web.maps import built_map
from mapservice.web.sheet import Sheet, help_sheet
from mapservice.web.words import ring_first

blueprint = Blueprint("finder", __name__)

NEEDS = (
    ("work", "Work", "jobs, training, volunteering"),
    ("money", "Money", "bills, benefits, debt"),
    ("food", "Food", "nothing to eat, food for the week"),
    ("home", "Home", "rent, repairs, heating, nowhere to stay"),
    ("family", "Family", "children, caring, relationships"),
    ("wellbeing", "Wellbeing", "health, feeling low, lonely"),
    ("", "I am not sure", ""),
)
HUBS_COMPARED = 20
FOR_NEED = 5
PER_KIND = 2
# As in "help with …".
NEED_WORDS = {value: text.lower() for value, text, _ in NEEDS if value} | {
    "home": "your home",
    "family": "your family",
    "wellbeing": "your wellbeing",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked, as typed."""

    postcode: str
    need: str
    longitude: float | None
    latitude: float | None

    @property
    def anything(self) -> bool:
        """Whether a place was given at all."""
        return bool(self.postcode) or self.longitude is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """Where to go from one place for one need; `by_kind` names nothing that stands before it."""

    located: Located
    hub: reading.Feature | None
    for_need: list[reading.Feature]
    by_kind: list[tuple[Layer, list[reading.Feature]]]
    green: list[reading.Feature]
    phones: tuple[Contact, ...]


@blueprint.get("/find")
def find() -> tuple[str, int]:
    """The question, or its answer; a postcode we do not know is said kindly, with a way on."""
    asked = _asked()
    if not asked.anything:
        empty = "postcode" in request.args
        return _form(asked, "Enter a postcode" if empty else "", 400 if empty else 200)
    with context.database().reading() as cursor:
        located = _located(cursor, asked)
        if located is None:
            if asked.postcode and possible_postcodes(asked.postcode):
                return _form(asked, "We do not know that postcode. Check it, or try one close by", 404)
            return _form(asked, "Enter a full postcode, with its last three characters", 400)
        answer = _answer(cursor, located, asked.need)
        sheet = _sheet(cursor, answer, asked.need)
    page = render_template(
        "find.html",
        asked=asked,
        answer=answer,
        sheet=sheet,
        needs=NEEDS,
        need_words=NEED_WORDS.get(asked.need, ""),
        built=built_map("small"),
    )
    return page, 200


def _asked() -> Asked:
    arguments = request.args
    need = arguments.get("need", "")
    return Asked(
        postcode=" ".join(arguments.get("postcode", "").replace("\x00", "").split())[:20],
        need=need if need in NEED_WORDS else "",
        longitude=_number(arguments.get("lon")),
        latitude=_number(arguments.get("lat")),
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _form(asked: Asked, error: str, code: int) -> tuple[str, int]:
    return render_template("find.html", asked=asked, answer=None, needs=NEEDS, error=error), code


def _located(cursor: Cursor[Any], asked: Asked) -> Located | None:
    if asked.postcode:
        return locate_postcode(cursor, asked.postcode)
    if asked.longitude is None or asked.latitude is None:
        return None
    try:
        located = locate_point(cursor, asked.longitude, asked.latitude)
    except ValueError:
        return None
    return located if located.on_grid else None


def _answer(cursor: Cursor[Any], located: Located, need: str) -> Answer:
    point = (located.longitude, located.latitude)
    kinds = [layer for layer in reading.layers_of(reading.ASSETS) if layer.style.shown]
    green = [layer for layer in reading.layers_of(reading.GREEN_SPACES) if layer.style.shown]
    hub = _hub(cursor, located, point)
    told = {hub.id} if hub else set()
    helping = reading.nearest(cursor, kinds, point, FOR_NEED + len(told), need) if need else []
    helping = _open_doors_first(one for one in helping if one.id not in told)[:FOR_NEED]
    told.update(one.id for one in helping)
    by_kind = []
    for layer in kinds:
        near = reading.nearest(cursor, [layer], point, PER_KIND + len(told))
        if found := [one for one in near if one.id not in told][:PER_KIND]:
            by_kind.append((layer, _open_doors_first(found)))
    book: ContactBook = current_app.extensions["contacts"]
    last_resort = context.borough().last_resort_contact  # stands at the top of the page already
    phones = book.for_need(need) if need else ()
    return Answer(
        located=located,
        hub=hub,
        for_need=helping,
        by_kind=by_kind,
        green=reading.nearest(cursor, green, point, 3) if need in ("", "wellbeing", "family") else [],
        phones=tuple(contact for contact in phones if contact.id != last_resort)[:5],
    )


def _sheet(cursor: Cursor[Any], answer: Answer, need: str) -> Sheet:
    """The same on paper: the hub, what is listed for the need, and the nearest of each kind."""
    located = answer.located
    first = [answer.hub] if answer.hub and answer.hub.point else []
    nearest = [near[0] for _, near in answer.by_kind]
    return help_sheet(
        cursor,
        (located.longitude, located.latitude),
        [*first, *answer.for_need, *nearest],
        located.locality.id if located.locality else None,
        need,
        "Map of the places on this sheet",
    )


def _open_doors_first(found: Iterable[reading.Feature]) -> list[reading.Feature]:
    """The same, those to ring first at the end: nobody is sent to stand before a closed door."""
    return sorted(found, key=lambda one: ring_first(one.properties))


def _hub(cursor: Cursor[Any], located: Located, point: tuple[float, float]) -> reading.Feature | None:
    """The hub of the locality, even one whose place is still to be confirmed."""
    if located.locality is None:
        return None
    for layer in reading.layers_of(reading.ASSETS):
        hub_for = layer.find_property("hub_for")
        if hub_for is None:
            continue
        query = FeatureQuery(limit=1, equals=((hub_for, located.locality.id),))
        for hub in reading.feature_page(cursor, layer, query).features:
            near = reading.nearest(cursor, [layer], point, HUBS_COMPARED)
            hub.distance_m = next((one.distance_m for one in near if one.id == hub.id), None)
            return hub
    return None
