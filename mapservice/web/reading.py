"""What pages read: features of the catalogue's layers as values that templates can show."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import Cursor

from mapservice.finder.nearest import find_nearest
from mapservice.layers.features import read_feature, read_page
from mapservice.layers.layer import Layer
from mapservice.layers.paging import Cursor as PageCursor
from mapservice.layers.query import FeatureQuery
from mapservice.network.walking import Walk
from mapservice.register.opening_hours import Opening
from mapservice.services.offers import Offer
from mapservice.web.context import catalogue, site, viewer

ASSETS = "/assets/"
GREEN_SPACES = "/green-spaces/"
OFFERS_SAID = 3


@dataclass(slots=True)
class Feature:
    """One feature as a page shows it; ``layers`` are the ids of the layers it was found in.

    An answer to a question adds how far the walk is, whether it is open (and in words), why it is named,
    whether it is known to help with the need, and what it offers; and a `key`: what is said of two places is
    the same where that is, but for how far they are.
    """

    id: str
    properties: dict[str, Any]
    geometry: dict[str, Any] | None
    layers: list[str] = field(default_factory=list)
    distance_m: float | None = None
    walk: Walk | None = None
    opening: Opening | None = None
    opened: str = ""
    why: str = ""
    helps: bool = False
    offers: list[Offer] = field(default_factory=list)
    key: tuple[Hashable, ...] = ()

    @property
    def offered(self) -> tuple[tuple[str, tuple[str, ...], str | None], ...]:
        """What an answer says of the first of the offers: name, sessions in words, cost."""
        return tuple((offer.name, tuple(offer.sessions), offer.cost) for offer in self.offers[:OFFERS_SAID])

    @property
    def point(self) -> tuple[float, float] | None:
        """Longitude and latitude of a point feature; None for an outline or no position."""
        if self.geometry and self.geometry["type"] == "Point":
            longitude, latitude = self.geometry["coordinates"][:2]
            return longitude, latitude
        return None


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Some features of a layer, how many there are in all (None: very many), and the cursor for the rest."""

    features: list[Feature]
    matched: int | None
    next: PageCursor | None


def layers_of(page: str) -> list[Layer]:
    """The layers whose features have their page under a path: the ones that speak for a kind come first.

    A layer that is not shown at first on the map is a catch-all, or secondary, and comes last.
    """
    found = [layer for layer in catalogue() if layer.page == page]
    return sorted(found, key=lambda layer: not layer.style.shown)


def parse(text: str | bytes, layer: Layer, distance_m: float | None = None) -> Feature:
    """A feature from the GeoJSON text the database gave."""
    raw = orjson.loads(text)
    return Feature(str(raw["id"]), raw["properties"], raw["geometry"], [layer.id], distance_m)


def one_feature(cursor: Cursor[Any], page: str, feature_id: str) -> Feature | None:
    """The feature that has its page under a path, with every layer it is in; None if there is none."""
    if "\x00" in feature_id:  # no text of the database can hold one
        return None
    merged: Feature | None = None
    for layer in layers_of(page):
        row = read_feature(cursor, layer, feature_id, FeatureQuery(), site(), viewer())
        if row is None:
            continue
        found = parse(row.feature, layer)
        if merged is None:
            merged = found
        else:
            merged.layers.append(layer.id)
            merged.properties = {**found.properties, **merged.properties}
    return merged


def feature_page(cursor: Cursor[Any], layer: Layer, query: FeatureQuery) -> FeaturePage:
    """One page of a layer's features."""
    page = read_page(cursor, layer, query, site(), viewer())
    features = [
        Feature(str(raw["id"]), raw["properties"], raw["geometry"], [layer.id])
        for raw in orjson.loads(b"[%b]" % page.features)
    ]
    return FeaturePage(features, page.matched, page.next)


def localities(cursor: Cursor[Any]) -> list[Feature]:
    """The localities, in their order."""
    layer = catalogue().get("localities")
    return feature_page(cursor, layer, FeatureQuery(limit=100)).features if layer else []


def nearest(
    cursor: Cursor[Any],
    layers: Iterable[Layer],
    point: tuple[float, float],
    limit: int,
    need: str | None = None,
) -> list[Feature]:
    """The nearest features of some layers to (longitude, latitude), each with its straight-line distance."""
    found: dict[str, Feature] = {}
    for layer in layers:
        for near in find_nearest(cursor, [layer], point, limit, site(), need, viewer()):
            feature = parse(near.feature, layer, near.distance_m)
            if feature.id in found:
                found[feature.id].layers.append(layer.id)
            else:
                found[feature.id] = feature
    return sorted(found.values(), key=lambda feature: (feature.distance_m or 0.0, feature.id))[:limit]
