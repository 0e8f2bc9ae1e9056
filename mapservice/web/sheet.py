"""The answer on one sheet of paper: a few places, whom to ring, a small map and a code to scan.

The code leads to the same need in the same locality and never to a postcode: a sheet that is left lying
about, or handed on, must not say where somebody lives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import segno
from markupsafe import Markup
from psycopg import Cursor

from mapservice.maps.drawn import draw_map
from mapservice.web import context
from mapservice.web.reading import Feature

MOST_PLACES = 6
# Beside the map, in lines of its small print; a name is larger, and a place is set off from the next.
LINES = 50.0
LETTERS_IN_LINE = 46
LETTERS_IN_NAME = 34
NAME_LINE = 1.3
SPACE = 0.6
# The longest words for how far it is, and the most lines that its hours may have: see _sheet.scss.
DISTANCE_LETTERS = 60
HOURS_LINES = 4
NO_NUMBER_LETTERS = 30


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the printed page shows: numbered places, the numbers that are on the map, drawing and code."""

    places: list[tuple[int, Feature]]
    on_map: frozenset[int]
    drawing: Markup
    code: Markup
    address: str
    marked: bool


def help_sheet(
    cursor: Cursor[Any],
    you: tuple[float, float],
    features: Iterable[Feature],
    locality: str | None,
    need: str,
    label: str,
    *,
    marked: bool = True,
) -> Sheet:
    """The sheet for somebody at `you` (longitude, latitude), from the places of the answer in their order.

    Not `marked` where nobody stands there: the middle of an area.
    """
    places = list(enumerate(_fitting(_once(features)), start=1))
    layers = [layer for layer in context.catalogue() if layer.style.shown]
    known = [(number, feature.point) for number, feature in places if feature.point]
    drawn = draw_map(cursor, layers, context.viewer(), you, known, label, marked=marked)
    address = asking_address(locality, need)
    return Sheet(
        places=places,
        on_map=drawn.on_it,
        drawing=Markup(drawn.svg),  # noqa: S704 - numbers and our own words
        code=scannable(address),
        address=address,
        marked=marked,
    )


def asking_address(locality: str | None, need: str) -> str:
    """The address of the same question for a whole locality."""
    asked = urlencode({name: value for name, value in (("locality", locality), ("need", need)) if value})
    return f"{context.site()}/find{'?' if asked else ''}{asked}"


@lru_cache(maxsize=256)
def scannable(address: str) -> Markup:
    """An address as a QR code, drawn with attributes alone so that a strict policy lets it show."""
    code = segno.make(address, error="m", micro=False)
    svg = code.svg_inline(border=4, omitsize=True, svgclass="app-code-to-scan", lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn from the address as squares


def _fitting(features: list[Feature]) -> list[Feature]:
    """The first of them, as many as there is room for: what the map marks must be in the list beside it."""
    room, fitting = LINES, []
    for feature in features[:MOST_PLACES]:
        room -= _lines(feature.properties)
        if room < 0:
            break
        fitting.append(feature)
    return fitting


def _lines(facts: Mapping[str, Any]) -> float:
    """How many lines a place takes on paper, rather too many than too few."""
    about = ", ".join(filter(None, (facts.get("kind"), facts.get("address"), facts.get("postcode"))))
    contact = facts.get("phone") or facts.get("email")
    said = DISTANCE_LETTERS + (len(contact) if contact else NO_NUMBER_LETTERS)
    hours = HOURS_LINES if facts.get("opening_hours") else _wrapped(len(facts.get("opening_note") or ""))
    unsure = NO_NUMBER_LETTERS // 2 if facts.get("verified") is False else 0
    name = _wrapped(len(facts["name"]) + unsure, LETTERS_IN_NAME) * NAME_LINE
    return name + _wrapped(len(about)) + _wrapped(said) + min(hours, HOURS_LINES) + SPACE


def _wrapped(letters: int, in_line: int = LETTERS_IN_LINE) -> int:
    return max(1, math.ceil(letters / in_line))


def _once(features: Iterable[Feature]) -> list[Feature]:
    return list({feature.id: feature for feature in features}.values())
