"""What compiling shares: a piece of SQL with its type, bound parameters, and properties by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from mapservice.layers.cql2.nodes import FilterError, PropertyRef
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import suggest
from mapservice.layers.queryables import GEOMETRY, queryables

Family = OneOf[
    "text", "a number", "a truth value", "a date or time", "a list", "a geometry", "an interval", "an object"
]

_FAMILIES: dict[str, Family] = {
    "string": "text",
    "integer": "a number",
    "number": "a number",
    "boolean": "a truth value",
    "date": "a date or time",
    "date-time": "a date or time",
    "array": "a list",
    "object": "an object",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """SQL and what it yields. `exact`: a number of type numeric, which never overflows."""

    sql: str
    family: Family
    kind: str
    exact: bool = False


class Scope:
    """The layer a filter is about, and the parameters bound so far."""

    def __init__(self, layer: Layer, srid: int, latitude_first: bool) -> None:
        self.layer = layer
        self.srid = srid
        self.latitude_first = latitude_first
        self.parameters: list[tuple[str, str | int | float | bool]] = []

    def bind(self, value: str | int | float | bool, sql_type: str) -> str:
        """A placeholder for a value."""
        name = f"q_{len(self.parameters)}"
        self.parameters.append((name, value))
        return f"%({name})s::{sql_type}"

    def find(self, ref: PropertyRef) -> Property:
        """The property, or a complaint that names the nearest there is."""
        known = queryables(self.layer)
        prop = known.get(ref.name)
        if prop is None:
            shown = ref.name[:40]
            if self.layer.find_property(ref.name):
                raise FilterError(ref.at, f"the property {shown!r} cannot be filtered by")
            hint = suggest(ref.name[:80], (*known, GEOMETRY))
            if not ref.name.isidentifier():
                hint = hint or "text stands in single quotes, names in double quotes"
            raise FilterError(ref.at, f"there is no property {shown!r}", hint)
        return prop

    def property(self, ref: PropertyRef) -> Typed:
        """A property as SQL."""
        if ref.name == GEOMETRY and ref.name not in queryables(self.layer):
            column = self.layer.geometries[self.layer.storage_srid]
            return Typed(f"f.{column}", "a geometry", "geometry")
        prop = self.find(ref)
        return Typed(f"({prop.sql})" if prop.expression else prop.sql, _FAMILIES[prop.type], prop.type)


def array_text(values: list[str]) -> str:
    """An array as PostgreSQL reads it, to be bound: one parameter however many values."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
