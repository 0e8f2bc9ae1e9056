"""What a layer can be filtered by: its filterable properties, the id and the geometry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from mapservice.layers.layer import Layer, Property
from mapservice.layers.naming import GEOMETRY

__all__ = ["GEOMETRY", "queryables"]


@lru_cache(maxsize=1024)
def queryables(layer: Layer) -> Mapping[str, Property]:
    """The properties by name that a filter may use, the id first; the geometry is not among them."""
    own = {prop.name: prop for prop in layer.filterable if prop.type != "object"}
    return MappingProxyType({**({} if "id" in own else {"id": _id(layer)}), **own})


def _id(layer: Layer) -> Property:
    return Property(
        "id",
        "string" if layer.id_type == "text" else "integer",
        "Id",
        "The feature's id, the same in every layer the feature is in.",
        expression=f"f.{layer.id_column}",
    )
