"""The nearest features of some layers, whatever the distance: never empty for want of a radius."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Cursor

from mapservice.layers.features import Near, read_nearest
from mapservice.layers.layer import Layer, Property
from mapservice.layers.visibility import ANONYMOUS, Viewer

# A source's own word about a place, and what places of its kind exist for.
SUPPORT_PROPERTIES = ("support", "usual_support")


def find_nearest(
    cursor: Cursor[Any],
    layers: Iterable[Layer],
    point: tuple[float, float],
    limit: int,
    site: str,
    need: str | None = None,
    viewer: Viewer = ANONYMOUS,
) -> list[Near]:
    """Features of the layers in order of distance from a point (longitude, latitude), each feature once.

    With `need` (a dimension of support), only features that offer it; layers that cannot say are left out.
    """
    found: dict[str, Near] = {}
    for layer in layers:
        offering = _offering(layer, need) if need else ()
        if need and not offering:
            continue
        for near in read_nearest(cursor, layer, point, limit, site, viewer, any_of=offering):
            found.setdefault(f"{layer.page or layer.id}{near.id}", near)
    return sorted(found.values(), key=lambda near: (near.distance_m, near.id))[:limit]


def supports_needs(layer: Layer) -> bool:
    """Whether the layer's features say what they help with."""
    return any(layer.find_property(name) for name in SUPPORT_PROPERTIES)


def _offering(layer: Layer, need: str) -> tuple[tuple[Property, str], ...]:
    properties = (layer.find_property(name) for name in SUPPORT_PROPERTIES)
    return tuple((prop, need) for prop in properties if prop)
