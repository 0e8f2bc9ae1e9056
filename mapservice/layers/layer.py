"""What a layer is: one value from which every surface (API, schema, maps, downloads) is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from mapservice.layers.naming import check_names

PropertyType = Literal["string", "integer", "number", "boolean", "date", "date-time", "array", "object"]
GeometryKind = Literal["point", "polygon", "mixed"]
Symbol = Literal["circle", "square", "diamond", "hexagon", "triangle", "area", "outline"]
Visibility = Literal["public", "network", "council"]

REGISTER_GEOMETRIES: Mapping[int, str] = MappingProxyType(
    {27700: "geom", 4326: "geom_4326", 3857: "geom_3857"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """One attribute of a layer's features.

    `expression` is SQL over the relation's alias `f`; without it the column of the same name is read. It may
    use the parameter `%(site)s`, the address of this service, and nothing else that comes from outside.
    `check` is for text that has a syntax of its own: it raises ValueError with what is wrong.
    """

    name: str
    type: PropertyType
    title: str
    description: str = ""
    unit: str | None = None
    values: tuple[str, ...] = ()
    expression: str | None = None
    filterable: bool = True
    sortable: bool = True
    check: Callable[[str], object] | None = None

    @property
    def sql(self) -> str:
        return self.expression or f'f."{self.name}"'


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer looks: `colour` is #rrggbb; a point is a `symbol` with a `letter`, never colour alone."""

    colour: str
    symbol: Symbol
    letter: str = ""
    dashed: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Editable:
    """How a layer's features are changed: which table's columns its `properties` are, name for name.

    `defaults` are SQL constants for columns that a new feature need not give. The positions are the values of
    the column `position` that go with a point or an outline, the first being the one assumed. `derived` names
    properties that are published from elsewhere where the table says nothing.
    """

    table: str
    properties: tuple[str, ...]
    required: tuple[str, ...]
    defaults: Mapping[str, str]
    positions_of_points: tuple[str, ...] = ()
    positions_of_outlines: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A published set of features.

    `relation` is a table or view; `where` a constant SQL condition over its alias `f`. `geometries` maps the
    SRIDs that are stored to their columns, the truth (`storage_srid`) among them. `time` names the column, or
    the first and last column, that the `datetime` parameter asks for. `tracked` says that the database counts
    the relation's versions and keeps its history. `brief` names the properties that tell features apart at a
    glance, all that a map of a small scale needs. Where a place may be unknown, features have no geometry.
    """

    id: str
    title: str
    description: str
    relation: str
    geometry_kind: GeometryKind
    properties: tuple[Property, ...]
    style: Style
    where: str | None = None
    id_column: str = "id"
    id_type: Literal["text", "bigint"] = "text"
    name_property: str = "name"
    brief: tuple[str, ...] = ("name",)
    geometries: Mapping[int, str] = field(default_factory=lambda: REGISTER_GEOMETRIES)
    storage_srid: int = 27700
    place_may_be_unknown: bool = False
    time: tuple[str, str] | None = None
    visibility: Visibility = "public"
    visibility_column: str | None = "visibility"
    tracked: bool = False
    editable: Editable | None = None
    page: str | None = None
    licence: str = "not stated"
    licence_url: str | None = None
    attribution: str = ""
    keywords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_names(self.id, (p.name for p in self.properties), (p.name for p in self.filterable))

    def find_property(self, name: str) -> Property | None:
        """The property called `name`, or None."""
        return next((p for p in self.properties if p.name == name), None)

    @property
    def filterable(self) -> tuple[Property, ...]:
        return tuple(p for p in self.properties if p.filterable)

    @property
    def sortable(self) -> tuple[Property, ...]:
        return tuple(p for p in self.properties if p.sortable and p.type not in ("array", "object"))
