"""The residents' door: where somebody is and what is wrong, and where to go with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    get_template_attribute,
    make_response,
    render_template,
    request,
)
from markupsafe import Markup, escape
from psycopg import Cursor

from mapservice.finder.approximate import approximate
from mapservice.finder.choosing import SHOWN, Choice, choose, known_to_help, to_ring_first
from mapservice.finder.contacts import Contact
from mapservice.finder.known import Known
from mapservice.finder.locate import Located
from mapservice.finder.names import (
    Named,
    area_name,
    find_localities,
    find_postcodes,
    find_start,
    find_starts,
    find_street,
)
from mapservice.finder.nearest import SUPPORT_PROPERTIES
from mapservice.finder.opening import offices_are_shut
from mapservice.finder.search import Found, Place, Start, search
from mapservice.finder.searches import Outcome, Tally
from mapservice.layers.layer import Layer
from mapservice.register.postcodes import has_one_too_many, without_one
from mapservice.services.offers import Offer, offers_at
from mapservice.web import context, frame, reading
from mapservice.web.asking import NEED_WORDS, NEEDS, SHORTEST_NAME, WISHES, Asked, read_question
from mapservice.web.cards import Cards
from mapservice.web.contacts import ContactBook
from mapservice.web.languages import current_language, gettext
from mapservice.web.maps import built_map
from mapservice.web.opening_words import opening_words
from mapservice.web.sheet import Sheet, help_sheet
from mapservice.web.wishes import known

blueprint = Blueprint("finder", __name__)

FOR_NEED = 6
PER_KIND = 2
GREEN = 3
# For these somebody may have to be reached at night.
CANNOT_WAIT = ("food", "home", "family", "wellbeing")
# Stands in a kept form for what was typed; nobody types it.
TYPED = "\ue000"
CHOICES = 8
# The answer says where somebody is: no cache keeps it, no other site hears of it.
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Where to go from one place for one need; `by_kind` names nothing that stands before it.

    `shut`: offices are, and no place that is named is known to be open; `late` is whom to ring then.
    """

    located: Located
    council: str | None
    hub: reading.Feature | None
    for_need: list[reading.Feature]
    refused: tuple[str, ...]
    known: bool
    by_kind: list[tuple[Layer, list[reading.Feature]]]
    green: list[reading.Feature]
    phones: tuple[Contact, ...]
    shut: bool
    late: Contact | None

    @property
    def phones_below(self) -> tuple[Contact, ...]:
        """Those of them that do not stand at the top of the page already."""
        return tuple(contact for contact in self.phones if contact != self.late)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer, in words for the person, and what may have been meant, or the localities."""

    words: str
    code: int
    choices: tuple[Named, ...] = ()
    localities: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to start, and what to call it: by its postcode, where `name` is empty.

    `about` is the part of a postcode which stands for one that is not known itself; `whole`, that it is an
    area, in whose middle nobody stands; `street`, that it is a street, and only a spot in it is known.
    """

    start: Start
    name: str = ""
    about: str = ""
    whole: bool = False
    street: bool = False


@blueprint.get("/find")
def find() -> Response:
    """The question, or its answer; a postcode we do not know is said kindly, with a way on."""
    asked = read_question(request.args)
    if not asked.given:
        empty = "postcode" in request.args
        return _form(asked, Refusal(gettext("Enter a postcode, a place or a street"), 400) if empty else None)
    with context.database().reading() as cursor:
        begun = _start(cursor, asked)
        if isinstance(begun, Refusal):
            return _form(asked, begun)
        now = frame.now()
        kinds = _kinds()
        found = search(cursor, kinds, begun.start, asked.need, asked.wishes, now, viewer=context.viewer())
        if found is None:
            begun = _start_about(cursor, asked)
            if isinstance(begun, Refusal):
                return _form(asked, begun)
            found = search(cursor, kinds, begun.start, asked.need, asked.wishes, now, viewer=context.viewer())
        if found is None:
            return _form(asked, _no_such_start(cursor, asked))
        answer = _answer(cursor, found, asked, kinds, begun, now)
        sheet = _sheet(cursor, answer, asked.need, begun.whole)
    _count(answer, asked)
    page = render_template(
        "find.html",
        asked=asked,
        answer=answer,
        begun=begun,
        cards=Cards(),
        sheet=sheet,
        shown=SHOWN,
        needs=NEEDS,
        wishes=WISHES,
        need_words=NEED_WORDS.get(asked.need, ""),
        built=built_map("small"),
        ask_again=_ask_again(asked),
    )
    return make_response(page, 200, PRIVATE)


def _ask_again(asked: Asked) -> Markup:
    """The form as it was filled in: a third of the work of a page, and the same but for what was typed."""
    tag = current_language().tag
    if asked.wishes.language:
        form = _form_once(tag, known(), replace(asked, where=TYPED))
    else:
        form = _form_kept(
            tag, known(), Asked(TYPED, asked.need, None, None, "", "", asked.wishes, asked.outdoors, True)
        )
    return form.replace(TYPED, escape(asked.where))


