"""The question a resident asks, as it came in: where, what about, and with which wishes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from mapservice.finder.locate import on_grid
from mapservice.finder.search import Wishes
from mapservice.register.postcodes import postcodes_within
from mapservice.web.languages import lazy_gettext

NEEDS = (
    ("work", lazy_gettext("Work"), lazy_gettext("jobs, training, volunteering")),
    ("money", lazy_gettext("Money"), lazy_gettext("bills, benefits, debt")),
    ("food", lazy_gettext("Food"), lazy_gettext("nothing to eat, food for the week")),
    ("home", lazy_gettext("Home"), lazy_gettext("rent, repairs, heating, nowhere to stay")),
    ("family", lazy_gettext("Family"), lazy_gettext("children, caring, relationships")),
    ("wellbeing", lazy_gettext("Wellbeing"), lazy_gettext("health, feeling low, lonely")),
    ("", lazy_gettext("I am not sure"), ""),
)
# As in "help with …".
NEED_WORDS = {
    "work": lazy_gettext("work"),
    "money": lazy_gettext("money"),
    "food": lazy_gettext("food"),
    "home": lazy_gettext("your home"),
    "family": lazy_gettext("your family"),
    "wellbeing": lazy_gettext("your wellbeing"),
}
# name of the form's field: (its label, "none of the places near you is known to …")
WISHES = {
    "open": (lazy_gettext("Open now"), lazy_gettext("be open now")),
    "step_free": (lazy_gettext("A way in without steps"), lazy_gettext("have a way in without steps")),
    "children": (lazy_gettext("For children and families"), lazy_gettext("be for children and families")),
    "outdoors": (lazy_gettext("Outdoors: parks and gardens too"), ""),
}
LONGEST = 80
SHORTEST_NAME = 3
# Begins as a postcode does and stops short: N1, EC1V, N19 5.
PART_OF_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?\s*([0-9][A-Z]?)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked. `where` is as typed: a postcode, or the name of a place or a street."""

    where: str
    need: str
    longitude: float | None
    latitude: float | None
    locality: str
    near: str
    wishes: Wishes
    outdoors: bool
    given: bool

    @property
    def postcode(self) -> str:
        """What stands in the field for it."""
        return self.where

    @property
    def postcodes(self) -> tuple[str, ...]:
        """The postcodes it may stand for, the most literal first; none where it holds none."""
        return postcodes_within(self.where)

    @property
    def part_of_postcode(self) -> bool:
        return PART_OF_POSTCODE.fullmatch(self.where) is not None

    @property
    def point(self) -> tuple[float, float] | None:
        """Longitude and latitude, where both were given and lie in reach."""
        if self.longitude is None or self.latitude is None:
            return None
        return (self.longitude, self.latitude) if on_grid(self.longitude, self.latitude) else None

    def chosen(self, name: str) -> bool:
        """Whether a wish was made, by the name of its field."""
        return self.outdoors if name == "outdoors" else name in self.wishes.made

    def again(self, **changes: str) -> str:
        """The address of the same question, changed: a field with an empty value is left out."""
        fields = {
            "postcode": self.where,
            "locality": self.locality,
            "near": self.near,
            "lon": "" if self.longitude is None else f"{self.longitude:.5f}",
            "lat": "" if self.latitude is None else f"{self.latitude:.5f}",
            "need": self.need,
            **{name: "1" for name in WISHES if self.chosen(name)},
            "language": self.wishes.language,
        }
        return "/find?" + urlencode({name: value for name, value in (fields | changes).items() if value})

    def choosing(self, named: str) -> str:
        """The address of the same question from one that was offered, such as `postcodes/N1 9JP`."""
        kind, _, key = named.partition("/")
        field = {"localities": "locality", "postcodes": "postcode"}.get(kind, "near")
        start = dict.fromkeys(("postcode", "locality", "near"), "")
        return self.again(**{**start, field: named if field == "near" else key})


def read_question(arguments: MultiDict[str, str]) -> Asked:
    """The question in the fields of a form or an address; what makes no sense is as if not given."""
    where = _words(arguments.get("postcode", ""), LONGEST)
    need = arguments.get("need", "")
    lon, lat = arguments.get("lon"), arguments.get("lat")
    locality = _words(arguments.get("locality", ""), LONGEST)
    near = _words(arguments.get("near", ""), LONGEST)
    return Asked(
        where=where,
        need=need if need in NEED_WORDS else "",
        longitude=_number(lon),
        latitude=_number(lat),
        locality=locality,
        near=near,
        wishes=Wishes(
            open=_ticked(arguments, "open"),
            step_free=_ticked(arguments, "step_free"),
            children=_ticked(arguments, "children"),
            language=_words(arguments.get("language", ""), 20),
        ),
        outdoors=_ticked(arguments, "outdoors"),
        given=bool(where or lon or lat or locality or near),
    )


def _words(text: str, most: int) -> str:
    return " ".join(text.replace("\x00", "").split())[:most]


def _ticked(arguments: MultiDict[str, str], name: str) -> bool:
    return arguments.get(name, "") in ("1", "on", "yes", "true")


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is None or math.isfinite(number) else None
