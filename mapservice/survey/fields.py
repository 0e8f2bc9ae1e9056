"""The fields of a space that people change in a form: of what kind each is, and what may be written in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from mapservice.register.vocabulary import GREEN_SPACE_ACCESS, LAND_NOW, OWNER_KINDS
from mapservice.saying import english
from mapservice.sources.green_spaces import LARGEST_AREA_HA, TYPES
from mapservice.survey.spaces import Unfit, clean_words

LONGEST_LINE, LONGEST_TEXT = 200, 5000
DEAREST_GBP = 1_000_000_000
TITLE_NUMBER = re.compile(r"[A-Z]{0,4}[0-9]{1,8}", re.ASCII)
NOT_ONE = english("Choose one of these")
NOT_A_DAY = english("Enter a date, as in 2026-05-31")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form. `public` is whether everybody reads it once the space is published."""

    name: str
    kind: Literal["line", "text", "choice", "number", "day"]
    choices: tuple[str, ...] = ()
    required: bool = False
    public: bool = True


FIELDS = {
    field.name: field
    for field in (
        Field("name", "line"),
        Field("type", "choice", TYPES, required=True),
        Field("access", "choice", tuple(GREEN_SPACE_ACCESS), required=True),
        Field("access_note", "text"),
        Field("address", "line"),
        Field("postcode", "line"),
        Field("current_use", "choice", tuple(LAND_NOW)),
        Field("opportunity", "text"),
        Field("owner_kind", "choice", tuple(OWNER_KINDS)),
        Field("owner_note", "text", public=False),
        Field("title_number", "line", public=False),
        Field("safety_note", "text", public=False),
        Field("area_stated_ha", "number"),
        Field("cost_gbp", "number"),
        Field("confirmed_on", "day"),
        Field("opened_on", "day"),
        Field("note", "text"),
    )
}


def fields_for(values: Mapping[str, Any]) -> list[Field]:
    """The fields that a space as it is has a use for."""
    existing = values["status"] == "existing"
    return [field for field in FIELDS.values() if existing or field.name != "opened_on"]


def as_typed(value: Any) -> str:
    """A value as it stands in the form."""
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def read_value(field: Field, typed: str, known: tuple[Any, ...] = ()) -> Any:
    """The value that somebody typed, as JSON has it; raises Unfit.

    `known` are values that are there already: a word of another source stays what it is.
    """
    words = clean_words(
        typed, LONGEST_TEXT if field.kind == "text" else LONGEST_LINE, lines=field.kind == "text"
    )
    if not words:
        if field.required:
            raise Unfit(NOT_ONE)
        return None
    match field.kind:
        case "choice":
            if words not in field.choices and words not in known:
                raise Unfit(NOT_ONE)
        case "number":
            return _number(field.name, words)
        case "day":
            return _day(words)
    if field.name == "title_number":
        words = words.upper().replace(" ", "")
        if not TITLE_NUMBER.fullmatch(words):
            raise Unfit(english("Enter a title number, as in NGL123456"))
    return words.upper() if field.name == "postcode" else words


def _number(name: str, words: str) -> int | float:
    plain = words.replace(",", "").replace("£", "").strip()
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if name == "cost_gbp":
        if not 0 <= number <= DEAREST_GBP or number != int(number):
            raise Unfit(english("Enter whole pounds, as in 45000"))
        return int(number)
    if not 0 < number <= LARGEST_AREA_HA:
        raise Unfit(english("Enter hectares, as in 0.25"))
    # A whole number is one in the register's JSON as well.
    return int(number) if number == int(number) else number


def _day(words: str) -> str:
    try:
        day = date.fromisoformat(words)
    except ValueError:
        raise Unfit(NOT_A_DAY) from None
    if day > date.today():
        raise Unfit(english("Enter a day that is not still to come"))
    return day.isoformat()