def _form_once(_: str, __: Known | None, asked: Asked) -> Markup:
    # Kept for each language and each state of what is known, which the form says.
    ask = get_template_attribute("macros/forms.html", "ask")
    return Markup(ask(NEEDS, asked.where, asked.need, wishes=WISHES, asked=asked))  # noqa: S704 - a template's


_form_kept = lru_cache(maxsize=512)(_form_once)


def _form(asked: Asked, refusal: Refusal | None) -> Response:
    page = render_template(
        "find.html",
        asked=asked,
        answer=None,
        needs=NEEDS,
        wishes=WISHES,
        error=refusal.words if refusal and refusal.code == 400 else "",  # what else is no slip of theirs
        refusal=refusal,
    )
    return make_response(page, refusal.code if refusal else 200, PRIVATE if asked.given else {})


def _start(cursor: Cursor[Any], asked: Asked) -> Begun | Refusal:
    """Where to start from, or why there is nowhere."""
    if asked.postcodes:
        # "N1 O9JP" is hardly N10 9JP: with one too many, only what was typed itself is taken for meant.
        literal = has_one_too_many(asked.where)
        return Begun(Start(postcodes=asked.postcodes[:1] if literal else asked.postcodes))
    if asked.part_of_postcode:
        return _start_about(cursor, asked)
    if asked.where:
        return _which_postcode(cursor, asked) or _start_by_name(cursor, asked)
    if asked.near:
        named = find_start(cursor, asked.near)
        return _from(named) if named else Refusal(gettext("We no longer know that place"), 404)
    if asked.locality:
        return Begun(Start(locality=asked.locality), whole=True)
    if asked.point:
        return Begun(Start(point=asked.point))
    return Refusal(gettext("We could not read that position. Type a postcode instead"), 400)


def _start_about(cursor: Cursor[Any], asked: Asked) -> Begun | Refusal:
    """Where to start from for a postcode that is not known, or for the beginning of one."""
    which = _which_postcode(cursor, asked)
    if which and has_one_too_many(asked.where):
        return which
    for text in asked.postcodes or (asked.where,):
        about = approximate(cursor, text)
        if about:
            return Begun(Start(postcodes=(about.postcode,)), about.part, about.part)
    return which or _no_such_start(cursor, asked)


def _which_postcode(cursor: Cursor[Any], asked: Asked) -> Refusal | None:
    """What may be meant by a postcode with a character too many, for the person to say; None for nothing."""
    shorter = without_one(asked.where)
    named = find_postcodes(cursor, (*asked.postcodes, *shorter)) if shorter else []
    words = gettext("We do not know that postcode. Choose the one you mean, or type it again")
    return Refusal(words, 200, tuple(named)) if named else None


def _start_by_name(cursor: Cursor[Any], asked: Asked) -> Begun | Refusal:
    if len(asked.where) < SHORTEST_NAME:
        return Refusal(gettext("Enter a full postcode, with its last three characters"), 400)
    borough = context.borough().short_name
    named = find_starts(cursor, asked.where, CHOICES, borough)
    if not named:
        return Refusal(
            gettext(
                "We know no place of that name, and only streets in which a listed place stands. "
                "Try a postcode, or a place close by"
            ),
            404,
            localities=tuple(find_localities(cursor)),
        )
    typed = {asked.where.lower(), area_name(asked.where, borough).lower()}
    exact = [one for one in named if one.name.lower() in typed]
    if len(exact) == 1:
        return _from(exact[0])
    if len(named) == 1:
        # One place in a street is not the street.
        street = find_street(cursor, asked.where)
        return _along(street) if street else _from(named[0])
    return Refusal(
        gettext("More than one place has that name or is in that street. Choose one"), 200, tuple(named)
    )


def _from(named: Named) -> Begun:
    layer, _, key = named.id.partition("/")
    if layer == "localities":
        return Begun(Start(locality=key), whole=True)
    return Begun(Start(point=(named.longitude, named.latitude)), named.name, whole=layer == "wards")


def _along(street: Named) -> Begun:
    return Begun(Start(point=(street.longitude, street.latitude)), street.name, whole=True, street=True)


def _no_such_start(cursor: Cursor[Any], asked: Asked) -> Refusal:
    localities = tuple(find_localities(cursor))
    if asked.postcodes or asked.part_of_postcode:
        return Refusal(
            gettext(
                "We do not know that postcode. Check its last two letters, or try one close by or a street"
            ),
            404,
            localities=localities,
        )
    return Refusal(
        gettext("We do not know that locality. Type a postcode instead"), 404, localities=localities
    )


def _kinds() -> list[Layer]:
    return [layer for layer in reading.layers_of(reading.ASSETS) if layer.style.shown]


