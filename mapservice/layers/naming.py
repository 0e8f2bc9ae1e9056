"""What a layer's properties may not be called: found out when the catalogue is made, not when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

ITEMS_PARAMETERS = (
    "limit", "offset", "cursor", "sortby", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang",
    "filter-crs", "properties", "exclude-properties", "skip-geometry", "as_of", "count", "f",
)  # fmt: skip
"""The parameters of a request for features; every other name there is a property to filter by."""
GEOMETRY = "geometry"
"""The name under which filters know a feature's geometry, as GeoJSON does."""


class BadLayer(ValueError):
    """A layer that cannot be served as it is declared; the message says what to change."""


def check_names(layer_id: str, names: Iterable[str], filterable: Iterable[str]) -> None:
    """Raise BadLayer where a property's name would mean two things."""
    names = tuple(names)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadLayer(f"layer {layer_id}: two properties are called {twice[0]!r}")
    if GEOMETRY in names:
        raise BadLayer(
            f"layer {layer_id}: {GEOMETRY!r} is what filters call the geometry; rename the property"
        )
    for name in filterable:
        if name in ITEMS_PARAMETERS:
            raise BadLayer(
                f"layer {layer_id}: {name!r} is a parameter of the API, so features cannot be filtered by a "
                "property of that name; rename it, or declare it with filterable=False"
            )
