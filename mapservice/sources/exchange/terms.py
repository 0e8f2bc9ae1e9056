"""What others call green spaces, in the register's words. What a source does not say is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mapservice.sources.green_spaces import ACCESS, STATUSES, TYPES


@dataclass(frozen=True, slots=True)
class Meaning:
    """Type, access and status of a green space in the register's words."""

    type: str
    access: str = "unknown"
    status: str = "existing"


_OS_FUNCTIONS = {
    "public park or garden": Meaning("park-or-garden", "open-to-all"),
    "play space": Meaning("play-space"),
    "playing field": Meaning("playing-field"),
    "other sports facility": Meaning("sports-facility"),
    "bowling green": Meaning("sports-facility"),
    "tennis court": Meaning("sports-facility"),
    "golf course": Meaning("sports-facility"),
    "allotments or community growing spaces": Meaning("allotments"),
    "cemetery": Meaning("burial-ground"),
    "religious grounds": Meaning("churchyard"),
}
_OSM_TAGS = {
    ("leisure", "park"): "park-or-garden",
    ("leisure", "garden"): "park-or-garden",
    ("leisure", "common"): "amenity-green-space",
    ("leisure", "nature_reserve"): "natural-green-space",
    ("leisure", "playground"): "play-space",
    ("leisure", "pitch"): "sports-facility",
    ("landuse", "recreation_ground"): "amenity-green-space",
    ("landuse", "village_green"): "amenity-green-space",
    ("landuse", "allotments"): "allotments",
    ("landuse", "cemetery"): "burial-ground",
    ("landuse", "churchyard"): "churchyard",
}
_OSM_ACCESS = {
    **dict.fromkeys(("yes", "public", "permissive"), "open-to-all"),
    **dict.fromkeys(("private", "customers", "members", "residents"), "members-or-residents"),
    "no": "no-access",
}
_WORDS = (
    ("park", "park-or-garden"),
    ("garden", "park-or-garden"),
    ("nature", "natural-green-space"),
    ("wood", "natural-green-space"),
    ("play", "play-space"),
    ("sport", "sports-facility"),
    ("allotment", "allotments"),
    ("cemeter", "burial-ground"),
    ("churchyard", "churchyard"),
)


def _os(cells: Mapping[str, str]) -> Meaning | None:
    return _OS_FUNCTIONS.get(cells.get("function", "").lower(), Meaning("unknown"))


def _osm(cells: Mapping[str, str]) -> Meaning | None:
    tags = {**cells, **dict(re.findall(r'"([^"]+)"=>"([^"]*)"', cells.get("othertags", "")))}
    for (key, value), type_ in _OSM_TAGS.items():
        if tags.get(key) == value:
            return Meaning(type_, _OSM_ACCESS.get(tags.get("access", ""), "unknown"))
    return None


def _gigl(cells: Mapping[str, str]) -> Meaning | None:
    kind = next((cells[c] for c in ("type", "primaryuse", "typology", "category") if c in cells), "").lower()
    access = next((cells[c] for c in ("access", "accessibility", "accesstype") if c in cells), "").lower()
    open_to_all = bool(re.search(r"\b(free|freely|open|unrestricted)\b", access))
    restricted = "restrict" in access and "unrestrict" not in access
    return Meaning(
        next((type_ for word, type_ in _WORDS if word in kind), "unknown"),
        "restricted-hours" if restricted else "open-to-all" if open_to_all else "unknown",
    )


def _drawn(cells: Mapping[str, str]) -> Meaning | None:
    def one_of(column: str, known: tuple[str, ...], other: str) -> str:
        value = cells.get(column, "").lower().replace(" ", "-")
        return value if value in known else other

    return Meaning(
        one_of("type", TYPES, "unknown"),
        one_of("access", ACCESS, "unknown"),
        one_of("status", STATUSES, "existing"),
    )


MEANINGS: Mapping[str, Callable[[Mapping[str, str]], Meaning | None]] = {
    "os-open-greenspace": _os,
    "osm-green-spaces": _osm,
    "gigl-spaces-to-visit": _gigl,
    "drawn-green-spaces": _drawn,
}
