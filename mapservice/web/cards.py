"""The places of an answer as it shows them: what is known of each, around how far it is from here.

What is known is the same for whoever asks, and is rendered once; how far it is differs with every postcode.
So a card is kept in pieces, with a hole between them, under all that it shows: the very text that the
database gave of the place, so that a place that changes is another card at once.
"""

from __future__ import annotations

from collections.abc import Hashable

from flask import current_app, get_template_attribute
from markupsafe import Markup

from mapservice.layers.layer import Layer
from mapservice.web.contacts import ContactBook
from mapservice.web.keeping import Store, where
from mapservice.web.reading import Feature
from mapservice.web.words import distance_words

HOLE = Markup("\ue001")
"""Stands where the distance goes; nobody writes it."""
PLACES = "macros/places.html"
SHEET = "macros/sheet.html"


class Cards:
    """The cards of one page. Its features have a `key`: what is known of two is the same where that is."""

    def __init__(self) -> None:
        self._store: Store = current_app.jinja_env.kept_parts  # type: ignore[attr-defined]
        book: ContactBook = current_app.extensions["contacts"]
        last_resort = book.last_resort
        # Told where no number of a place is known.
        self._shared = (*where(), last_resort and (last_resort.name, last_resort.value))

    def place(
        self,
        feature: Feature,
        heading: str = "h3",
        number: int = 0,
        *,
        first: bool = False,
        extra: bool = False,
        full: bool = False,
    ) -> Markup:
        """A place in a list."""
        return self._card(
            PLACES, "place_item", feature, self._far(feature), heading, number, first, extra, full
        )

    def green(self, feature: Feature, heading: str = "h3") -> Markup:
        """A green space in a list."""
        return self._card(PLACES, "green_item", feature, self._far(feature), heading)

    def on_fold(self, nearest: Feature, layer: Layer | None, title: str = "") -> Markup:
        """What stands on the fold over places of one kind."""
        far = distance_words(nearest.distance_m)
        key = (PLACES, "on_fold", nearest.key, layer.id if layer else "", title, bool(far))
        return self._filled(key, far, (nearest, layer, title))

    def on_sheet(self, feature: Feature, number: int, on_map: bool) -> Markup:
        """A place on the sheet of paper."""
        return self._card(SHEET, "place_on_sheet", feature, self._far(feature), number, on_map)

    def _far(self, feature: Feature) -> str:
        """How far it is, in words and their markup; empty where that is not known."""
        if feature.distance_m is None:
            return ""
        metres, walk = distance_words(feature.distance_m), feature.walk
        minutes, on_foot = (walk.minutes, walk.is_path) if walk else (None, False)
        key = (*self._shared, "distance", metres, minutes, on_foot)
        line: Markup | None = self._store.get(key)
        if line is None:
            line = get_template_attribute(PLACES, "distance_line")(metres, minutes, on_foot)
            self._store.put(key, line)
        return line or ""

    def _card(self, template: str, macro: str, feature: Feature, far: str, *given: Hashable) -> Markup:
        on_foot = feature.walk is not None and feature.walk.is_path
        return self._filled((template, macro, feature.key, on_foot, bool(far), given), far, (feature, *given))

    def _filled(self, key: tuple[Hashable, ...], far: str, given: tuple[object, ...]) -> Markup:
        """A macro's text with how far it is in its hole."""
        pieces: list[str] | None = self._store.get((*self._shared, key))
        if pieces is None:
            macro = get_template_attribute(str(key[0]), str(key[1]))
            pieces = str(macro(*given, far=HOLE if far else "")).split(HOLE)
            if len(pieces) > 2:  # somebody did write it
                return Markup(macro(*given, far=far))  # noqa: S704 - a template's, with all values escaped
            self._store.put((*self._shared, key), pieces)
        # As mere text: it is markup already, and would be escaped a second time.
        return Markup(str(far).join(pieces))  # noqa: S704 - the same, and `far` is a template's as well
