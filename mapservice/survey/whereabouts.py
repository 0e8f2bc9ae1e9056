"""Where somebody says a space is, in words: a postcode, place or street, a grid reference, or two degrees."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from convertbng.cutil import convert_lonlat
from psycopg import Cursor

from mapservice.finder.locate import locate_postcode, on_grid
from mapservice.finder.names import find_starts, find_street
from mapservice.saying import Said, english

_LETTERS = re.compile(r"([HJNOST])([A-HJ-Z])((?:\d\d){1,5})", re.ASCII)
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_APART = re.compile(r"[\s,;/]+")
LONGEST = 100
SQUARE_M = 100_000
# So far a home may be from the middle of its postcode, and a space beside it a little farther.
POSTCODE_M = 100
# Nobody can say better of a street.
STREET_M = 500
SHORTEST = 4
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A point, how far off it may be, and the postcode it was found by, if it was.

    `said` is what can be said of it honestly where it was found by a name.
    """

    longitude: float
    latitude: float
    within_m: float
    postcode: str | None = None
    said: Said | None = None


def find(cursor: Cursor[Any], typed: str) -> Whereabouts | None:
    """The spot that some words name, or None where they name none that is known."""
    found = read_reference(typed)
    if found is None and (located := locate_postcode(cursor, typed[:LONGEST])):
        return Whereabouts(located.longitude, located.latitude, POSTCODE_M, located.postcode)
    return found or _by_name(cursor, " ".join(typed[:LONGEST].replace("\x00", "").split()))


def _by_name(cursor: Cursor[Any], name: str) -> Whereabouts | None:
    """The one place of that very name, or else a spot in the street of it. A ward or locality is no spot."""
    if len(name) < SHORTEST:
        return None
    named = [each for each in find_starts(cursor, name, MOST_NAMED) if each.name.lower() == name.lower()]
    places = [each for each in named if each.id.startswith(("assets/", "green-spaces/"))]
    if len(places) == 1:
        (place,) = places
        said = english("Near %(place)s", place=place.name)
        return Whereabouts(place.longitude, place.latitude, POSTCODE_M, said=said)
    street = None if named else find_street(cursor, name)
    if street is None:
        return None
    said = english("Somewhere along %(street)s", street=street.name)
    return Whereabouts(street.longitude, street.latitude, STREET_M, said=said)


def read_reference(typed: str) -> Whereabouts | None:
    """The spot of a grid reference (``TQ 31 83``, ``531200 183400``) or of two degrees in either order."""
    words = typed.strip().upper()[:LONGEST]
    match = _LETTERS.fullmatch(re.sub(r"[\s,.]", "", words))
    if match:
        return _by_letters(*match.groups())
    parts = [part for part in _APART.split(words.replace("°", " ")) if part]
    if len(parts) != 2 or not all(_NUMBERS.fullmatch(part) for part in parts):
        return None
    first, second = map(float, parts)
    if first >= 1000 and second >= 1000:
        return _on_grid(first, second, 1)
    for longitude, latitude in ((first, second), (second, first)):
        if on_grid(longitude, latitude):
            return Whereabouts(longitude, latitude, 1)
    return None


def _by_letters(large: str, small: str, digits: str) -> Whereabouts | None:
    """The middle of the square that a reference with letters names: the more figures, the smaller it is."""
    column, row = _square(large)
    east, north = column * 5 - 10, row * 5 - 5
    column, row = _square(small)
    half = len(digits) // 2
    side = SQUARE_M / 10**half
    easting = (east + column) * SQUARE_M + int(digits[:half]) * side + side / 2
    northing = (north + row) * SQUARE_M + int(digits[half:]) * side + side / 2
    return _on_grid(easting, northing, side / 2)


def _square(letter: str) -> tuple[int, int]:
    """Column and row (from the bottom) of a letter in the five by five that leaves out I."""
    number = ord(letter) - ord("A") - (letter > "I")
    return number % 5, 4 - number // 5


def _on_grid(easting: float, northing: float, within_m: float) -> Whereabouts | None:
    if not (0 <= easting < 700_000 and 0 <= northing < 1_300_000):
        return None
    longitudes, latitudes = convert_lonlat([easting], [northing])
    longitude, latitude = float(longitudes[0]), float(latitudes[0])
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        return None
    return Whereabouts(longitude, latitude, within_m)
