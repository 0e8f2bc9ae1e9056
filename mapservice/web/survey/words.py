"""Fields of a space and what stands in them, as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask

from mapservice.register.opening_hours import LONDON
from mapservice.register.vocabulary import GREEN_SPACE_ACCESS, LAND_NOW, OWNER_KINDS
from mapservice.survey.fields import as_typed
from mapservice.survey.spaces import Refused
from mapservice.survey.submitting import CHANGED
from mapservice.web.languages import gettext, lazy_gettext
from mapservice.web.words import STAGES, access_words, day_words, in_words, words

FIELD_WORDS = {
    "name": lazy_gettext("Name"),
    "type": lazy_gettext("Type"),
    "access": lazy_gettext("Who may go in"),
    "access_note": lazy_gettext("Going in, in words"),
    "address": lazy_gettext("Address"),
    "postcode": lazy_gettext("Postcode"),
    "current_use": lazy_gettext("What is there now"),
    "opportunity": lazy_gettext("Why it could be good"),
    "owner_kind": lazy_gettext("Kind of owner"),
    "owner_note": lazy_gettext("The owner, in words"),
    "title_number": lazy_gettext("Title number"),
    "safety_note": lazy_gettext("Safety"),
    "area_stated_ha": lazy_gettext("Size stated, in hectares"),
    "cost_gbp": lazy_gettext("Cost of opening it, in pounds"),
    "confirmed_on": lazy_gettext("Last confirmed on"),
    "opened_on": lazy_gettext("Opened on"),
    "note": lazy_gettext("Note"),
    "status": lazy_gettext("Existing or potential"),
    "stage": lazy_gettext("Stage"),
    "stage_reason": lazy_gettext("Reason"),
    "visibility": lazy_gettext("Who sees it"),
    "due_on": lazy_gettext("Due on"),
    "geom": lazy_gettext("Outline"),
    "position": lazy_gettext("Whether the outline is known"),
    "verified": lazy_gettext("Verified"),
    "verified_fields": lazy_gettext("What was verified"),
    "source_id": lazy_gettext("Source"),
    "as_of": lazy_gettext("As of"),
    "demonstration": lazy_gettext("Made up as an example"),
    "id": lazy_gettext("Id"),
    "changed": lazy_gettext("What has changed"),
    "place": lazy_gettext("Where, as it was given"),
    "step_free": lazy_gettext("Step-free way in"),
    "entrances": lazy_gettext("Entrances"),
}
VISIBILITY = {
    "public": lazy_gettext("Everybody"),
    "network": lazy_gettext("The network"),
    "council": lazy_gettext("The council"),
}
HINTS = {
    "owner_note": lazy_gettext("Only the network reads this. Name no private person."),
    "title_number": lazy_gettext("From HM Land Registry. Only the network reads this."),
    "safety_note": lazy_gettext("Only the network reads this."),
}


def field_words(name: str) -> str:
    """What a column of a space or an entrance is called."""
    found = FIELD_WORDS.get(name)
    return words(name) if found is None else str(found)


def value_words(value: Any, name: str) -> str:
    """What stands in a field, in words; "" for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    match name:
        case "stage":
            return str(STAGES.get(value, value))
        case "access":
            return access_words(value)
        case "current_use" | "owner_kind":
            said = (LAND_NOW | OWNER_KINDS).get(value)
            return gettext(said) if said else str(value)
        case "changed":
            return gettext(CHANGED[value]) if value in CHANGED else str(value)
        case "visibility":
            return str(VISIBILITY.get(value, value))
        case "type" | "status" | "position":
            return words(value)
        case "confirmed_on" | "opened_on" | "due_on":
            return day_words(value)
    return as_typed(value)


def moment_words(moment: datetime) -> str:
    """A moment as day and time on the clocks here: ``31 May 2026, 14:05``."""
    here = moment.astimezone(LONDON)
    return f"{day_words(here.date())}, {here:%H:%M}"


def mistakes_words(refused: Refused) -> dict[str, str]:
    """What was refused, in the language of the page: why, by field."""
    return {field: in_words(reason) for field, reason in refused.mistakes}


def choice_words(name: str, value: str) -> str:
    """A choice as a form offers it."""
    return gettext(GREEN_SPACE_ACCESS[value]) if name == "access" else value_words(value, name)


def init_words(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.filters.update(field=field_words, said=value_words, moment=moment_words, in_words=in_words)
