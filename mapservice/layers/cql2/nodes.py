"""The syntax tree of a filter: one for CQL2 text and CQL2 JSON, small, bounded in size and depth.

Two trees are equal if they mean the same; where a node stood in the request is kept for messages only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_FILTER = 8192
DEEPEST = 32
MOST_NODES = 1000

LOGIC = ("and", "or", "not")
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
TEXT_FUNCTIONS = ("casei", "accenti")
SPATIAL = (
    "s_intersects", "s_equals", "s_disjoint", "s_touches", "s_within", "s_overlaps", "s_crosses",
    "s_contains",
)  # fmt: skip
TEMPORAL = (
    "t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedBy", "t_finishes",
    "t_intersects", "t_meets", "t_metBy", "t_overlappedBy", "t_overlaps", "t_startedBy", "t_starts",
)  # fmt: skip
ARRAYS = ("a_equals", "a_contains", "a_containedBy", "a_overlaps")
FUNCTIONS = (*TEXT_FUNCTIONS, *SPATIAL, *TEMPORAL, *ARRAYS)
ARITY = {
    **dict.fromkeys((*COMPARISONS, *ARITHMETIC, *SPATIAL, *TEMPORAL, *ARRAYS, "like", "in"), 2),
    **dict.fromkeys((*TEXT_FUNCTIONS, "not", "isNull"), 1),
    "between": 3,
}
# Names are read in any case: S_INTERSECTS and s_intersects are the same.
BY_LOWER_CASE = {name.lower(): name for name in (*ARITY, "and", "or")}


class FilterError(ValueError):
    """What is wrong with a filter, and where: `at` is `character 12` or a JSON path."""

    def __init__(self, at: str, reason: str, hint: str | None = None) -> None:
        super().__init__(f"at {at}: {reason}")
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Literal:
    """Text, a number or a truth value."""

    value: str | int | float | bool
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Instant:
    """A date (`2024-05-31`) or a timestamp, as text that PostgreSQL reads."""

    text: str
    kind: str
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class PropertyRef:
    """A property by its name."""

    name: str
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Interval:
    """From one instant to another, both included; None is open."""

    start: Instant | PropertyRef | None
    end: Instant | PropertyRef | None
    at: str = field(compare=False)


Coordinates = tuple[float, float] | tuple["Coordinates", ...]


@dataclass(frozen=True, slots=True)
class Geometry:
    """A geometry as GeoJSON has it, its coordinates in the order of the filter's CRS."""

    kind: str
    coordinates: Coordinates
    at: str = field(compare=False)
    members: tuple[Geometry, ...] = ()


@dataclass(frozen=True, slots=True)
class BBox:
    """A bounding box by two corners, their coordinates in the order of the filter's CRS."""

    low: tuple[float, float]
    high: tuple[float, float]
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values."""

    items: tuple[Node, ...]
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function, by its name in CQL2 JSON, and its arguments."""

    op: str
    args: tuple[Node, ...]
    at: str = field(compare=False)
    depth: int = field(compare=False, default=1)


Node = Literal | Instant | PropertyRef | Interval | Geometry | BBox | Array | Call


class Budget:
    """Counts what a filter is made of; raises FilterError beyond the limits."""

    def __init__(self) -> None:
        self.nodes = 0

    def spend(self, at: str, nodes: int = 1) -> None:
        """Note that there are more nodes."""
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise FilterError(at, f"the filter has more than {MOST_NODES} parts", "ask for less at once")

    def call(self, op: str, args: tuple[Node, ...], at: str) -> Call:
        """An operator on its arguments."""
        self.spend(at)
        depth = 1 + max((arg.depth for arg in args if isinstance(arg, Call)), default=0)
        check_depth(depth, at)
        return Call(op, args, at, depth)


def check_depth(depth: int, at: str) -> None:
    """Raise FilterError where nesting goes too deep to be meant."""
    if depth > DEEPEST:
        raise FilterError(at, f"the filter is nested more than {DEEPEST} deep")