def _answer(
    cursor: Cursor[Any], found: Found, asked: Asked, kinds: list[Layer], begun: Begun, now: datetime
) -> Answer:
    hub = next(iter(found.of("hub")), None)
    told = {hub.id} if hub else set()
    choice: Choice = choose(found, asked.wishes, told, FOR_NEED)
    told.update(place.id for place in choice.places)
    by_kind = []
    for layer in kinds:
        near = [place for place in found.of(layer.id) if place.id not in told][:PER_KIND]
        if near:
            by_kind.append((layer, _features(sorted(near, key=to_ring_first), now)))
    offers = offers_at(cursor, [place.id for place in found.places if place.id in told])
    main = _features(choice.places, now, offers, asked.need)
    hubs = _features([hub] if hub else [], now, offers, asked.need)
    named = [*main, *hubs, *(one for _, ones in by_kind for one in ones)]
    if begun.whole:
        # From the middle of a locality or a ward nobody walks.
        for feature in named:
            feature.distance_m = feature.walk = None
    green = asked.outdoors or asked.need in ("", "wellbeing", "family")
    shut = offices_are_shut(now) and not any(one.opening and one.opening.is_open for one in named)
    late = _late(asked.need) if shut else None
    return Answer(
        located=found.located,
        council=context.borough().councils.get(found.district or ""),
        hub=hubs[0] if hubs else None,
        for_need=main,
        refused=choice.refused,
        known=choice.known,
        by_kind=by_kind,
        green=_features(found.green[:GREEN], now) if green else [],
        phones=_phones(asked.need),
        shut=shut,
        late=late,
    )


def _late(need: str) -> Contact | None:
    """Whom to ring out of hours, about what cannot wait until the offices open."""
    book: ContactBook = current_app.extensions["contacts"]
    wanted = context.borough().out_of_hours_contact
    if need not in ("", *CANNOT_WAIT):
        return None
    return next((contact for contact in book.contacts if contact.id == wanted), None)


def _phones(need: str) -> tuple[Contact, ...]:
    """Whom to contact about the need, but for the line that stands at the top of the page already."""
    book: ContactBook = current_app.extensions["contacts"]
    first, late = context.borough().last_resort_contact, context.borough().out_of_hours_contact
    if not need:
        return ()
    last_resort = book.last_resort
    told = [contact for contact in book.for_need(need) if contact.id != first]
    if last_resort and not any(contact.kind == "phone" for contact in told):
        told.insert(0, last_resort)  # an address alone answers nobody today
    if last_resort and not last_resort.hours and need in CANNOT_WAIT:
        told += [contact for contact in book.contacts if contact.id == late and contact not in told]
    return tuple(sorted(told, key=lambda contact: contact.kind != "phone"))


def _features(
    places: Iterable[Place], now: datetime, offers: dict[str, list[Offer]] | None = None, need: str = ""
) -> list[reading.Feature]:
    """Places as the page shows them; with `offers`, those that are told in full."""
    return [_feature(place, now, offers, need) for place in places]


def _feature(
    place: Place, now: datetime, offers: dict[str, list[Offer]] | None, need: str
) -> reading.Feature:
    full = offers is not None
    feature = reading.Feature(
        id=place.id,
        properties=place.properties,
        geometry=place.geometry,
        layers=place.layers,
        distance_m=place.distance_m,
        walk=place.walk,
        opening=place.opening,
        opened="" if place.opening.word == "unknown" else opening_words(place.opening, now),
        why=_why(place, need) if full else "",
        helps=full and _helps(place, need),
        offers=(offers or {}).get(place.id, []),
    )
    feature.key = (place.text, *place.layers, feature.opened, feature.why, feature.helps, feature.offered)
    return feature


def _helps(place: Place, need: str) -> bool:
    """Whether it is known to help; a hub is found for being one, whatever it helps with."""
    facts = place.properties
    return known_to_help(place) or any(need in (facts.get(name) or ()) for name in SUPPORT_PROPERTIES)


def _why(place: Place, need: str) -> str:
    """Why a place is named for a need: what a source says of it, what its kind is for, or the open door."""
    facts = place.properties
    if need in (facts.get("support") or ()):
        return gettext("Listed for help with %(need)s", need=NEED_WORDS[need])
    if need in (facts.get("usual_support") or ()):
        return gettext("A place of this kind usually helps with %(need)s", need=NEED_WORDS[need])
    if need and known_to_help(place):
        return gettext("A service there helps with %(need)s", need=NEED_WORDS[need])
    if facts.get("listed_under"):
        return gettext(
            "On the partnership's list “%(promise)s”: ask there whatever it is about",
            promise=context.borough().promise,
        )
    return gettext("Places of this kind are open to the public") if facts.get("open_door") else ""


def _sheet(cursor: Cursor[Any], answer: Answer, need: str, whole: bool) -> Sheet:
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
        gettext("Map of the places on this sheet"),
        marked=not whole,
    )


def _count(answer: Answer, asked: Asked) -> None:
    tally: Tally = current_app.extensions["searches"]
    outcome: Outcome = "found"
    if answer.refused:
        outcome = "without-filters"
    elif not answer.for_need and not answer.hub:
        outcome = "nothing"
    locality = answer.located.locality
    tally.add(asked.need, locality.id if locality else "", outcome)
